import HTTPWire

/// The path and query of a request, in bytes: `/get?key=key_1`.
struct RequestTarget: ~Escapable {
    let path: Span<UInt8>
    /// Behind the question mark; empty where there is none.
    private let query: Span<UInt8>

    /// - Parameter target: origin-form, or absolute-form, whose scheme and authority are ignored (RFC 9112 §3.2).
    @_lifetime(copy target)
    init(_ target: Span<UInt8>) {
        let start = target.first == UInt8(ascii: "/") ? 0 : Self.pathStart(ofAbsoluteForm: target)
        let end = target.index(of: UInt8(ascii: "?"), from: start) ?? target.count
        path = target.extracting(start..<end)
        query = target.extracting(min(end + 1, target.count)..<target.count)
    }

    var hasQuery: Bool { !query.isEmpty }

    /// The first value of a query parameter, decoded: `+` is a space, `%HH` a byte.
    ///
    /// - Throws: ``Problem/invalidPercentEncoding``.
    /// - Returns: `nil` where there is no such parameter; empty where it has no value.
    func queryValue(_ name: StaticString) throws(Problem) -> [UInt8]? {
        var start = 0
        while start < query.count {
            let end = query.index(of: UInt8(ascii: "&"), from: start) ?? query.count
            let pair = query.extracting(start..<end)
            let equals = pair.index(of: UInt8(ascii: "="), from: 0) ?? pair.count
            if try Self.isName(pair.extracting(0..<equals), name) {
                return try Self.decode(pair.extracting(min(equals + 1, pair.count)..<pair.count), plusIsSpace: true)
            }
            start = end + 1
        }
        return nil
    }

    /// The first value of a query parameter that is a number, in decimal digits alone.
    ///
    /// - Throws: ``Problem/invalidNumber(_:_:)``, ``Problem/invalidPercentEncoding``.
    /// - Returns: `nil` where there is no such parameter.
    func queryNumber(_ name: StaticText, in range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let text = try queryValue(name.text) else { return nil }
        guard let number = UInt64(decimal: text).flatMap({ Int(exactly: $0) }), range ~= number else {
            throw .invalidNumber(name, range)
        }
        return number
    }

    /// The names of the query's parameters, decoded, one after the other.
    var parameterNames: ParameterNames {
        @_lifetime(copy self)
        get { ParameterNames(query) }
    }

    struct ParameterNames: ~Escapable {
        private let query: Span<UInt8>
        private var start = 0

        @_lifetime(copy query)
        fileprivate init(_ query: Span<UInt8>) { self.query = query }

        /// - Throws: ``Problem/invalidPercentEncoding``.
        /// - Returns: `nil` behind the last one.
        @_lifetime(self: copy self)
        mutating func next() throws(Problem) -> [UInt8]? {
            while start < query.count {
                let end = query.index(of: UInt8(ascii: "&"), from: start) ?? query.count
                let pair = query.extracting(start..<end)
                start = end + 1
                guard !pair.isEmpty else { continue }
                let name = pair.extracting(0..<(pair.index(of: UInt8(ascii: "="), from: 0) ?? pair.count))
                return try RequestTarget.decode(name, plusIsSpace: true)
            }
            return nil
        }
    }

    /// What follows a prefix of the path, decoded: `%HH` is a byte, everything else stands for itself.
    ///
    /// - Throws: ``Problem/invalidPercentEncoding``.
    func pathValue(after prefix: StaticString) throws(Problem) -> [UInt8] {
        try Self.decode(path.extracting(prefix.utf8CodeUnitCount..<path.count), plusIsSpace: false)
    }

    private static func isName(_ text: Span<UInt8>, _ name: StaticString) throws(Problem) -> Bool {
        if text.equals(name) { return true }
        guard text.index(of: UInt8(ascii: "%"), from: 0) != nil else { return false }
        let decoded = try decode(text, plusIsSpace: true)
        return decoded.span.equals(name)
    }

    fileprivate static func decode(_ text: Span<UInt8>, plusIsSpace: Bool) throws(Problem) -> [UInt8] {
        guard text.needsDecoding(plusIsSpace: plusIsSpace) else {
            return unsafe text.withUnsafeBufferPointer { unsafe Array($0) }
        }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            let byte = text[index]
            index += 1
            switch byte {
            case UInt8(ascii: "+") where plusIsSpace: decoded.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard index + 1 < text.count, let high = text[index].hexadecimalValue,
                    let low = text[index + 1].hexadecimalValue
                else { throw .invalidPercentEncoding }
                decoded.append(high << 4 | low)
                index += 2
            default: decoded.append(byte)
            }
        }
        return decoded
    }

    /// `http://host/path` → where `/path` begins; `http://host` → the end (read as `/`).
    private static func pathStart(ofAbsoluteForm text: Span<UInt8>) -> Int {
        let scheme = text.startsIgnoringCase(with: "http://") ? 7 : text.startsIgnoringCase(with: "https://") ? 8 : 0
        guard scheme > 0 else { return 0 }
        for index in scheme..<max(text.count, scheme) {
            if text[index] == UInt8(ascii: "/") || text[index] == UInt8(ascii: "?") { return index }
        }
        return text.count
    }
}

extension Span<UInt8> {
    fileprivate var first: UInt8? { isEmpty ? nil : self[0] }

    fileprivate func index(of byte: UInt8, from start: Int) -> Int? {
        for index in start..<Swift.max(count, start) where self[index] == byte { return index }
        return nil
    }

    fileprivate func needsDecoding(plusIsSpace: Bool) -> Bool {
        for index in indices {
            let byte = self[index]
            if byte == UInt8(ascii: "%") || (byte == UInt8(ascii: "+") && plusIsSpace) { return true }
        }
        return false
    }
}
