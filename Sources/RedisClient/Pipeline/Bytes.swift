import NIOCore

extension Span<UInt8> {
    /// The bytes in memory of their own.
    public var copied: [UInt8] { unsafe withUnsafeBufferPointer { unsafe Array($0) } }

    /// Whether `text` occurs in the bytes. For answers of a few kilobytes, once a second.
    func contains(_ text: StaticString) -> Bool { end(of: text) != nil }

    /// Where the first `text` in the bytes ends.
    func end(of text: StaticString) -> Int? {
        let length = text.utf8CodeUnitCount
        guard count >= length else { return nil }
        for start in 0...(count - length) {
            var matched = 0
            while matched < length, unsafe self[start + matched] == text.utf8Start[matched] { matched += 1 }
            if matched == length { return start + length }
        }
        return nil
    }

    /// The bytes before the first `end`, as text.
    func prefix(upTo end: UInt8) -> String {
        var length = 0
        while length < count, self[length] != end { length += 1 }
        return unsafe extracting(0..<length).withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }
}

extension UInt8 {
    /// A lowercase one.
    var isHexadecimalDigit: Bool {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= self || UInt8(ascii: "a")...UInt8(ascii: "f") ~= self
    }
}

extension Duration {
    init(_ amount: TimeAmount) { self = .nanoseconds(amount.nanoseconds) }
}
