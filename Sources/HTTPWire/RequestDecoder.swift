/// Requests out of a stream of bytes, cut anywhere: HTTP/1.0 and 1.1 as RFC 9112 has them, and no looser.
///
/// A value: bytes in, steps out, no socket and no copy. What two readers of the same bytes could take for two different
/// requests is refused: a bare CR or LF, a folded line, white space before a colon, two lengths or a length beside chunks, an
/// encoding that is not chunked alone, a sign or a space in a length, no Host or two.
///
/// ```
/// head ─ no body ─▶ head
///   ├─ length ──▶ fixed ─ last byte ─▶ end ─▶ head
///   └─ chunked ─▶ chunkSize ─ n ─▶ chunk ─▶ chunkEnd ─▶ chunkSize
///                    └─ 0 ─▶ trailers ─ empty line ─▶ head
/// any ─ fault ─▶ failed: the bytes after it cannot be parsed any more
/// ```
public struct RequestDecoder: Sendable {
    public enum Step: Sendable {
        /// Nothing more can be decoded before more bytes come. Those from the offset on are to be given again, before them.
        case needsMore
        /// A head. Where its ``RequestHead/body`` is `none` the request is whole with it, and no end follows.
        case head(RequestHead)
        /// A piece of the body, at least one byte.
        case body(Range<Int>)
        /// The request is whole.
        case end
        case fault(RequestFault)
    }

    /// The life of one request, after another.
    enum State: Sendable, Equatable {
        case head
        case fixed(remaining: Int)
        case chunkSize
        case chunk(remaining: Int)
        case chunkEnd
        case trailers(bytes: Int)
        case end
        case failed(RequestFault)
    }

    let limits: RequestLimits
    private(set) var state = State.head
    /// How much of an incomplete head has been searched for its end, so that a slow client costs no more than a fast one.
    var searched = 0

    public init(limits: RequestLimits = RequestLimits()) { self.limits = limits }

    /// Whether the next byte begins a request.
    package var isBetweenRequests: Bool { state == .head }

    /// Takes the next step.
    ///
    /// - Parameters:
    ///   - bytes: what has come; ranges in the answer are places in it.
    ///   - offset: from where on nothing has been consumed; moved past what this step consumes.
    public mutating func next(_ bytes: Span<UInt8>, from offset: inout Int) -> Step {
        switch state {
        case .head: return nextHead(bytes, from: &offset)
        case .fixed(let remaining):
            guard let piece = Self.take(remaining, of: bytes, from: &offset) else { return .needsMore }
            state = piece.count == remaining ? .end : .fixed(remaining: remaining - piece.count)
            return .body(piece)
        case .chunkSize, .chunk, .chunkEnd, .trailers: return nextOfChunks(bytes, from: &offset)
        case .end:
            state = .head
            return .end
        case .failed(let fault): return .fault(fault)
        }
    }

    private mutating func nextHead(_ bytes: Span<UInt8>, from offset: inout Int) -> Step {
        // Empty lines before a request are ignored (RFC 9112 §2.2).
        while bytes.count >= offset + 2, bytes[offset] == UInt8(ascii: "\r"), bytes[offset + 1] == UInt8(ascii: "\n") {
            offset += 2
            searched = 0
        }
        if bytes.count == offset + 1, bytes[offset] == UInt8(ascii: "\r") { return .needsMore }
        if searched > 0, !bytes.hasEmptyLine(from: offset + max(0, searched - 3)) {
            return headNeedsMore(bytes, offset)
        }
        var parser = HeadParser(bytes, at: offset, limits: limits)
        switch parser.parse() {
        case .incomplete: return headNeedsMore(bytes, offset)
        case .fault(let fault): return fail(fault)
        case .head(let head):
            searched = 0
            offset = parser.position
            state =
                switch head.body {
                case .none: .head
                case .length(let count): .fixed(remaining: count)
                case .chunked: .chunkSize
                }
            return .head(head)
        }
    }

    private mutating func headNeedsMore(_ bytes: Span<UInt8>, _ offset: Int) -> Step {
        searched = bytes.count - offset
        let isInRequestLine = !bytes.hasLineFeed(in: offset..<min(bytes.count, offset + limits.requestLineBytes))
        if isInRequestLine, searched >= limits.requestLineBytes { return fail(.targetTooLong) }
        return searched > limits.headBytes + limits.requestLineBytes ? fail(.headTooLarge(.fields)) : .needsMore
    }

    private mutating func nextOfChunks(_ bytes: Span<UInt8>, from offset: inout Int) -> Step {
        while true {
            switch state {
            case .chunkSize:
                guard let line = Self.line(in: bytes, from: offset) else {
                    let count = Self.lineBytes(in: bytes, from: offset)
                    return count > limits.chunkLineBytes ? fail(.malformed(.chunkLine)) : .needsMore
                }
                guard line.count <= limits.chunkLineBytes, let size = Self.chunkSize(bytes.extracting(line)) else {
                    return fail(.malformed(.chunkLine))
                }
                offset = line.upperBound + 2
                state = size == 0 ? .trailers(bytes: 0) : .chunk(remaining: size)
            case .chunk(let remaining):
                guard let piece = Self.take(remaining, of: bytes, from: &offset) else { return .needsMore }
                state = piece.count == remaining ? .chunkEnd : .chunk(remaining: remaining - piece.count)
                return .body(piece)
            case .chunkEnd:
                guard bytes.count > offset else { return .needsMore }
                guard bytes[offset] == UInt8(ascii: "\r") else { return fail(.malformed(.chunkEnd)) }
                guard bytes.count > offset + 1 else { return .needsMore }
                guard bytes[offset + 1] == UInt8(ascii: "\n") else { return fail(.malformed(.chunkEnd)) }
                offset += 2
                state = .chunkSize
            case .trailers(let taken):
                guard let line = Self.line(in: bytes, from: offset) else {
                    let count = taken + Self.lineBytes(in: bytes, from: offset)
                    return count > limits.trailerBytes ? fail(.headTooLarge(.trailers)) : .needsMore
                }
                offset = line.upperBound + 2
                if line.isEmpty {
                    state = .head
                    return .end
                }
                guard taken + line.count <= limits.trailerBytes else { return fail(.headTooLarge(.trailers)) }
                guard HeadParser.isField(bytes.extracting(line)) else { return fail(.malformed(.trailer)) }
                state = .trailers(bytes: taken + line.count)
            case .head, .fixed, .end, .failed: preconditionFailure("\(state) is not of a chunked body")
            }
        }
    }

    private mutating func fail(_ fault: RequestFault) -> Step {
        state = .failed(fault)
        return .fault(fault)
    }

    /// At most `count` bytes; `nil` where there are none yet.
    private static func take(_ count: Int, of bytes: Span<UInt8>, from offset: inout Int) -> Range<Int>? {
        let end = min(bytes.count, offset + count)
        guard end > offset else { return nil }
        defer { offset = end }
        return offset..<end
    }

    /// A line without its CRLF; `nil` where its end has not come. A line that holds a bare CR or LF never matches a rule.
    private static func line(in bytes: Span<UInt8>, from offset: Int) -> Range<Int>? {
        var index = offset
        while index + 1 < bytes.count {
            if bytes[index] == UInt8(ascii: "\r"), bytes[index + 1] == UInt8(ascii: "\n") { return offset..<index }
            index += 1
        }
        return nil
    }

    /// How many bytes of a line have come whose end has not: a carriage return at the end may belong to that.
    private static func lineBytes(in bytes: Span<UInt8>, from offset: Int) -> Int {
        let count = bytes.count - offset
        return count > 0 && bytes[bytes.count - 1] == UInt8(ascii: "\r") ? count - 1 : count
    }

    /// Hexadecimal digits, at most 15, then perhaps an extension, which is ignored.
    private static func chunkSize(_ line: Span<UInt8>) -> Int? {
        var size = 0
        var index = 0
        while index < line.count, let digit = line[index].hexadecimalValue {
            guard index < 15 else { return nil }
            size = size << 4 | Int(digit)
            index += 1
        }
        guard index > 0, areExtensions(line.extracting(index..<line.count)) else { return nil }
        return size
    }

    /// `;name`, `;name=token` or `;name="quoted"`, any number of times (RFC 9112 §7.1.1); without blanks, where readers differ.
    private static func areExtensions(_ text: Span<UInt8>) -> Bool {
        var index = 0
        func token() -> Bool {
            let start = index
            while index < text.count, Grammar.isToken(text[index]) { index += 1 }
            return index > start
        }
        func quoted() -> Bool {
            index += 1
            while index < text.count, Grammar.isFieldValue(text[index]) {
                let byte = text[index]
                index += 1
                if byte == UInt8(ascii: "\"") { return true }
                guard byte == UInt8(ascii: "\\") else { continue }
                // A backslash quotes no control character (RFC 9110 §5.6.4): a reader that splits lines would not see it.
                guard index < text.count, Grammar.isFieldValue(text[index]) else { return false }
                index += 1
            }
            return false
        }
        while index < text.count {
            guard text[index] == UInt8(ascii: ";") else { return false }
            index += 1
            guard token() else { return false }
            guard index < text.count, text[index] == UInt8(ascii: "=") else { continue }
            index += 1
            let isQuoted = index < text.count && text[index] == UInt8(ascii: "\"")
            guard isQuoted ? quoted() : token() else { return false }
        }
        return true
    }
}

/// Why a stream of bytes cannot be read on as requests.
public enum RequestFault: Error, Sendable, Equatable {
    /// Not HTTP, or a form that two readers could read differently.
    case malformed(Malformation)
    /// The body is in another transfer coding than `chunked`.
    case unknownTransferCoding
    case targetTooLong
    case headTooLarge(HeadPart)

    /// What is bounded in a head.
    public enum HeadPart: Sendable, Equatable {
        case field, fields, number, trailers
    }
}

/// The bounds of a request's head.
public struct RequestLimits: Sendable {
    /// Bytes of the path and query.
    public var targetBytes = 8 << 10
    /// Bytes of one header field.
    package var fieldBytes = 16 << 10
    /// Bytes of all header fields together.
    package var headBytes = 64 << 10
    /// Bytes of the fields after a chunked body.
    package var trailerBytes = 4 << 10
    public var fields = 100
    /// Bytes of the line before a chunk, its extensions included.
    package var chunkLineBytes = 1 << 10

    /// The longest method there is, the target, and the version.
    var requestLineBytes: Int { targetBytes + 64 }

    public init() {}
}

extension Span<UInt8> {
    fileprivate func hasEmptyLine(from start: Int) -> Bool {
        var index = start
        while index + 3 < count {
            // The third of \r\n\r\n decides how far the search can go on.
            switch self[index + 2] {
            case UInt8(ascii: "\r"):
                if self[index + 3] == UInt8(ascii: "\n"), self[index + 1] == UInt8(ascii: "\n"),
                    self[index] == UInt8(ascii: "\r")
                {
                    return true
                }
                index += 1
            case UInt8(ascii: "\n"): index += 1
            default: index += 3
            }
        }
        return false
    }

    fileprivate func hasLineFeed(in range: Range<Int>) -> Bool {
        for index in range where self[index] == UInt8(ascii: "\n") { return true }
        return false
    }
}
