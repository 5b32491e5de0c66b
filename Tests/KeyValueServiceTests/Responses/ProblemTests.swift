import NIOCore
import Testing

@testable import KeyValueService

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

    @Test func `a Redis error's code is shown without what a terminal obeys`() {
        let problem = Problem(redisError: ([0xC2, 0x9B, 0x1B, 0xFF] + Array("A\r\n x".utf8)).span)
        #expect(problem.detail == #"Redis answered with -\xc2\x9b\x1b\xffA\x0d\x0a."#)
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
