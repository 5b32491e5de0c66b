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
        let cases: [(replies: [String], words: String, isDenied: Bool)] = [
            (["-WRONGPASS x", "-NOAUTH x", "-NOAUTH x", "-NOAUTH x"], "check REDIS_USER", true),
            (["-ERR AUTH <password> called without any", "+OK", "$", "$"], "does not take a password", true),
            (["+OK", "-ERR DB index is out of range", "$role:master\r\n", "$loading:0\r\n"], "database 3", false),
            (["+OK", "-NOPERM x", "$role:master\r\n", "$loading:0\r\n"], "+select", true),
            (["+OK", "+OK", "-NOPERM x", "-NOPERM x"], "+info", true),
            (["+OK", "+OK", "-BUSY x", "-BUSY x"], "script", false),
            (["+OK", "+OK", "-STRANGE secret", "$loading:0\r\n"], "-STRANGE", false),
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
