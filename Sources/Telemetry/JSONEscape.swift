public import NIOCore

extension ByteBuffer {
    /// Writes the inside of a JSON string: quotes, backslashes and control characters escaped, all else as it is.
    ///
    /// The bytes must be UTF-8; see ``Swift/Span/isUTF8``.
    public mutating func writeJSONEscaped(_ bytes: Span<UInt8>) {
        // Room is made for the worst case, six bytes a byte, so it is made piece by piece.
        let pieceBytes = 4096
        var start = 0
        while start < bytes.count {
            let end = min(start + pieceBytes, bytes.count)
            let piece = bytes.extracting(start..<end)
            unsafe writeWithUnsafeMutableBytes(minimumWritableBytes: piece.count * 6 + 8) { space in
                unsafe piece.withUnsafeBytes { unsafe JSONEscape.copy($0, to: space) }
            }
            start = end
        }
    }

    /// Writes the inside of a JSON string that people read, and that no client has stored: what a server, a file or a
    /// setting says.
    ///
    /// What is not UTF-8 becomes U+FFFD. What a terminal obeys or what turns text around is escaped, too: DEL, the control
    /// characters U+0080…U+009F, the separators U+2028 and U+2029, and the marks of direction.
    public mutating func writeJSONEscaped(shown bytes: Span<UInt8>) {
        let pieceBytes = 4096
        var start = 0
        while start < bytes.count {
            var end = min(start + pieceBytes, bytes.count)
            // No character is cut in two: its further bytes are three at the most.
            if end < bytes.count {
                for _ in 0..<3 where bytes[end] & 0xC0 == 0x80 { end -= 1 }
            }
            let piece = bytes.extracting(start..<end)
            unsafe writeWithUnsafeMutableBytes(minimumWritableBytes: piece.count * 6 + 8) { space in
                unsafe piece.withUnsafeBytes { unsafe JSONEscape.copyShown($0, to: space) }
            }
            start = end
        }
    }
}

extension [UInt8] {
    /// The inside of a JSON string; see ``NIOCore/ByteBuffer/writeJSONEscaped(_:)``.
    public init(jsonEscaping bytes: Span<UInt8>) {
        let count = bytes.jsonEscapedCount
        // Eight bytes more: the copying is done in words.
        unsafe self.init(unsafeUninitializedCapacity: count + 8) { space, written in
            written = unsafe bytes.withUnsafeBytes {
                unsafe JSONEscape.copy($0, to: UnsafeMutableRawBufferPointer(space))
            }
        }
    }
}

extension Span<UInt8> {
    /// Whether the bytes are well-formed UTF-8, and so fit into a JSON string.
    public var isUTF8: Bool { (try? UTF8Span(validating: self)) != nil }

    /// How many bytes the inside of a JSON string takes; see ``NIOCore/ByteBuffer/writeJSONEscaped(_:)``.
    public var jsonEscapedCount: Int { unsafe withUnsafeBytes { unsafe JSONEscape.count($0) } }
}

/// The copying of bytes into a JSON string, eight at a time where none of them needs an escape.
enum JSONEscape {
    /// How many bytes ``copy(_:to:)`` writes.
    static func count(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let source = bytes.baseAddress else { return 0 }
        var count = bytes.count
        var read = 0
        while read < bytes.count {
            if read &+ 8 <= bytes.count {
                let word = unsafe source.loadUnaligned(fromByteOffset: read, as: UInt64.self)
                let plain = plainPrefix(of: UInt64(littleEndian: word))
                read &+= plain
                if plain == 8 { continue }
            }
            count &+= escapedBytes(of: unsafe source.load(fromByteOffset: read, as: UInt8.self)) &- 1
            read &+= 1
        }
        return count
    }

    private static func escapedBytes(of byte: UInt8) -> Int {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"), 0x08,
            0x0C:
            2
        case 0..<0x20: 6
        default: 1
        }
    }

    /// - Parameter space: ``count(_:)`` bytes, and eight more.
    /// - Returns: how many bytes of `space` were written.
    static func copy(_ bytes: UnsafeRawBufferPointer, to space: UnsafeMutableRawBufferPointer) -> Int {
        guard let source = bytes.baseAddress, let target = space.baseAddress else { return 0 }
        var read = 0
        var written = 0
        while read < bytes.count {
            if read &+ 8 <= bytes.count {
                let word = unsafe source.loadUnaligned(fromByteOffset: read, as: UInt64.self)
                unsafe target.storeBytes(of: word, toByteOffset: written, as: UInt64.self)
                // Everything before the first byte that needs an escape is in place already.
                let plain = plainPrefix(of: UInt64(littleEndian: word))
                read &+= plain
                written &+= plain
                if plain == 8 { continue }
            }
            let byte = unsafe source.load(fromByteOffset: read, as: UInt8.self)
            read &+= 1
            unsafe written &+= write(byte, to: target + written)
        }
        return written
    }

    /// How many bytes, from the lowest on, need no escape: 0…8.
    private static func plainPrefix(of word: UInt64) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        // A byte's top bit is set where it is below 0x20, or a quote, or a backslash: "is less than" and "is zero" in
        // eight lanes at once (S. E. Anderson, Bit Twiddling Hacks). A borrow can only spoil lanes above a hit.
        let control = (word &- ones &* 0x20) & ~word
        let quote = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
        let backslash = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
        let hits = (control | ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash)) & tops
        return hits.trailingZeroBitCount / 8
    }

    static func write(_ byte: UInt8, to target: UnsafeMutableRawPointer) -> Int {
        switch byte {
        case UInt8(ascii: "\""): unsafe writePair(UInt8(ascii: "\""), to: target)
        case UInt8(ascii: "\\"): unsafe writePair(UInt8(ascii: "\\"), to: target)
        case UInt8(ascii: "\n"): unsafe writePair(UInt8(ascii: "n"), to: target)
        case UInt8(ascii: "\r"): unsafe writePair(UInt8(ascii: "r"), to: target)
        case UInt8(ascii: "\t"): unsafe writePair(UInt8(ascii: "t"), to: target)
        case 0x08: unsafe writePair(UInt8(ascii: "b"), to: target)
        case 0x0C: unsafe writePair(UInt8(ascii: "f"), to: target)
        case 0..<0x20: unsafe writeHexadecimal(byte, to: target)
        default: unsafe writePlain(byte, to: target)
        }
    }

    private static func writePlain(_ byte: UInt8, to target: UnsafeMutableRawPointer) -> Int {
        unsafe target.storeBytes(of: byte, as: UInt8.self)
        return 1
    }

    private static func writePair(_ letter: UInt8, to target: UnsafeMutableRawPointer) -> Int {
        unsafe target.storeBytes(of: UInt8(ascii: "\\"), as: UInt8.self)
        unsafe target.storeBytes(of: letter, toByteOffset: 1, as: UInt8.self)
        return 2
    }

    /// `\u00` and two digits.
    private static func writeHexadecimal(_ byte: UInt8, to target: UnsafeMutableRawPointer) -> Int {
        unsafe target.storeBytes(of: UInt32(bigEndian: 0x5C75_3030), as: UInt32.self)
        unsafe target.storeBytes(of: hexDigit(byte >> 4), toByteOffset: 4, as: UInt8.self)
        unsafe target.storeBytes(of: hexDigit(byte & 0x0F), toByteOffset: 5, as: UInt8.self)
        return 6
    }

    static func hexDigit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
    }
}
