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
        case json, problemJSON, plainText, bytes

        var text: StaticString {
            switch self {
            case .json: "application/json"
            case .problemJSON: "application/problem+json"
            case .plainText: "text/plain; charset=utf-8"
            case .bytes: "application/octet-stream"
            }
        }
    }

    /// What the client is told of the connection.
    enum Persistence {
        /// HTTP/1.1 keeps the connection by itself.
        case keepAlive
        /// HTTP/1.0 has to be told that the connection is kept.
        case keepAliveOnRequest
        case close
    }

    /// Where the answer ends, and whether the connection does.
    struct Framing {
        var bodyBytes: Int
        var persistence: Persistence
    }

    /// More than the longest head takes.
    static let roomBytes = 512

    var status: ResponseStatus
    var contentType: ContentType
    var retryAfterSeconds: Int?
    var allow: StaticText?
    /// The server that answered has lost its master, and the value may be old.
    var isStale = false

    init(status: ResponseStatus = .ok, contentType: ContentType) {
        self.status = status
        self.contentType = contentType
    }
}

/// The statuses that are answered (RFC 9110 §15, RFC 6585 §5, RFC 4918 §11.5).
enum ResponseStatus: Int {
    case ok = 200
    case badRequest = 400
    case notFound = 404
    case methodNotAllowed = 405
    case notAcceptable = 406
    case requestTimeout = 408
    case conflict = 409
    case contentTooLarge = 413
    case targetTooLong = 414
    case unsupportedMediaType = 415
    case headerTooLarge = 431
    case badGateway = 502
    case serviceUnavailable = 503
    case gatewayTimeout = 504
    case insufficientStorage = 507

    var reason: StaticString {
        switch self {
        case .ok: "OK"
        case .badRequest: "Bad Request"
        case .notFound: "Not Found"
        case .methodNotAllowed: "Method Not Allowed"
        case .notAcceptable: "Not Acceptable"
        case .requestTimeout: "Request Timeout"
        case .conflict: "Conflict"
        case .contentTooLarge: "Content Too Large"
        case .targetTooLong: "URI Too Long"
        case .unsupportedMediaType: "Unsupported Media Type"
        case .headerTooLarge: "Request Header Fields Too Large"
        case .badGateway: "Bad Gateway"
        case .serviceUnavailable: "Service Unavailable"
        case .gatewayTimeout: "Gateway Timeout"
        case .insufficientStorage: "Insufficient Storage"
        }
    }
}

/// The beginning of every answer, made once a second, up to the digits of its length.
struct ResponsePreamble {
    /// `HTTP/1.1 200 OK\r\nDate: …\r\nContent-Type: …\r\nContent-Length: `, for the two kinds of answers there are most of.
    private let bytes: [UInt8]
    private let json: [UInt8]
    /// `Date: …\r\nContent-Type: `
    private let rest: [UInt8]

    init(_ date: HTTPDate) {
        rest = Array("Date: ".utf8) + date.text + Array("\r\nContent-Type: ".utf8)
        bytes = Self.ok(rest, .bytes)
        json = Self.ok(rest, .json)
    }

    private static func ok(_ rest: [UInt8], _ type: ResponseHead.ContentType) -> [UInt8] {
        Array("HTTP/1.1 200 OK\r\n".utf8) + rest + Array("\(type.text)\r\nContent-Length: ".utf8)
    }

    fileprivate func append(_ status: ResponseStatus, _ type: ResponseHead.ContentType, to output: inout OutputRawSpan)
    {
        switch (status, type) {
        case (.ok, .bytes):
            let preamble = bytes
            output.append(copying: preamble.span)
        case (.ok, .json):
            let preamble = json
            output.append(copying: preamble.span)
        default:
            let rest = rest
            output.append("HTTP/1.1 ")
            output.append(decimal: status.rawValue)
            output.append(UInt8(ascii: " "))
            output.append(status.reason)
            output.append("\r\n")
            output.append(copying: rest.span)
            output.append(type.text)
            output.append("\r\nContent-Length: ")
        }
    }
}

extension OutputRawSpan {
    /// Appends the status line and the header fields, up to and including the empty line: at most
    /// ``ResponseHead/roomBytes`` bytes.
    mutating func append(_ head: borrowing ResponseHead, _ framing: ResponseHead.Framing, _ preamble: ResponsePreamble)
    {
        preamble.append(head.status, head.contentType, to: &self)
        append(decimal: framing.bodyBytes)
        if let seconds = head.retryAfterSeconds {
            append("\r\nRetry-After: ")
            append(decimal: seconds)
        }
        if let allow = head.allow {
            append("\r\nAllow: ")
            append(allow.text)
        }
        if head.isStale { append("\r\nServed-Stale: true") }
        switch framing.persistence {
        case .keepAlive: break
        case .keepAliveOnRequest: append("\r\nConnection: keep-alive")
        case .close: append("\r\nConnection: close")
        }
        append("\r\n\r\n")
    }
}
