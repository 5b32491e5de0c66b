import NIOCore
import Testing

@testable import KeyValueService

@Suite("Base64")
struct Base64Tests {
    /// RFC 4648 §10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func `is that of the RFC`(bytes: String, text: String) {
        #expect(encode(Array(bytes.utf8)) == text)
        #expect(Base64.decode(Array(text.utf8).span) == Array(bytes.utf8))
    }

    @Test func `holds every byte, and comes back`() {
        let all = Array(UInt8.min...UInt8.max)
        var generator = SystemRandomNumberGenerator()
        for length in 0..<600 {
            let bytes = length == 256 ? all : (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let text = encode(bytes)
            #expect(text.utf8.count == Base64.count(length))
            #expect(Base64.decode(Array(text.utf8).span) == bytes)
        }
        #expect(encode([0xFB, 0xEF, 0xFF]) == "++//")
    }

    @Test(arguments: [
        "Z", "Zg", "Zg=", "Zm8", "Zg===", "====", "=", "==", "Zg==Zg==", "Zm=v", "Z===", "Zh==", "Zm9=", "Zm 9v",
        " Zm9v",
        "Zm9v\n", "Zm-v", "Zm_v", "Zm9é", "Zg=g", "=Zm8",
    ])
    func `is decoded strictly`(text: String) {
        #expect(Base64.decode(Array(text.utf8).span) == nil)
    }

    @Test func `is decoded or refused whatever is in it, never a trap`() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0...9, using: &generator)).map { _ in
                UInt8.random(in: 40...127, using: &generator)
            }
            guard let bytes = Base64.decode(text.span) else { continue }
            #expect(Array(encode(bytes).utf8) == text, "each has one spelling")
        }
    }

    private func encode(_ bytes: [UInt8]) -> String {
        var text = ByteBuffer()
        text.writeWithOutputRawSpan(minimumWritableBytes: Base64.count(bytes.count)) {
            Base64.write(bytes.span, to: &$0)
        }
        return String(buffer: text)
    }
}
