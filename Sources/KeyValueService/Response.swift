import NIOCore
import NIOHTTP1
import RedisClient

/// One answer, before it is bytes.
struct Response {
    enum ContentType {
        case json, problemJSON, plainText

        var text: StaticString {
            switch self {
            case .json: "application/json"
            case .problemJSON: "application/problem+json"
            case .plainText: "text/plain; charset=utf-8"
            }
        }
    }

    var status: HTTPResponseStatus
    var contentType: ContentType
    var body: ByteBuffer
    var retryAfterSeconds: Int?
    var allow: StaticText?
    /// The server that answered has lost its master, and the value may be old.
    var isStale = false

    init(status: HTTPResponseStatus = .ok, contentType: ContentType, body: ByteBuffer) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }
}

extension ByteBuffer {
    /// What the end of an answer's head depends on.
    enum Persistence {
        /// HTTP/1.1 keeps the connection by itself.
        case keepAlive
        /// HTTP/1.0 has to be told that the connection is kept.
        case keepAliveOnRequest
        case close
    }

    /// Writes the status line and the header fields, up to and including the empty line.
    mutating func writeHead(of response: borrowing Response, date: borrowing HTTPDate, persistence: Persistence) {
        if response.status == .ok {
            writeStaticString("HTTP/1.1 200 OK\r\nContent-Type: ")
        } else {
            writeStaticString("HTTP/1.1 ")
            writeDecimal(Int(response.status.code))
            writeStaticString(" ")
            writeString(response.status.reasonPhrase)
            writeStaticString("\r\nContent-Type: ")
        }
        writeStaticString(response.contentType.text)
        writeStaticString("\r\nContent-Length: ")
        writeDecimal(response.body.readableBytes)
        writeStaticString("\r\nDate: ")
        writeBytes(date.text.span)
        if let seconds = response.retryAfterSeconds {
            writeStaticString("\r\nRetry-After: ")
            writeDecimal(seconds)
        }
        if let allow = response.allow {
            writeStaticString("\r\nAllow: ")
            writeString(allow.description)
        }
        if response.isStale { writeStaticString("\r\nServed-Stale: true") }
        switch persistence {
        case .keepAlive: break
        case .keepAliveOnRequest: writeStaticString("\r\nConnection: keep-alive")
        case .close: writeStaticString("\r\nConnection: close")
        }
        writeStaticString("\r\n\r\n")
    }
}
