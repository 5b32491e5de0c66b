import NIOCore
import Testing

@testable import KeyValueService

@Suite("Ids of requests")
struct RequestIDTests {
    @Test(arguments: [
        ("a", true), ("550e8400-e29b-41d4-a716-446655440000", true), ("!#[]~{}:;,", true),
        (String(repeating: "x", count: 128), true), (String(repeating: "x", count: 129), false), ("", false),
        ("a b", false), ("a\tb", false), ("a\"b", false), ("a\\b", false), ("a\u{7f}", false), ("a\u{0}", false),
        ("é", false),
    ])
    func `of a client are taken where they cannot do harm in an answer or a log`(text: String, isUsable: Bool) {
        let bytes = Array(text.utf8)
        #expect(RequestID.isUsable(bytes.span) == isUsable)
    }

    @Test func `of our own are sixteen hexadecimal digits`() {
        var numbers: [UInt64] = [0, 1, 9, 10, 15, 16, 0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210, .max, .max - 1]
        numbers += (0..<64).map { 1 << $0 }
        numbers += (0..<1000).map { _ in .random(in: 0...UInt64.max) }
        for number in numbers {
            let digits = String(number, radix: 16)
            let expected = String(repeating: "0", count: 16 - digits.count) + digits
            let id = RequestID(number: number, tracing: nil)
            #expect(id.description == expected)
            var buffer = ByteBuffer()
            buffer.writeWithOutputRawSpan(minimumWritableBytes: 64) { $0.append(id) }
            #expect(String(buffer: buffer) == "\r\nX-Request-Id: \(expected)")
        }
    }
}
