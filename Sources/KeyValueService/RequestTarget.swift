/// The path and query of a request, in bytes: `/get?key=key_1`.
struct RequestTarget {
    private let text: Substring.UTF8View
    private let queryStart: Substring.UTF8View.Index

    /// - Parameter uri: origin-form, or absolute-form, whose scheme and authority are passed over (RFC 9112 §3.2).
    init(_ uri: String) {
        var text = Substring(uri).utf8
        if text.first != UInt8(ascii: "/"), let path = Self.pathOfAbsoluteForm(text) { text = path }
        self.text = text
        self.queryStart = text.firstIndex(of: UInt8(ascii: "?")) ?? text.endIndex
    }

    var path: Substring.UTF8View { text[..<queryStart] }

    /// The first value of a query parameter, decoded: `+` is a space, `%HH` a byte.
    ///
    /// - Throws: ``Problem/invalidPercentEncoding``.
    /// - Returns: `nil` where there is no such parameter; empty where it has no value.
    func queryValue(_ name: StaticString) throws(Problem) -> [UInt8]? {
        guard queryStart < text.endIndex else { return nil }
        for pair in text[text.index(after: queryStart)...].split(separator: UInt8(ascii: "&")) {
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            guard try Self.decode(pair[..<equals]).elementsEqual(name) else { continue }
            guard equals < pair.endIndex else { return [] }
            return try Self.decode(pair[pair.index(after: equals)...])
        }
        return nil
    }

    private static func decode(_ text: Substring.UTF8View) throws(Problem) -> [UInt8] {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(text.count)
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            index = text.index(after: index)
            switch byte {
            case UInt8(ascii: "+"): decoded.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                let digits = text[index...].prefix(2)
                guard digits.count == 2, let high = hexValue(digits.first!), let low = hexValue(digits.last!) else {
                    throw .invalidPercentEncoding
                }
                decoded.append(high << 4 | low)
                index = digits.endIndex
            default: decoded.append(byte)
            }
        }
        return decoded
    }

    /// `http://host/path` → `/path`; `http://host` → `` (read as `/`).
    private static func pathOfAbsoluteForm(_ text: Substring.UTF8View) -> Substring.UTF8View? {
        let lowered = text.prefix(8).map { $0 | 0x20 }
        let scheme = lowered.starts(with: "http://".utf8) ? 7 : lowered.starts(with: "https://".utf8) ? 8 : 0
        guard scheme > 0 else { return nil }
        let authority = text.dropFirst(scheme)
        let path = authority.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? authority.endIndex
        return authority[path...]
    }
}

extension [UInt8] {
    fileprivate func elementsEqual(_ text: StaticString) -> Bool {
        unsafe elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
