/// Pieces of a message, written one after the other into room that was made for all of them at once.
///
/// A `ByteBuffer` makes room, checks its ownership and moves its index with every write; here that is done once a message.
/// Writing past the room that was made is a programmer's mistake and traps.
extension OutputRawSpan {
    /// Appends the bytes.
    @inlinable
    public mutating func append(copying bytes: Span<UInt8>) {
        unsafe withUnsafeMutableBytes { space, count in
            precondition(bytes.count <= space.count - count, "more is written than there is room for")
            unsafe bytes.withUnsafeBytes { source in
                guard let start = source.baseAddress, let target = space.baseAddress else { return }
                unsafe (target + count).copyMemory(from: start, byteCount: source.count)
            }
            count += bytes.count
        }
    }

    /// Appends the text in UTF-8.
    @inlinable
    public mutating func append(_ text: StaticString) {
        unsafe withUnsafeMutableBytes { space, count in
            let length = text.utf8CodeUnitCount
            precondition(length <= space.count - count, "more is written than there is room for")
            guard let target = space.baseAddress else { return }
            unsafe (target + count).copyMemory(from: text.utf8Start, byteCount: length)
            count += length
        }
    }

    /// Appends a number in decimal digits, without a `String` in between.
    ///
    /// - Parameter number: 0 or more; at most 19 digits.
    @inlinable
    public mutating func append(decimal number: Int) {
        if number < 10 { return append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number)) }
        var rest = number
        var digits: InlineArray<20, UInt8> = .init(repeating: 0)
        var first = 20
        repeat {
            first -= 1
            digits[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        append(copying: digits.span.extracting(first..<20))
    }
}
