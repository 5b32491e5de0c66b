import NIOCore
import RedisClient

/// What a read with a ``ConsistencyDemand`` wants to know of a server.
enum ReadQuestion {
    /// The value of a key, in the form that the client wants.
    case key([UInt8], KeyForm)
    /// Each of them a get.
    case batch([BatchOperation])
    /// Nothing but where the server is.
    case position

    /// Whether the answer is a value as the bytes it is.
    var isOfBytes: Bool { if case .key(_, .bytes) = self { true } else { false } }

    /// The key whose value is asked for; `nil` where there are none or many.
    var key: [UInt8]? {
        switch self {
        case .key(let key, _): key
        case .batch, .position: nil
        }
    }

    var contentType: ResponseHead.ContentType {
        switch self {
        case .key(_, let form): form.contentType
        case .batch, .position: .json
        }
    }
}

/// The preconditions of a read (RFC 9110 §13.1).
struct ReadPreconditions: Equatable {
    /// If-None-Match: what the client has already.
    var known = EntityTagList.noTag
    /// If-Match; `nil` where it was not sent.
    var required: EntityTagList?
}

extension RequestHandler {
    /// As ``answer(_:_:unlessKnown:)``, if the value is the one that the client requires.
    final func answer(_ value: Span<UInt8>, _ head: ResponseHead, _ preconditions: ReadPreconditions) {
        if let required = preconditions.required, !required.matches(KeyTag(of: value)) { return refuse(like: head) }
        answer(value, head, unlessKnown: preconditions.known)
    }

    /// As ``answer(_:_:timeToLive:unlessKnown:)``. The tag of a document is weak, and is never the one that is required.
    final func answer(
        _ document: KeyDocument, _ head: ResponseHead, timeToLive milliseconds: Int64,
        _ preconditions: ReadPreconditions
    ) {
        if let required = preconditions.required, required != .any { return refuse(like: head) }
        answer(document, head, timeToLive: milliseconds, unlessKnown: preconditions.known)
    }

    private func refuse(like head: ResponseHead) {
        respond(Response(Problem.preconditionFailed.head(like: head), body: Problem.preconditionFailed.body))
    }
}
