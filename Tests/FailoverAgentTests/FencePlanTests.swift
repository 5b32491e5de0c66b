import FailoverAgent
import RedisClient
import Testing

@Suite("What is sent to a server so that it takes no writes")
struct FencePlanTests {
    private static let done = RedisValue.simple(Array("OK".utf8))

    private static func error(_ text: String) -> RedisValue { .error(Array(text.utf8)) }

    private static func bulk(_ lines: String...) -> RedisValue {
        .bulk(Array(lines.map { $0 + "\r\n" }.joined().utf8))
    }

    private static let fenced = bulk("# Replication", "role:slave", "master_port:0", "slave_read_only:1")

    @Test("a read-only replica refuses writes, regardless of the commands' answers")
    func verdicts() {
        let renamed = Self.error("ERR unknown command `REPLICAOF`, with args beginning with: ")
        let unknownConfig = Self.error("ERR unknown command 'CONFIG', with args beginning with: ")
        let cases: [([RedisValue], FencePlan.Verdict)] = [
            ([Self.done, Self.done, Self.done, Self.fenced], .refusesWrites),
            ([Self.done, renamed, Self.done, Self.fenced], .refusesWrites),
            ([unknownConfig, Self.done, Self.done, Self.fenced], .refusesWrites),
            (
                [unknownConfig, Self.done, Self.done, Self.bulk("role:slave", "slave_read_only:0")],
                .takesWrites(
                    "does not know CONFIG: its configuration renames it (rename-command); remove that line")
            ),
            (
                [Self.done, Self.done, Self.done, Self.bulk("role:slave")],
                .takesWrites("is a replica that takes writes")
            ),
            (
                [Self.done, renamed, renamed, Self.bulk("role:master")],
                .takesWrites(
                    "does not know REPLICAOF: its configuration renames it (rename-command); remove that line")
            ),
            (
                [Self.done, Self.done, Self.done, Self.bulk("role:master")],
                .takesWrites("says that its role is master")
            ),
            ([Self.done, Self.done, Self.done, .null], .takesWrites("gives an answer to INFO that cannot be read")),
        ]
        for (answers, verdict) in cases {
            // What cutting off the replicas brought does not count.
            #expect(FencePlan.verdict(answers.dropLast() + [Self.done] + answers.suffix(1)) == verdict)
        }
    }

    @Test("a server that loads its data or runs a script may obey later; one that refuses the password will not")
    func passing() {
        for text in ["LOADING Redis is loading the dataset in memory", "BUSY Redis is busy running a script."] {
            let answers = [RedisValue](repeating: Self.error(text), count: 5)
            guard case .notYet = FencePlan.verdict(answers) else {
                Issue.record("\(text)")
                continue
            }
        }
        // INFO is answered while data is loaded.
        let loading = Self.error("LOADING Redis is loading the dataset in memory")
        let verdict = FencePlan.verdict([Self.done, loading, loading, loading, Self.bulk("role:master", "loading:1")])
        #expect(verdict == .notYet("is loading its data"))
        for text in ["NOAUTH Authentication required.", "NOPERM this user has no permissions"] {
            let answers = [RedisValue](repeating: Self.error(text), count: 5)
            guard case .takesWrites = FencePlan.verdict(answers) else {
                Issue.record("\(text)")
                continue
            }
        }
        #expect(FencePlan.verdict([]) == .notYet("an answer is missing"))
    }
}
