/// What makes a stream of bytes no HTTP/1.x request, or one that two readers could read differently.
public enum Malformation: UInt8, Sendable, Equatable, CaseIterable {
    // Another protocol.
    case tlsHello, proxyProtocol, http2, redisCommand, notHTTP

    // The request line.
    case missingVersion, version, method, requestLineSpace, targetForm, targetSpace, targetCharacter

    // The form of the lines.
    case bareLineFeed, bareCarriageReturn, foldedLine, spaceBeforeColon, missingColon, fieldName, fieldCharacter

    // What the fields say.
    case missingHost, severalHosts, invalidHost, severalAuthorizations
    case invalidLength, severalLengths, lengthBesideCoding, transferEncoding, codingInHTTP10

    // A chunked body.
    case chunkLine, chunkEnd, trailer
}

// MARK: - The request line

extension Malformation {
    /// Names what is wrong with a first line that could not be read.
    ///
    /// Only called for one that could not: the parser stops at the first odd byte, and this looks at it again, at leisure.
    ///
    /// - Parameter text: at least one byte, from the line's first on; what follows the line is not looked at.
    init(ofRequestLine text: Span<UInt8>) {
        let line = text.extracting(0..<(text.index(of: UInt8(ascii: "\n"), from: 0) ?? text.count))
        self =
            Self.otherProtocol(text)
            ?? Self.firstByte(text[0])
            ?? Self.words(
                of: line.withoutCarriageReturn, endsInCRLF: line.count < text.count && line.endsInCarriageReturn)
    }

    /// What the first bytes show, even if only a few of them have come.
    private static func otherProtocol(_ text: Span<UInt8>) -> Malformation? {
        // A record of the type handshake (RFC 8446 §5.1); its version has always begun with 3.
        if text[0] == 0x16, text.count == 1 || text[1] == 0x03 { return .tlsHello }
        // The signature of version 2 begins with two empty lines, which the decoder has ignored by now.
        if text.agrees(with: "\0\r\nQUIT\n") || text.starts(with: "PROXY ") { return .proxyProtocol }
        if text.starts(with: "PRI * HTTP/2") { return .http2 }
        if text[0] == UInt8(ascii: "*") || text[0] == UInt8(ascii: "$") {
            var index = 1
            while index < text.count, UInt8(ascii: "0")...UInt8(ascii: "9") ~= text[index] { index += 1 }
            if index > 1, index < text.count, text[index] == UInt8(ascii: "\r") { return .redisCommand }
        }
        return nil
    }

    private static func firstByte(_ byte: UInt8) -> Malformation? {
        switch byte {
        case UInt8(ascii: "\n"): .bareLineFeed
        case UInt8(ascii: "\r"): .bareCarriageReturn
        case UInt8(ascii: " "), UInt8(ascii: "\t"): .requestLineSpace
        case 0..<0x20, 0x7F...0xFF: .notHTTP
        default: nil
        }
    }

    private static func words(of line: Span<UInt8>, endsInCRLF: Bool) -> Malformation {
        let methodEnd = line.endOfToken
        guard methodEnd < line.count else { return line.isRedisCommand ? .redisCommand : .notHTTP }
        let method = line.extracting(0..<methodEnd)
        guard line[methodEnd] == UInt8(ascii: " ") else { return line.contains(" HTTP/1.") ? .method : .notHTTP }
        let rest = line.extracting(methodEnd + 1..<line.count)
        guard !rest.isEmpty else { return .notHTTP }
        guard rest[0] != UInt8(ascii: " ") else { return .requestLineSpace }
        let targetEnd = rest.firstOddByte(from: 0, floor: 0x21)
        let target = rest.extracting(0..<targetEnd)
        let isPath = !target.isEmpty && target[0] == UInt8(ascii: "/")
        guard targetEnd < rest.count else {
            return isPath ? .missingVersion : method.isRedisCommand ? .redisCommand : .notHTTP
        }
        switch rest[targetEnd] {
        case UInt8(ascii: " "): break
        case UInt8(ascii: "\r"): return .bareCarriageReturn
        default: return .targetCharacter
        }
        let end = rest.extracting(targetEnd + 1..<rest.count)
        if end.startsIgnoringCase(with: "http/") { return version(end, endsInCRLF: endsInCRLF) ?? .targetForm }
        if end.contains(" HTTP/1.") { return end[0] == UInt8(ascii: " ") ? .requestLineSpace : .targetSpace }
        return isPath ? .version : method.isRedisCommand ? .redisCommand : .notHTTP
    }

    /// - Parameter text: `HTTP/…` to the end of the line.
    /// - Returns: `nil` where nothing is wrong with it.
    private static func version(_ text: Span<UInt8>, endsInCRLF: Bool) -> Malformation? {
        guard text.starts(with: "HTTP/1.1") || text.starts(with: "HTTP/1.0") else {
            return text.starts(with: "HTTP/2") || text.starts(with: "HTTP/3") ? .http2 : .version
        }
        guard text.count > 8 else { return endsInCRLF ? nil : .bareLineFeed }
        switch text[8] {
        case UInt8(ascii: "\r"): return .bareCarriageReturn
        case UInt8(ascii: " "), UInt8(ascii: "\t"): return .requestLineSpace
        default: return .version
        }
    }
}

// MARK: - A field's line

extension Malformation {
    /// Names what is wrong with a header line that could not be read.
    ///
    /// - Parameter text: at least one byte, from the line's first on.
    init(ofFieldLine text: Span<UInt8>) {
        let nameEnd = text.endOfToken
        self = nameEnd == text.count ? .missingColon : Self.fieldLine(text, nameEnd: nameEnd)
    }

    private static func fieldLine(_ text: Span<UInt8>, nameEnd: Int) -> Malformation {
        switch text[nameEnd] {
        case UInt8(ascii: "\n"): return .bareLineFeed
        case UInt8(ascii: "\r"):
            let isLineEnd = nameEnd + 1 < text.count && text[nameEnd + 1] == UInt8(ascii: "\n")
            return isLineEnd ? .missingColon : .bareCarriageReturn
        case UInt8(ascii: " "), UInt8(ascii: "\t"):
            guard nameEnd > 0 else { return .foldedLine }
            var index = nameEnd
            while index < text.count, Grammar.isBlank(text[index]) { index += 1 }
            return index < text.count && text[index] == UInt8(ascii: ":") ? .spaceBeforeColon : .missingColon
        case UInt8(ascii: ":") where nameEnd > 0: return value(of: text.extracting(nameEnd + 1..<text.count))
        default: return .fieldName
        }
    }

    private static func value(of text: Span<UInt8>) -> Malformation {
        for index in text.indices where !Grammar.isFieldValue(text[index]) {
            switch text[index] {
            case UInt8(ascii: "\n"): return .bareLineFeed
            case UInt8(ascii: "\r"): return .bareCarriageReturn
            default: return .fieldCharacter
            }
        }
        return .fieldCharacter
    }
}

extension Span<UInt8> {
    fileprivate func index(of byte: UInt8, from start: Int) -> Int? {
        for index in start..<Swift.max(count, start) where self[index] == byte { return index }
        return nil
    }

    /// Where the token ends that the text begins with.
    fileprivate var endOfToken: Int {
        var index = 0
        while index < count, Grammar.isToken(self[index]) { index += 1 }
        return index
    }

    fileprivate var endsInCarriageReturn: Bool { count > 0 && self[count - 1] == UInt8(ascii: "\r") }

    fileprivate var withoutCarriageReturn: Span<UInt8> {
        @_lifetime(copy self)
        get { extracting(0..<(endsInCarriageReturn ? count - 1 : count)) }
    }

    /// Whether one of the two begins with the other.
    fileprivate func agrees(with text: StaticString) -> Bool {
        let length = Swift.min(count, text.utf8CodeUnitCount)
        for index in 0..<length where unsafe self[index] != text.utf8Start[index] { return false }
        return true
    }

    fileprivate func contains(_ text: StaticString) -> Bool {
        var start = 0
        while start + text.utf8CodeUnitCount <= count {
            if extracting(start..<count).starts(with: text) { return true }
            start += 1
        }
        return false
    }

    /// Whether it is a command that people and programs greet a server of Redis with, or try it by.
    fileprivate var isRedisCommand: Bool {
        let commands: [StaticString] = [
            "ping", "get", "set", "info", "auth", "hello", "echo", "quit", "client", "command", "select", "config",
            "del", "exists", "keys", "scan", "role", "monitor", "subscribe", "multi", "eval", "incr", "ttl", "expire",
        ]
        return commands.contains { equalsIgnoringCase($0) }
    }
}
