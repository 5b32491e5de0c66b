import NIOCore
import Telemetry

/// Names of keys as people and programs read them.
enum ShownBytes {
    /// In quotes, as redis-cli takes it: UTF-8 that a terminal shows, and each other byte as `\xHH`.
    static func quoted(_ bytes: [UInt8]) -> String {
        guard bytes.span.isUTF8 else { return "\"" + bytes.map(escaped).joined() + "\"" }
        let text = String(decoding: bytes, as: UTF8.self).unicodeScalars.map { scalar -> String in
            if scalar.value < 0x80 { return escaped(UInt8(scalar.value)) }
            // What turns text around, breaks lines or is not seen.
            return scalar.isPlain ? String(scalar) : scalar.utf8.map(escaped).joined()
        }
        return "\"" + text.joined() + "\""
    }

    private static func escaped(_ byte: UInt8) -> String {
        switch byte {
        case UInt8(ascii: "\""): "\\\""
        case UInt8(ascii: "\\"): "\\\\"
        case UInt8(ascii: "\n"): "\\n"
        case UInt8(ascii: "\r"): "\\r"
        case UInt8(ascii: "\t"): "\\t"
        case 0x20...0x7E: String(UnicodeScalar(byte))
        default: "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
    }

    /// A JSON string with its quotes.
    static func json(_ text: String) -> String {
        var buffer = ByteBuffer()
        buffer.writeJSONEscaped(shown: Array(text.utf8).span)
        return "\"" + String(buffer: buffer) + "\""
    }

    /// `"key": "…"`, or `"key_base64": "…"` where the bytes are no UTF-8.
    static func jsonKey(_ bytes: [UInt8]) -> String {
        guard bytes.span.isUTF8 else { return "\"key_base64\": \"\(base64(bytes))\"" }
        return "\"key\": " + json(String(decoding: bytes, as: UTF8.self))
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let part = bytes[start..<min(start + 3, bytes.count)]
            let bits = part.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - part.count))
            for place in 0..<4 {
                text.append(
                    place > part.count ? UInt8(ascii: "=") : alphabet[Int(bits >> UInt32(18 - 6 * place)) & 0x3F])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}

extension UnicodeScalar {
    /// A terminal shows it as a character, and nothing else happens.
    fileprivate var isPlain: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned,
            .spaceSeparator:
            false
        default: true
        }
    }

    fileprivate var utf8: [UInt8] { Array(String(self).utf8) }
}
