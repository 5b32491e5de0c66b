extension JSONEscape {
    /// As ``copy(_:to:)``, for text that was not stored by a client; see ``NIOCore/ByteBuffer/writeJSONEscaped(shown:)``.
    ///
    /// - Parameter space: six bytes for each of `bytes`, and eight more.
    /// - Returns: how many bytes of `space` were written.
    static func copyShown(_ bytes: UnsafeRawBufferPointer, to space: UnsafeMutableRawBufferPointer) -> Int {
        guard let source = bytes.baseAddress, let target = space.baseAddress else { return 0 }
        var read = 0
        var written = 0
        while read < bytes.count {
            if read &+ 8 <= bytes.count {
                let word = unsafe source.loadUnaligned(fromByteOffset: read, as: UInt64.self)
                unsafe target.storeBytes(of: word, toByteOffset: written, as: UInt64.self)
                let plain = plainASCIIPrefix(of: UInt64(littleEndian: word))
                read &+= plain
                written &+= plain
                if plain == 8 { continue }
            }
            let byte = unsafe source.load(fromByteOffset: read, as: UInt8.self)
            if byte < 0x7F {
                read &+= 1
                unsafe written &+= write(byte, to: target + written)
            } else {
                let (scalar, length) = unsafe decode(UnsafeRawBufferPointer(rebasing: bytes[read...]))
                read &+= length
                unsafe written &+= write(scalar, to: target + written)
            }
        }
        return written
    }

    /// How many bytes, from the lowest on, are ASCII and need no escape: 0…8.
    private static func plainASCIIPrefix(of word: UInt64) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        // A byte's top bit is set where it is below 0x20, above 0x7E, or a quote, or a backslash. A borrow or a carry can only
        // spoil lanes above a hit.
        let control = (word &- ones &* 0x20) | word | (word &+ ones)
        let quote = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
        let backslash = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
        let hits = (control | ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash)) & tops
        return hits.trailingZeroBitCount / 8
    }

    /// The first character of bytes that are not empty, and how many of them it takes; U+FFFD for what is none, as long as
    /// what might have begun one (Unicode, "maximal subpart").
    private static func decode(_ bytes: UnsafeRawBufferPointer) -> (scalar: UInt32, length: Int) {
        let none: UInt32 = 0xFFFD
        let first = unsafe bytes[0]
        var range: ClosedRange<UInt8> = 0x80...0xBF
        let further: Int
        switch first {
        case ..<0x80: return (UInt32(first), 1)
        case 0xC2...0xDF: further = 1
        case 0xE0...0xEF:
            further = 2
            if first == 0xE0 { range = 0xA0...0xBF } else if first == 0xED { range = 0x80...0x9F }
        case 0xF0...0xF4:
            further = 3
            if first == 0xF0 { range = 0x90...0xBF } else if first == 0xF4 { range = 0x80...0x8F }
        default: return (none, 1)
        }
        var scalar = UInt32(first) & (0x3F >> UInt32(further))
        for index in 1...further {
            guard index < bytes.count, unsafe range ~= bytes[index] else { return (none, index) }
            unsafe scalar = scalar << 6 | UInt32(bytes[index] & 0x3F)
            range = 0x80...0xBF
        }
        return (scalar, further + 1)
    }

    private static func write(_ scalar: UInt32, to target: UnsafeMutableRawPointer) -> Int {
        switch scalar {
        case 0x7F...0x9F, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069:
            unsafe target.storeBytes(of: UInt16(bigEndian: 0x5C75), as: UInt16.self)
            for place in 0..<4 {
                let digit = hexDigit(UInt8(truncatingIfNeeded: scalar >> UInt32(12 - 4 * place)) & 0x0F)
                unsafe target.storeBytes(of: digit, toByteOffset: 2 + place, as: UInt8.self)
            }
            return 6
        default:
            var length = 0
            for byte in UTF8.encode(Unicode.Scalar(scalar) ?? "\u{FFFD}") ?? UTF8.encodedReplacementCharacter {
                unsafe target.storeBytes(of: byte, toByteOffset: length, as: UInt8.self)
                length += 1
            }
            return length
        }
    }
}
