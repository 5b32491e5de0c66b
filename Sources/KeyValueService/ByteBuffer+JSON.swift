import NIOCore
import RedisClient

extension ByteBuffer {
    /// Writes the inside of a JSON string: quotes, backslashes and control characters escaped, all else as it is.
    ///
    /// The bytes must be UTF-8; see ``Swift/Span/isUTF8``.
    mutating func writeJSONEscaped(_ bytes: Span<UInt8>) {
        var start = 0
        var index = 0
        let count = bytes.count
        while index < count {
            let byte = unsafe bytes[unchecked: index]  // index < count
            guard Self.needsEscape(byte) else {
                index &+= 1
                continue
            }
            if start < index { writeBytes(bytes.extracting(start..<index)) }
            writeJSONEscape(of: byte)
            index &+= 1
            start = index
        }
        if start < count { writeBytes(bytes.extracting(start..<count)) }
    }

    @inline(__always)
    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private mutating func writeJSONEscape(of byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): writeStaticString("\\\"")
        case UInt8(ascii: "\\"): writeStaticString("\\\\")
        case UInt8(ascii: "\n"): writeStaticString("\\n")
        case UInt8(ascii: "\r"): writeStaticString("\\r")
        case UInt8(ascii: "\t"): writeStaticString("\\t")
        case 0x08: writeStaticString("\\b")
        case 0x0C: writeStaticString("\\f")
        default:
            // "\\u00" and two digits, as one integer: a value full of control characters is no slower than need be.
            let digits = UInt64(Self.hexDigit(byte >> 4)) << 8 | UInt64(Self.hexDigit(byte & 0x0F))
            writeMultipleIntegers(UInt32(0x5C75_3030), UInt16(truncatingIfNeeded: digits))
        }
    }

    private static func hexDigit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
    }
}

extension Span<UInt8> {
    /// Whether the bytes are well-formed UTF-8, and so fit into a JSON string.
    var isUTF8: Bool { (try? UTF8Span(validating: self)) != nil }
}
