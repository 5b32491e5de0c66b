/// Reads one head in one go, from its first byte to its empty line.
struct HeadParser: ~Escapable {
    enum Outcome {
        case incomplete
        case fault(RequestFault)
        case head(RequestHead)
    }

    private let bytes: Span<UInt8>
    private let limits: RequestLimits
    /// After a head: the first byte behind it.
    private(set) var position: Int
    /// Where the line begins that is being read.
    private var lineStart: Int

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>, at position: Int, limits: RequestLimits) {
        self.bytes = bytes
        self.position = position
        self.lineStart = position
        self.limits = limits
    }

    @_lifetime(self: copy self)
    mutating func parse() -> Outcome {
        let start = position
        do throws(Stop) {
            var head = try requestLine()
            lineStart = position
            try fields(of: &head)
            return .head(head)
        } catch {
            switch error {
            case .incomplete: return .incomplete
            case .fault(let fault): return .fault(fault)
            case .odd:
                let line = bytes.extracting(lineStart..<bytes.count)
                let isFirst = lineStart == start
                return .fault(.malformed(isFirst ? .init(ofRequestLine: line) : .init(ofFieldLine: line)))
            }
        }
    }

    private enum Stop: Error {
        case incomplete
        /// A byte that has no place where it stands; what it makes of the line is found out in ``parse()``.
        case odd
        case fault(RequestFault)
    }

    /// `METHOD SP TARGET SP HTTP/1.x CRLF`
    @_lifetime(self: copy self)
    private mutating func requestLine() throws(Stop) -> RequestHead {
        let method = try token(endedBy: UInt8(ascii: " "))
        let target = try target()
        guard target.count <= limits.targetBytes else { throw .fault(.targetTooLong) }
        guard bytes.extracting(target).isTarget || bytes.extracting(method).equals("CONNECT") else {
            throw .odd
        }
        let version = try version()
        try lineEnd()
        // The method's length counts too: of a line that comes in pieces no more is kept.
        guard position - lineStart <= limits.requestLineBytes else { throw .fault(.targetTooLong) }
        return RequestHead(
            method: RequestMethod(bytes.extracting(method)), target: target, isHTTP11: version == UInt8(ascii: "1"))
    }

    /// The digit after `HTTP/1.`.
    @_lifetime(self: copy self)
    private mutating func version() throws(Stop) -> UInt8 {
        let end = min(position + 7, bytes.count)
        let prefix: StaticString = "HTTP/1."
        for index in position..<end where unsafe bytes[index] != prefix.utf8Start[index - position] {
            throw .odd
        }
        guard position + 7 < bytes.count else { throw .incomplete }
        let version = bytes[end]
        guard version == UInt8(ascii: "1") || version == UInt8(ascii: "0") else { throw .odd }
        position = end + 1
        return version
    }

    /// The header fields, to the empty line, and what they mean for the connection and the body.
    @_lifetime(self: copy self)
    private mutating func fields(of head: inout RequestHead) throws(Stop) {
        let start = position
        var count = 0
        var coding = Coding()
        while true {
            guard position < bytes.count else { throw .incomplete }
            lineStart = position
            if bytes[position] == UInt8(ascii: "\r") {
                try lineEnd()
                break
            }
            let name = try token(endedBy: UInt8(ascii: ":"))
            let value = try fieldValue()
            count += 1
            guard count <= limits.fields, position - lineStart <= limits.fieldBytes + 2,
                position - start <= limits.headBytes
            else { throw .fault(.headTooLarge(excess(count))) }
            guard let field = RequestField(bytes.extracting(name)) else { continue }
            let isFirst = head.note(field, at: value)
            if let malformation = coding.take(field, bytes.extracting(value), isFirst: isFirst, for: &head) {
                throw .fault(.malformed(malformation))
            }
        }
        if let fault = coding.finish(&head) { throw .fault(fault) }
    }

    /// What is over its bound.
    private func excess(_ fields: Int) -> RequestFault.HeadPart {
        if fields > limits.fields { return .number }
        return position - lineStart > limits.fieldBytes + 2 ? .field : .fields
    }

    /// A token, at least one byte, and the byte that ends it, which is ignored.
    @_lifetime(self: copy self)
    private mutating func token(endedBy end: UInt8) throws(Stop) -> Range<Int> {
        let start = position
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            if byte == end {
                guard index > start else { throw .odd }
                position = index + 1
                return start..<index
            }
            guard Grammar.isToken(byte) else { throw .odd }
            index += 1
        }
        throw .incomplete
    }

    /// The target, at least one byte, and the space after it.
    @_lifetime(self: copy self)
    private mutating func target() throws(Stop) -> Range<Int> {
        let start = position
        let end = bytes.firstOddByte(from: start, floor: 0x21)
        guard end < bytes.count else { throw .incomplete }
        guard end > start, bytes[end] == UInt8(ascii: " ") else { throw .odd }
        position = end + 1
        return start..<end
    }

    /// The rest of the line without the blanks around it.
    @_lifetime(self: copy self)
    private mutating func fieldValue() throws(Stop) -> Range<Int> {
        var start = position
        while start < bytes.count, Grammar.isBlank(bytes[start]) { start += 1 }
        var end = bytes.firstOddByte(from: start, floor: 0x20)
        while end < bytes.count, bytes[end] == UInt8(ascii: "\t") {
            end = bytes.firstOddByte(from: end + 1, floor: 0x20)
        }
        position = end
        try lineEnd()
        while end > start, Grammar.isBlank(bytes[end - 1]) { end -= 1 }
        return start..<end
    }

    @_lifetime(self: copy self)
    private mutating func lineEnd() throws(Stop) {
        guard position < bytes.count else { throw .incomplete }
        guard bytes[position] == UInt8(ascii: "\r") else { throw .odd }
        guard position + 1 < bytes.count else { throw .incomplete }
        guard bytes[position + 1] == UInt8(ascii: "\n") else { throw .odd }
        position += 2
    }

    /// Whether a line without its end is a field, as in trailers.
    static func isField(_ line: Span<UInt8>) -> Bool {
        var index = 0
        while index < line.count, Grammar.isToken(line[index]) { index += 1 }
        guard index > 0, index < line.count, line[index] == UInt8(ascii: ":") else { return false }
        while index < line.count {
            guard Grammar.isFieldValue(line[index]) else { return false }
            index += 1
        }
        return true
    }
}

/// What the fields say of the body's end and the connection's.
private struct Coding {
    private var length: Int?
    private var isChunked = false
    /// A transfer coding that is not known here.
    private var isForeign = false
    private var closes = false
    private var keeps = false

    /// - Returns: why the field is not to be trusted.
    mutating func take(
        _ field: RequestField, _ value: Span<UInt8>, isFirst: Bool, for head: inout RequestHead
    ) -> Malformation? {
        switch field {
        case .host:
            guard isFirst else { return .severalHosts }
            guard Self.isHost(value) else { return .invalidHost }
        case .contentLength:
            guard isFirst else { return .severalLengths }
            guard let count = Self.length(value) else { return .invalidLength }
            length = count
        case .transferEncoding:
            guard head.isHTTP11 else { return .codingInHTTP10 }
            guard takeCodings(value) else { return .transferEncoding }
        case .connection: takeOptions(value)
        case .expect where head.isHTTP11: takeExpectation(value, for: &head)
        case .origin, .contentRange: head.isUnusual = true
        case .contentEncoding where !value.equalsIgnoringCase("identity"):
            head.isEncoded = true
            head.isUnusual = true
        // Two readers may look at two of them.
        case .authorization: if !isFirst { return .severalAuthorizations }
        case .contentType, .accept, .ifMatch, .ifNoneMatch, .secFetchSite, .requestID, .traceparent, .replicationToken,
            .replicationAfter, .replicationWait, .expect, .contentEncoding:
            break
        }
        return nil
    }

    /// - Returns: why the body's end cannot be known, or that Host is missing.
    func finish(_ head: inout RequestHead) -> RequestFault? {
        guard !(isChunked || isForeign) || length == nil else { return .malformed(.lengthBesideCoding) }
        guard !isForeign else { return .unknownTransferCoding }
        guard !head.isHTTP11 || head.value(of: .host) != nil else { return .malformed(.missingHost) }
        if isChunked { head.body = .chunked } else if let length, length > 0 { head.body = .length(length) }
        head.keepsAlive = !closes && (head.isHTTP11 || keeps) && head.method != .connect
        return nil
    }

    /// The members of `Transfer-Encoding: gzip, chunked`, which may be spread over several fields.
    ///
    /// - Returns: `false` where it is not a list of codings, or the body would be chunked twice.
    private mutating func takeCodings(_ value: Span<UInt8>) -> Bool {
        if value.equalsIgnoringCase("chunked") {
            defer { isChunked = true }
            return !isChunked
        }
        var start = 0
        var isEmpty = true
        for index in 0...value.count where index == value.count || value[index] == UInt8(ascii: ",") {
            let coding = value.extracting(start..<index).withoutBlanks
            start = index + 1
            guard !coding.isEmpty else { continue }
            isEmpty = false
            // A parameter makes it another coding than `chunked`, which has none.
            var end = 0
            while end < coding.count, Grammar.isToken(coding[end]) { end += 1 }
            guard end > 0, end == coding.count || coding[end] == UInt8(ascii: ";") || Grammar.isBlank(coding[end])
            else { return false }
            if !coding.equalsIgnoringCase("chunked") {
                isForeign = true
            } else if isChunked {
                return false
            } else {
                isChunked = true
            }
        }
        return !isEmpty
    }

    /// Another expectation than `100-continue` may be refused, and is (RFC 9110 §10.1.1).
    private func takeExpectation(_ value: Span<UInt8>, for head: inout RequestHead) {
        guard !value.equalsIgnoringCase("100-continue") else {
            head.expectsContinue = true
            return
        }
        head.expectsTheUnknown = true
        head.isUnusual = true
    }

    /// The members of `Connection: a, b`.
    private mutating func takeOptions(_ value: Span<UInt8>) {
        var start = 0
        for index in 0...value.count where index == value.count || value[index] == UInt8(ascii: ",") {
            let option = value.extracting(start..<index).withoutBlanks
            if option.equalsIgnoringCase("close") { closes = true }
            if option.equalsIgnoringCase("keep-alive") { keeps = true }
            start = index + 1
        }
    }

    /// Digits alone, at most 18.
    private static func length(_ value: Span<UInt8>) -> Int? {
        guard 1...18 ~= value.count else { return nil }
        var length = 0
        for index in value.indices {
            let byte = value[index]
            guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte else { return nil }
            length = length * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return length
    }

    /// Empty, or without anything that ends an authority (RFC 3986 §3.2).
    private static func isHost(_ value: Span<UInt8>) -> Bool {
        for index in value.indices {
            switch value[index] {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"),
                UInt8(ascii: "@"), UInt8(ascii: ","):
                return false
            default: break
            }
        }
        return true
    }
}

extension Span<UInt8> {
    /// Whether it has the form of a path, of a whole URI, or of the asterisk (RFC 9112 §3.2).
    fileprivate var isTarget: Bool {
        if self[0] == UInt8(ascii: "/") { return true }
        if self[0] == UInt8(ascii: "*") { return count == 1 }
        return hasAuthority(after: "http://") || hasAuthority(after: "https://")
    }

    fileprivate var withoutBlanks: Span<UInt8> {
        @_lifetime(copy self)
        get {
            var start = 0
            var end = count
            while start < end, Grammar.isBlank(self[start]) { start += 1 }
            while end > start, Grammar.isBlank(self[end - 1]) { end -= 1 }
            return extracting(start..<end)
        }
    }

    private func hasAuthority(after scheme: StaticString) -> Bool {
        let length = scheme.utf8CodeUnitCount
        return count > length && startsIgnoringCase(with: scheme) && !"/?#".utf8.contains(self[length])
    }
}
