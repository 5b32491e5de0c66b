import NIOCore
import RedisClient

/// One answer, before it is bytes.
struct Response {
    var head: ResponseHead
    var body: ByteBuffer

    init(_ head: ResponseHead, body: ByteBuffer) {
        self.head = head
        self.body = body
    }

    init(status: ResponseStatus = .ok, contentType: ResponseHead.ContentType, body: ByteBuffer) {
        self.init(ResponseHead(status: status, contentType: contentType), body: body)
    }
}

/// What an answer says before its body.
struct ResponseHead {
    enum ContentType {
        case json, problemJSON, plainText, bytes, html, eventStream, metrics

        var text: StaticString {
            switch self {
            case .json: "application/json"
            case .problemJSON: "application/problem+json"
            case .plainText: "text/plain; charset=utf-8"
            case .bytes: "application/octet-stream"
            case .html: "text/html; charset=utf-8"
            case .eventStream: "text/event-stream"
            case .metrics: "text/plain; version=0.0.4; charset=utf-8"
            }
        }
    }

    /// What a cache may do with the answer. On the safe side, unless it is set otherwise.
    enum Caching {
        /// Not keep it: it is an error, it changes with every observation, or it carries what holds for this one request.
        case noStore
        /// A browser may keep it, and asks by its ETag before each use. A cache that many share does not keep it.
        case revalidate
        /// As ``noStore``, and nothing on the way may gather or change it.
        case stream
    }

    /// What the answer says about the connection.
    enum Persistence {
        /// HTTP/1.1 keeps the connection by itself.
        case keepAlive
        /// HTTP/1.0 needs a field that says that the connection is kept.
        case keepAliveOnRequest
        case close
    }

    /// Where the answer ends, and whether the connection does.
    struct Framing {
        var bodyBytes: Int
        var persistence: Persistence
        var requestID: RequestID
        /// The origin whose pages may read the answer.
        var origin = AllowedOrigins.Place.none

        /// Whether the body of an open-ended answer comes in chunks; else it ends with the connection.
        func isChunked(_ head: borrowing ResponseHead) -> Bool { head.isOpenEnded && persistence == .keepAlive }
    }

    /// More than the longest head takes, but for ``server`` and ``fields``.
    private static let fixedBytes = 832

    /// More than this head takes.
    var roomBytes: Int { Self.fixedBytes + server.count + fields.count }

    var status: ResponseStatus
    var contentType: ContentType
    var caching = Caching.noStore
    var retryAfterSeconds: Int?
    var allow: StaticText?
    /// The answer goes on until one side ends it; see ``StreamHandler``.
    var isOpenEnded = false
    /// The server that answered has lost its master, and the value may be old.
    var isStale = false
    /// The tag of the value that the body is, byte for byte.
    var tag: KeyTag?
    /// Which server of Redis answered, as header lines (``RedisClient/RedisConnection/servedFields``); empty where none did.
    var server: [UInt8] = []
    /// What few answers have, as header lines, each of them behind its line end: `\r\nName: value`.
    private(set) var fields: [UInt8] = []

    init(status: ResponseStatus = .ok, contentType: ContentType) {
        self.status = status
        self.contentType = contentType
    }

    /// Adds a header line.
    ///
    /// - Parameter value: visible ASCII and spaces; what is not from this program must have been checked for that.
    mutating func add(_ name: StaticString, _ value: [UInt8]) {
        fields += Array("\r\n\(name): ".utf8) + value
    }

    mutating func add(fieldsOf other: ResponseHead) { fields += other.fields }

    mutating func add(_ name: StaticString, _ value: String) { add(name, Array(value.utf8)) }
}
