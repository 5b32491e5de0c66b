import RedisClient

/// The beginning of every answer, made once a second, up to the digits of its length.
struct ResponsePreamble {
    /// Every field of a request that changes an answer. One list for all: an answer that one of them cannot change is only
    /// kept apart needlessly, and few answers are kept at all.
    static let vary = "Accept, Authorization, Replication-After, Replication-Token, Replication-Wait"

    /// `HTTP/1.1 200 OK\r\nDate: …\r\n…Content-Type: …\r\nContent-Length: `, for the two kinds of answers there are most of.
    private let bytes: [UInt8]
    private let json: [UInt8]
    /// `Date: …` and `Vary: …`
    private let date: [UInt8]
    /// What is said to pages of each allowed origin. By itself, since a copy of a preamble is made for each answer.
    private let originFields: [[UInt8]]
    private let longestOriginFields: Int

    init(_ date: HTTPDate, origins: AllowedOrigins = .none) {
        originFields = origins.fields
        longestOriginFields = origins.longestFields
        let vary = Self.vary + (origins.isEmpty ? "" : ", Origin")
        self.date = Array("Date: ".utf8) + date.text + Array("\r\nVary: \(vary)".utf8)
        bytes = Self.ok(self.date, .bytes, .revalidate)
        json = Self.ok(self.date, .json, .noStore)
    }

    private static func ok(
        _ date: [UInt8], _ type: ResponseHead.ContentType, _ caching: ResponseHead.Caching
    ) -> [UInt8] {
        Array("HTTP/1.1 200 OK\r\n".utf8) + date
            + Array("\(caching.text)\r\nContent-Type: \(type.text)\r\nContent-Length: ".utf8)
    }

    /// More than an answer's head takes.
    func roomBytes(for head: borrowing ResponseHead) -> Int { head.roomBytes + longestOriginFields }

    /// Up to the number that says how long the body is; without that where there is none.
    fileprivate func append(_ head: borrowing ResponseHead, to output: inout OutputRawSpan) {
        let status = head.status
        let type = head.contentType
        switch (status, type, head.caching) {
        case (.ok, .bytes, .revalidate):
            let preamble = bytes
            output.append(copying: preamble.span)
        case (.ok, .json, .noStore):
            let preamble = json
            output.append(copying: preamble.span)
        default:
            let date = date
            output.append("HTTP/1.1 ")
            output.append(decimal: status.rawValue)
            output.append(UInt8(ascii: " "))
            output.append(status.reason)
            output.append("\r\n")
            output.append(copying: date.span)
            output.append(head.caching.text)
            guard !status.isBodiless else { return }
            output.append("\r\nContent-Type: ")
            output.append(type.text)
            if !head.isOpenEnded { output.append("\r\nContent-Length: ") }
        }
    }

    /// What the browser of a page that may read the answer gets.
    fileprivate func append(_ origin: AllowedOrigins.Place, to output: inout OutputRawSpan) {
        guard Int(origin.index) < originFields.count else { return }
        let fields = originFields[Int(origin.index)]
        output.append(copying: fields.span)
    }
}

extension ResponseHead.Caching {
    /// The header line. `max-age=0` is for caches whose configuration leaves the other words out of account: Varnish's, where a
    /// rule of its own ends the built-in ones, looks at the age alone.
    fileprivate var text: StaticString {
        switch self {
        case .noStore: "\r\nCache-Control: no-store, max-age=0"
        case .revalidate: "\r\nCache-Control: private, no-cache, max-age=0"
        case .stream: "\r\nCache-Control: no-transform, no-store, max-age=0\r\nX-Accel-Buffering: no"
        }
    }
}

extension OutputRawSpan {
    /// Appends the status line and the header fields, up to and including the empty line: at most
    /// ``ResponseHead/roomBytes`` bytes.
    mutating func append(_ head: borrowing ResponseHead, _ framing: ResponseHead.Framing, _ preamble: ResponsePreamble)
    {
        preamble.append(head, to: &self)
        if !head.status.isBodiless, !head.isOpenEnded { append(decimal: framing.bodyBytes) }
        if framing.isChunked(head) { append("\r\nTransfer-Encoding: chunked") }
        let server = head.server
        append(copying: server.span)
        if let seconds = head.retryAfterSeconds {
            append("\r\nRetry-After: ")
            append(decimal: seconds)
        }
        if let allow = head.allow {
            append("\r\nAllow: ")
            append(allow.text)
        }
        if head.isStale { append("\r\nServed-Stale: true") }
        if let tag = head.tag {
            append("\r\nETag: \"")
            tag.write(to: &self)
            append(UInt8(ascii: "\""))
        }
        if !head.fields.isEmpty {
            let fields = head.fields
            append(copying: fields.span)
        }
        if framing.origin != .none { preamble.append(framing.origin, to: &self) }
        append(framing.requestID)
        switch framing.persistence {
        case .keepAlive: break
        case .keepAliveOnRequest: append("\r\nConnection: keep-alive")
        case .close: append("\r\nConnection: close")
        }
        append("\r\n\r\n")
    }
}
