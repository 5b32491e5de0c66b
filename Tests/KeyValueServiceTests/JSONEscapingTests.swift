import NIOCore
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

    @Test func `a date is written as HTTP wants it`() {
        #expect(HTTPDate(secondsSinceEpoch: 784_111_777).text == Array("Sun, 06 Nov 1994 08:49:37 GMT".utf8))
    }
}

@Suite("Problems")
struct ProblemTests {
    @Test(arguments: [
        ("WRONGTYPE Operation against a key", 409, "wrong-type"),
        ("NOREPLICAS Not enough", 503, "redis-needs-replicas"),
        ("NOPERM this user", 502, "redis-denied"), ("NOAUTH Authentication required.", 502, "redis-denied"),
        ("OOM command not allowed", 507, "redis-out-of-memory"), ("MISCONF Redis is", 503, "redis-cannot-persist"),
        ("READONLY You can't write", 503, "redis-read-only"), ("LOADING Redis is loading", 503, "redis-unavailable"),
        ("MASTERDOWN Link with MASTER", 503, "redis-unavailable"), ("ERR whatever", 502, "redis-error"),
    ])
    func `Redis's errors become what they are`(error: String, status: Int, code: String) {
        let problem = Problem(redisError: Array(error.utf8).span)
        #expect(problem.status.rawValue == status)
        #expect("\(problem.code)" == code)
        #expect((problem.retryAfterSeconds != nil) == (status == 503))
    }

    @Test func `a Redis error's text, which may quote what was sent, is not shown`() {
        let problem = Problem(redisError: Array("ERR unknown command 's3cret'".utf8).span)
        #expect(!problem.detail.contains("s3cret"))
    }

    @Test func `the answer is problem JSON with a stable code and a sentence`() {
        let response = Problem.bodyTooLarge(limitBytes: 10).response
        #expect(response.head.status.rawValue == 413)
        #expect(
            String(buffer: response.body)
                == #"{"type":"/problems/body-too-large","title":"Content Too Large","status":413,"code":"body-too-large","#
                + #""detail":"The body is larger than 10 bytes."}"#)
    }
}
