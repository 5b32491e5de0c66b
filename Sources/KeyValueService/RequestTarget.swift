/// The path and query of a request, in bytes: `/get?key=key_1`.
struct RequestTarget {
    private let text: [UInt8]
    private let pathStart: Int
    private let queryStart: Int

    /// - Parameter uri: origin-form, or absolute-form, whose scheme and authority are passed over (RFC 9112 §3.2).
    init(_ uri: String) {
        text = Array(uri.utf8)
        pathStart = text.first == UInt8(ascii: "/") ? 0 : Self.pathStart(ofAbsoluteForm: text)
        queryStart = text[pathStart...].firstIndex(of: UInt8(ascii: "?")) ?? text.endIndex
    }

    var path: ArraySlice<UInt8> { text[pathStart..<queryStart] }

    /// The first value of a query parameter, decoded: `+` is a space, `%HH` a byte.
    ///
    /// - Throws: ``Problem/invalidPercentEncoding``.
    /// - Returns: `nil` where there is no such parameter; empty where it has no value.
    func queryValue(_ name: StaticString) throws(Problem) -> [UInt8]? {
        var start = queryStart + 1
        while start < text.endIndex {
            let end = text[start...].firstIndex(of: UInt8(ascii: "&")) ?? text.endIndex
            let pair = text[start..<end]
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? end
            if try Self.decode(pair[..<equals]).elementsEqual(name) {
                return equals < end ? try Self.decode(pair[(equals + 1)...]) : []
            }
            start = end + 1
        }
        return nil
    }

    private static func decode(_ text: ArraySlice<UInt8>) throws(Problem) -> [UInt8] {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(text.count)
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            index += 1
            switch byte {
            case UInt8(ascii: "+"): decoded.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard index + 1 < text.endIndex, let high = hexValue(text[index]), let low = hexValue(text[index + 1])
                else { throw .invalidPercentEncoding }
                decoded.append(high << 4 | low)
                index += 2
            default: decoded.append(byte)
            }
        }
        return decoded
    }

    /// `http://host/path` → where `/path` begins; `http://host` → the end (read as `/`).
    private static func pathStart(ofAbsoluteForm text: [UInt8]) -> Int {
        let lowered = text.prefix(8).map { $0 | 0x20 }
        let scheme = lowered.starts(with: "http://".utf8) ? 7 : lowered.starts(with: "https://".utf8) ? 8 : 0
        guard scheme > 0 else { return 0 }
        return text[scheme...].firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? text.endIndex
    }
}

extension [UInt8] {
    fileprivate func elementsEqual(_ text: StaticString) -> Bool {
        unsafe elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
