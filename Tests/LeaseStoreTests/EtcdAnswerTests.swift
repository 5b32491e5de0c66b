import Testing

@testable import LeaseStore

/// Answers as etcd 3.4.23 gave them.
@Suite("What etcd's answers mean")
struct EtcdAnswerTests {
    private static func error(_ code: Int, _ message: String) -> String {
        #"{"error":"\#(message)","message":"\#(message)","code":\#(code)}"#
    }

    @Test(
        "each answer, by its status and code",
        arguments: [
            (200, "{}", EtcdAnswer.done(Array("{}".utf8))),
            (401, error(16, "etcdserver: invalid auth token"), .tokenNeeded),
            (400, error(3, "etcdserver: user name is empty"), .tokenNeeded),
            (400, error(3, "etcdserver: revision of auth store is old"), .tokenNeeded),
            (
                400, error(3, "etcdserver: authentication failed, invalid user ID or password"),
                .refused(.wrongPassword)
            ),
            (
                400, "CommonName of client sending a request against gateway will be ignored and not used as expected",
                .refused(.commonName)
            ),
            (403, error(7, "etcdserver: permission denied"), .refused(.noPermission)),
            (412, error(9, "etcdserver: authentication is not enabled"), .noAuthentication),
            (
                503, error(14, "etcdserver: request timed out"),
                .unavailable("answers 503: etcdserver: request timed out", mayBeDone: true)
            ),
            (
                429, error(8, "etcdserver: mvcc: database space exceeded"),
                .unavailable("answers 429: etcdserver: mvcc: database space exceeded", mayBeDone: true)
            ),
            (502, "<html>", .unavailable("answers 502, and not as etcd does", mayBeDone: true)),
        ])
    func meanings(status: Int, body: String, meaning: EtcdAnswer) {
        #expect(EtcdAnswer(status: status, body: Array(body.utf8)) == meaning)
    }

    @Test("a message is shown as printable text of a bounded length")
    func shown() {
        let message = "a\\u001b[2J" + String(repeating: "x", count: 500)
        let answer = EtcdAnswer(status: 500, body: Array(Self.error(2, message).utf8))
        guard case .unavailable(let reason, _) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(reason.count < 200 && reason.utf8.allSatisfy { 0x20...0x7E ~= $0 || $0 >= 0x80 }, "\(reason)")
    }

    @Test("a version of another store, or of none, is never one of etcd's")
    func versions() {
        #expect(EtcdVersion(text: "12/7") == EtcdVersion(modified: 12, created: 7))
        #expect(EtcdVersion(modified: 12, created: 7).text == "12/7")
        for text in ["", "12", "12/", "/7", "a/b", "12/7/1", "9223372036854775808/1"] {
            #expect(EtcdVersion(text: text) == nil, "\(text)")
        }
    }
}
