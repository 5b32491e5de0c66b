import RedisClient

/// The beginning of every answer, made once a second, up to the digits of its length.
struct ResponsePreamble {
    /// `HTTP/1.1 200 OK\r\nDate: …\r\nContent-Type: …\r\nContent-Length: `, for the two kinds of answers there are most of.
    private let bytes: [UInt8]
    private let json: [UInt8]
    /// `Date: …`
    private let date: [UInt8]

    init(_ date: HTTPDate) {
        self.date = Array("Date: ".utf8) + date.text
        bytes = Self.ok(self.date, .bytes)
        json = Self.ok(self.date, .json)
    }

    private static func ok(_ date: [UInt8], _ type: ResponseHead.ContentType) -> [UInt8] {
        Array("HTTP/1.1 200 OK\r\n".utf8) + date + Array("\r\nContent-Type: \(type.text)\r\nContent-Length: ".utf8)
    }

    /// Up to the number that says how long the body is; without that where there is none.
    fileprivate func append(_ head: borrowing ResponseHead, to output: inout OutputRawSpan) {
        let status = head.status
        let type = head.contentType
        switch (status, type) {
        case (.ok, .bytes):
            let preamble = bytes
            output.append(copying: preamble.span)
        case (.ok, .json):
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
            guard !status.isBodiless else { return }
            output.append("\r\nContent-Type: ")
            output.append(type.text)
            if !head.isOpenEnded { output.append("\r\nContent-Length: ") }
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
            // What has a tag has another form too.
            append("\r\nVary: Accept\r\nETag: \"")
            tag.write(to: &self)
            append(UInt8(ascii: "\""))
        }
        if !head.fields.isEmpty {
            let fields = head.fields
            append(copying: fields.span)
        }
        append(framing.requestID)
        switch framing.persistence {
        case .keepAlive: break
        case .keepAliveOnRequest: append("\r\nConnection: keep-alive")
        case .close: append("\r\nConnection: close")
        }
        append("\r\n\r\n")
    }
}
