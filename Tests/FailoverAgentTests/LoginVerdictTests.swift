import FailoverAgent
import Testing

@Suite("Whether the other nodes take a new password")
struct LoginVerdictTests {
    @Test("is known once all that answer take it, and whom the server follows is among them")
    func verdicts() {
        let table: [([String: Bool], Set<String>, Bool?)] = [
            ([:], [], nil), ([:], ["a"], nil),
            (["a": true, "b": true], ["a"], true),
            (["a": true], ["a"], true),
            // The leader alone does not answer: it may not know the password yet.
            (["b": true], ["a"], nil),
            (["b": false], ["a"], false),
            (["a": true, "b": false], ["a"], false),
            // The server follows one, and the lease names another one.
            (["a": true], ["a", "b"], nil),
            // No node leads.
            (["b": true], [], true),
        ]
        for (answers, leaders, expected) in table {
            #expect(LoginVerdict.takes(answers, leaders: leaders) == expected, "\(answers), \(leaders)")
        }
    }
}
