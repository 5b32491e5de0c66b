/// Replies that lie whole in the bytes that came, as most do: each a view of them, nothing fed, copied or allocated.
///
/// What is incomplete, nested or odd in any way is left to hiredis, which alone says what is an error.
struct WholeReplies: ~Escapable {
    private let bytes: Span<UInt8>
    private let maximumReplyBytes: Int
    /// The first byte that belongs to no reply handed out yet.
    private(set) var position: Int

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>, from start: Int, maximumReplyBytes: Int) {
        self.bytes = bytes
        self.position = start
        self.maximumReplyBytes = maximumReplyBytes
    }

    /// The next reply; `nil` where the rest is hiredis' business.
    @_lifetime(copy self)
    mutating func next() -> ReplyView? {
        guard position < bytes.count else { return nil }
        switch bytes[position] {
        case UInt8(ascii: "$"): return bulk()
        case UInt8(ascii: "+"):
            guard let text = line() else { return nil }
            return .simple(bytes.extracting(text))
        case UInt8(ascii: "-"):
            guard let text = line() else { return nil }
            return .error(bytes.extracting(text))
        case UInt8(ascii: ":"): return integer()
        default: return nil
        }
    }

    /// `$<length>\r\n<bytes>\r\n`
    @_lifetime(copy self)
    private mutating func bulk() -> ReplyView? {
        var index = position + 1
        var length = 0
        // At most nine digits: a length past that is not in memory yet.
        let end = min(bytes.count, index + 9)
        while index < end, UInt8(ascii: "0")...UInt8(ascii: "9") ~= bytes[index] {
            length = length &* 10 &+ Int(bytes[index] &- UInt8(ascii: "0"))
            index &+= 1
        }
        guard isNumber(from: position + 1, to: index), isLineEnd(at: index) else { return nil }
        let start = index + 2
        guard length <= maximumReplyBytes, isLineEnd(at: start + length) else { return nil }
        position = start + length + 2
        return .bulk(bytes.extracting(start..<start + length))
    }

    /// What stands between the type and the line's end.
    @_lifetime(self: copy self)
    private mutating func line() -> Range<Int>? {
        let start = position + 1
        var end = start
        while end < bytes.count, bytes[end] != UInt8(ascii: "\r") { end += 1 }
        guard isLineEnd(at: end) else { return nil }
        position = end + 2
        return start..<end
    }

    /// Digits with or without a minus, at most 18 of them.
    @_lifetime(copy self)
    private mutating func integer() -> ReplyView? {
        var index = position + 1
        let isNegative = index < bytes.count && bytes[index] == UInt8(ascii: "-")
        if isNegative { index += 1 }
        let start = index
        var number: Int64 = 0
        while index < bytes.count, index < start + 18, UInt8(ascii: "0")...UInt8(ascii: "9") ~= bytes[index] {
            number = number * 10 + Int64(bytes[index] - UInt8(ascii: "0"))
            index += 1
        }
        guard isNumber(from: start, to: index), !(isNegative && number == 0), isLineEnd(at: index) else { return nil }
        position = index + 2
        return .integer(isNegative ? -number : number)
    }

    /// Digits without a zero before others.
    private func isNumber(from start: Int, to end: Int) -> Bool {
        end == start + 1 || (end > start && bytes[start] != UInt8(ascii: "0"))
    }

    private func isLineEnd(at index: Int) -> Bool {
        index + 1 < bytes.count && bytes[index] == UInt8(ascii: "\r") && bytes[index + 1] == UInt8(ascii: "\n")
    }
}
