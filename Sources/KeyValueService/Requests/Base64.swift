import RedisClient

/// Base64 with padding (RFC 4648 §4), for bytes that JSON cannot hold.
enum Base64 {
    /// How many characters so many bytes take.
    static func count(_ bytes: Int) -> Int { (bytes + 2) / 3 * 4 }

    /// Appends the characters, ``count(_:)`` of them.
    static func write(_ bytes: Span<UInt8>, to output: inout OutputRawSpan) {
        var index = 0
        while index + 3 <= bytes.count {
            append(
                UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2]), 4, to: &output)
            index += 3
        }
        switch bytes.count - index {
        case 1:
            append(UInt32(bytes[index]) << 16, 2, to: &output)
            output.append("==")
        case 2:
            append(UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8, 3, to: &output)
            output.append(UInt8(ascii: "="))
        default: break
        }
    }

    /// - Parameter group: three bytes, the first on top.
    /// - Parameter count: how many of the four characters are wanted.
    private static func append(_ group: UInt32, _ count: Int, to output: inout OutputRawSpan) {
        for place in 0..<count { output.append(character(for: UInt8(group >> UInt32(18 - 6 * place) & 0x3F))) }
    }

    /// Decodes strictly: padded, no blanks, no bits left over.
    ///
    /// - Returns: `nil` where the text is anything else.
    static func decode(_ text: Span<UInt8>) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        var end = text.count
        while end > max(0, text.count - 2), text[end - 1] == UInt8(ascii: "=") { end -= 1 }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(end * 3 / 4)
        var bits: UInt32 = 0
        for index in 0..<end {
            guard let value = value(of: text[index]) else { return nil }
            bits = bits << 6 | UInt32(value)
            // Each character but the first of four ends a byte, or goes beyond its end.
            let left = 6 - index % 4 * 2
            if left < 6 { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(left))) }
        }
        let leftOver: UInt32 =
            switch text.count - end {
            case 1: bits & 0x03
            case 2: bits & 0x0F
            default: 0
            }
        return leftOver == 0 ? bytes : nil
    }

    private static func character(for value: UInt8) -> UInt8 {
        switch value {
        case 0..<26: UInt8(ascii: "A") + value
        case 26..<52: UInt8(ascii: "a") + value - 26
        case 52..<62: UInt8(ascii: "0") + value - 52
        case 62: UInt8(ascii: "+")
        default: UInt8(ascii: "/")
        }
    }

    private static func value(of character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
