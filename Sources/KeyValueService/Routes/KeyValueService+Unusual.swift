import HTTPWire
import NIOCore
import ServiceDocuments

/// What few requests ask for.
extension KeyValueService {
    /// Answers what every path answers alike: OPTIONS, CONNECT, and expectations that cannot be met.
    ///
    /// That needs no token: browsers ask OPTIONS without one (WHATWG Fetch, CORS-preflight fetch), and the
    /// answer tells what the documentation tells.
    ///
    /// - Throws: ``Problem/expectationFailed``, ``Problem/unsupportedMethod``, ``Problem/unknownPath``.
    /// - Returns: `nil` for all other requests.
    func unusual(
        _ request: borrowing RequestView, _ target: borrowing RequestTarget, noting found: inout Route?
    ) throws(Problem) -> Response? {
        if request.head.expectsTheUnknown { throw .expectationFailed }
        switch request.head.method {
        case .options:
            found = Route(path: target.path)
            guard let allowed = target.path.equals("*") ? Route.allMethods : found?.allowed else { throw .unknownPath }
            return options(allowed, from: request.value(of: .origin))
        case .connect: throw .unsupportedMethod
        case .get, .head, .post, .put, .delete, .patch, .trace, .other: return nil
        }
    }

    private func options(_ allowed: StaticText, from origin: Span<UInt8>?) -> Response {
        var head = ResponseHead(status: .noContent, contentType: .plainText)
        head.allow = allowed
        if let origin, http.origins.place(of: origin) != .none {
            head.add("Access-Control-Allow-Methods", allowed.description)
            head.add("Access-Control-Allow-Headers", Self.allowedFields)
            head.add("Access-Control-Max-Age", "600")
        }
        return Response(head, body: ByteBuffer())
    }

    /// The request fields that mean something here, and that a browser asks about first.
    private static let allowedFields =
        "Accept, Authorization, Content-Type, If-Match, If-None-Match, Replication-After, Replication-Token, "
        + "Replication-Wait, X-Request-Id, traceparent"

    private static let document = ByteBuffer(bytes: ServiceDocuments.openAPI)
    private static let documentTag = KeyTag(of: document.readableBytesUInt8Span)

    /// The description of the API; without it, where the client has it already.
    static func openAPI(_ request: borrowing RequestView) -> Response {
        var head = ResponseHead(contentType: .json)
        head.tag = documentTag
        head.caching = .revalidate
        guard request.knownTags.matches(documentTag) else { return Response(head, body: document) }
        head.status = .notModified
        return Response(head, body: ByteBuffer())
    }
}
