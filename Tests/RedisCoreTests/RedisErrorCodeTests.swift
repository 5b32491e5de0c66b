import RedisCore
import Testing

@Suite("The codes of error replies")
struct RedisErrorCodeTests {
    @Test("each is known by the first word", arguments: RedisErrorCode.allCases)
    func known(code: RedisErrorCode) {
        #expect(RedisErrorCode(of: Array("\(code.rawValue) some words".utf8)) == code)
        #expect(RedisErrorCode(of: Array(code.rawValue.utf8).span) == code)
    }

    @Test(
        "no other word is a code",
        arguments: ["", " ", "err", "ERRX", "LOADINGS x", "READONLYREADONLYREADONLYREADONLY", "\u{e9}RR", "NO AUTH"])
    func unknown(text: String) {
        #expect(RedisErrorCode(of: Array(text.utf8)) == nil)
        #expect(RedisErrorCode(of: Array(text.utf8).span) == nil)
    }

    @Test("a command that was unblocked while it waited may have been carried out; the others were not")
    func execution() {
        #expect(RedisErrorCode.allCases.filter { !$0.isGivenBeforeExecution } == [.unblocked])
    }
}
