import RedisCore
import Testing

@testable import RedisClient

@Suite("What a server says in a handshake")
struct HealthReceiverTests {
    typealias Command = HealthReceiver.Command

    static let handshake: [Command] = [
        .authenticate(RedisCredentials(user: nil, password: [1])), .select(database: 3), .replication, .persistence,
    ]

    @Test func `is believed once every reply has come`() {
        #expect(
            health(["+OK", "+OK", "$role:master\r\n", "$loading:0\r\n"]) == .serving(ReplicationInfo(role: .master)))
        #expect(health(["+OK", "+OK", "$role:master\r\n"]) == nil)
    }

    @Test func `is that it loads, whatever else it says`() {
        #expect(health(["+OK", "+OK", "$role:slave\r\n", "$# Persistence\r\nloading:1\r\n"]) == .loading)
    }

    @Test func `is its first refusal, told by the command that it refused`() {
        let cases: [(replies: [String], words: String, isDenied: Bool)] = [
            (["-WRONGPASS x", "-NOAUTH x", "-NOAUTH x", "-NOAUTH x"], "check REDIS_USER", true),
            (["-ERR AUTH <password> called without any", "+OK", "$", "$"], "does not take a password", true),
            (["+OK", "-ERR DB index is out of range", "$role:master\r\n", "$loading:0\r\n"], "database 3", false),
            (["+OK", "-NOPERM x", "$role:master\r\n", "$loading:0\r\n"], "+select", true),
            (["+OK", "+OK", "-NOPERM x", "-NOPERM x"], "+info", true),
            (["+OK", "+OK", "-BUSY x", "-BUSY x"], "script", false),
            (["+OK", "+OK", "-STRANGE secret", "$loading:0\r\n"], "-STRANGE", false),
            (["+OK", "+OK", "+OK POP3 secret", "-ERR"], "POP3", false),
            (["+OK", "+OK", "$nonsense", "$loading:0\r\n"], "cannot be read", false),
        ]
        for (replies, words, isDenied) in cases {
            switch health(replies) {
            case .denied(let reason):
                #expect(isDenied && reason.contains(words) && !reason.contains("secret"), "\(replies): \(reason)")
            case .refused(let reason):
                #expect(!isDenied && reason.contains(words) && !reason.contains("secret"), "\(replies): \(reason)")
            case .unknown, .loading, .serving, nil: Issue.record("\(replies) is no refusal")
            }
        }
    }

    @Test func `names the process by its run id, if it has one that is one`() {
        let id = String(repeating: "0123456789abcdef", count: 3).prefix(40)
        let cases: [(reply: String, runID: String?)] = [
            ("$# Server\r\nredis_version:7.0.15\r\nrun_id:\(id)\r\ntcp_port:6379\r\n", String(id)),
            ("$# Server\r\nrun_id:\(id)", String(id)), ("$# Server\r\nrun_id:\(id)0\r\n", nil),
            ("$# Server\r\nrun_id:\(id.dropLast())-\r\n", nil), ("$# Server\r\nrun_id:\r\n", nil),
            ("$# Server\r\nmy_run_id:\(id)\r\n", nil), ("$", nil), ("-NOPERM no INFO server here", nil), ("+OK", nil),
        ]
        for (reply, runID) in cases {
            var said: (health: ServerHealth, runID: [UInt8]?)?
            let receiver = HealthReceiver([.replication, .persistence, .server]) { said = ($0, $1) }
            give(["$role:master\r\n", "$loading:0\r\n", reply], to: receiver)
            #expect(said?.runID == runID.map { Array($0.utf8) }, "\(reply)")
            #expect(said?.health == .serving(ReplicationInfo(role: .master)), "it serves whatever it says there")
        }
    }

    private func health(_ replies: [String]) -> ServerHealth? {
        var health: ServerHealth?
        give(replies, to: HealthReceiver(Self.handshake) { said, _ in health = said })
        return health
    }

    /// - Parameter replies: `+` a simple string, `-` an error, `$` a bulk string.
    private func give(_ replies: [String], to receiver: HealthReceiver) {
        for (index, reply) in replies.enumerated() {
            let bytes = Array(reply.utf8.dropFirst())
            switch reply.first {
            case "+": receiver.receive(.simple(bytes.span), at: index)
            case "-": receiver.receive(.error(bytes.span), at: index)
            default: receiver.receive(.bulk(bytes.span), at: index)
            }
        }
    }
}
