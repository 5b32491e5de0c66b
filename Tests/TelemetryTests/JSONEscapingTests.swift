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
