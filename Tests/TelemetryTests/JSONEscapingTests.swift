import NIOCore
import Telemetry
import Testing

@testable import KeyValueService

@Suite("JSON strings")
struct JSONEscapingTests {
    @Test func `every character survives being escaped and read again`() throws {
        let text = String(String.UnicodeScalarView((0...0x2FF).compactMap(Unicode.Scalar.init))) + "\u{2028}😀\u{10FFFF}"
        var body = ByteBuffer(string: #"{"key":""#)
        body.writeJSONEscaped(text.utf8.span)
        body.writeString(#"","value":""}"#)
        let request = try SetRequest(parsing: body.readableBytesUInt8Span)
        #expect(request.key == Array(text.utf8))
    }

    @Test(arguments: [
        ("# Replication\r\nrole:master\r\n", #"# Replication\r\nrole:master\r\n"#),
        ("\"\\/", #"\"\\/"#), ("\u{0}\u{1}\u{1f}\u{7f}", "\\u0000\\u0001\\u001f\u{7f}"), ("é😀<&>", "é😀<&>"), ("", ""),
    ])
    func `escape what JSON demands and nothing else`(text: String, escaped: String) {
        var buffer = ByteBuffer()
        buffer.writeJSONEscaped(text.utf8.span)
        #expect(String(buffer: buffer) == escaped)
    }

    @Test(
        arguments: [
            ([0xFF, 0x9B], "\u{FFFD}\u{FFFD}"), ([0xC2], "\u{FFFD}"), ([0xE2, 0x82, 0x41], "\u{FFFD}A"),
            ([0xED, 0xA0, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}"),
            ([0xF4, 0x90, 0x80, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"),
            ([0xC0, 0x80], "\u{FFFD}\u{FFFD}"), ([0xF0, 0x9F, 0x98], "\u{FFFD}"), ([0xF0, 0x9F, 0x98, 0x80], "😀"),
            (Array("é\u{7F}\u{9B}\u{A0}".utf8), #"é\u007f\u009b"# + "\u{A0}"),
            (Array("\u{2028}\u{202E}\u{2066}\u{2069}\u{206A}".utf8), #"\u2028\u202e\u2066\u2069"# + "\u{206A}"),
            (Array("role:master\r\n\"\\\u{1B}".utf8), #"role:master\r\n\"\\\u001b"#),
        ] as [([UInt8], String)])
    func `text of servers is UTF-8, and nothing that a terminal obeys`(text: [UInt8], escaped: String) {
        // At every place of a word, and across the pieces of a long text.
        for length in [0, 1, 5, 7, 8, 9, 4090, 4093, 4094, 4095, 4096, 4097] {
            let around = String(repeating: "x", count: length)
            var buffer = ByteBuffer()
            buffer.writeJSONEscaped(shown: (Array(around.utf8) + text + Array("yz".utf8)).span)
            let isUTF8 = buffer.readableBytesUInt8Span.isUTF8
            #expect(isUTF8)
            #expect(String(buffer: buffer) == around + escaped + "yz", "\(length)")
        }
    }

    @Test func `text of servers is repaired as Swift repairs it, whatever the bytes`() {
        var numbers = SystemRandomNumberGenerator()
        let likely: [UInt8] = [0x41, 0x80, 0x9B, 0xA0, 0xBF, 0xC2, 0xE0, 0xE2, 0xED, 0xF0, 0xF4, 0xFF]
        for _ in 0..<2000 {
            let bytes = (0..<20).map { _ in likely.randomElement(using: &numbers) ?? 0 }
            var buffer = ByteBuffer(string: #"{"key":""#)
            buffer.writeJSONEscaped(shown: bytes.span)
            buffer.writeString(#"","value":""}"#)
            let key = try? SetRequest(parsing: buffer.readableBytesUInt8Span).key
            #expect(key == Array(String(decoding: bytes, as: UTF8.self).utf8), "\(bytes)")
        }
    }

    @Test func `a server's INFO is shown up to 64 KiB, by whole lines`() {
        let line = "slave0:ip=10.0.0.1,port=6379\r\n"
        var buffer = ByteBuffer()
        buffer.writeJSONEscaped(information: Array(String(repeating: line, count: 40_000).utf8).span)
        let shown = (64 << 10) / line.utf8.count
        #expect(buffer.readableBytes == shown * (line.utf8.count + 2))
        buffer.clear()
        buffer.writeJSONEscaped(information: [UInt8](repeating: 0x78, count: 1 << 20).span)
        #expect(buffer.readableBytes == 64 << 10)
    }

    @Test func `escape every byte at every place, also across the pieces of a long text`() {
        for byte in UInt8(0)..<0x80 {
            var alone = ByteBuffer()
            alone.writeJSONEscaped([byte].span)
            let escaped = String(buffer: alone)
            for length in [0, 1, 7, 8, 9, 15, 16, 4090, 4095, 4096, 4097] {
                let text = Array(repeating: UInt8(ascii: "x"), count: length) + [byte, byte] + Array("yz".utf8)
                var buffer = ByteBuffer()
                buffer.writeJSONEscaped(text.span)
                #expect(String(buffer: buffer) == String(repeating: "x", count: length) + escaped + escaped + "yz")
            }
        }
    }
}
