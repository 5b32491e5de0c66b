import Replication
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
        let cases: [([String], String)] = [
            (["-WRONGPASS x", "-NOAUTH x", "-NOAUTH x", "-NOAUTH x"], "check REDIS_USER"),
            (["-ERR AUTH <password> called without any", "+OK", "$", "$"], "does not take a password"),
            (["+OK", "-ERR DB index is out of range", "$role:master\r\n", "$loading:0\r\n"], "has no database 3"),
            (["+OK", "-NOPERM x", "$role:master\r\n", "$loading:0\r\n"], "+select"),
            (["+OK", "+OK", "-NOPERM x", "-NOPERM x"], "+info"),
            (["+OK", "+OK", "-BUSY x", "-BUSY x"], "script"),
            (["+OK", "+OK", "-STRANGE secret", "$loading:0\r\n"], "-STRANGE"),
            (["+OK", "+OK", "$nonsense", "$loading:0\r\n"], "cannot be read"),
        ]
        for (replies, words) in cases {
            guard case .refused(let reason) = health(replies) else {
                Issue.record("\(replies) is no refusal")
                continue
            }
            #expect(reason.contains(words))
            #expect(!reason.contains("secret"))
        }
    }

    /// - Parameter replies: `+` a simple string, `-` an error, `$` a bulk string.
    private func health(_ replies: [String]) -> ServerHealth? {
        var health: ServerHealth?
        let receiver = HealthReceiver(Self.handshake) { health = $0 }
        for (index, reply) in replies.enumerated() {
            let bytes = Array(reply.utf8.dropFirst())
            switch reply.first {
            case "+": receiver.receive(.simple(bytes.span), at: index)
            case "-": receiver.receive(.error(bytes.span), at: index)
            default: receiver.receive(.bulk(bytes.span), at: index)
            }
        }
        return health
    }
}
