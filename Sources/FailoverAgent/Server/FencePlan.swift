package import RedisClient
import ReplicaAgent

/// How a server is made to refuse every write: what it is sent, and what its answers have to say.
///
/// It becomes a replica of an address where nothing can ever listen, port 0. Other than `min-replicas-to-write`, that
/// holds for scripts on every version, ends clients that are blocked (WAIT, BLPOP), and keeps replication id and
/// offset, so that a later REPLICAOF can go on where this server was.
package enum FencePlan {
    /// Nothing can listen on port 0, and a connection to it is refused at once, without a packet on a network.
    package static let nowhere = (host: "127.0.0.1", port: "0")

    /// In one write. Each command is sent regardless of the previous reply: only the last reply counts.
    package static let commands: [[[UInt8]]] = [
        // A replica may be writable.
        command("CONFIG", "SET", "replica-read-only", "yes"),
        command("REPLICAOF", nowhere.host, nowhere.port),
        // The same by its older name, where the configuration has renamed that one.
        command("SLAVEOF", nowhere.host, nowhere.port),
        // From 7.0 on a replica keeps its replicas, whose links would look alive for a while (ran).
        command("CLIENT", "KILL", "TYPE", "replica"),
        command("INFO", "replication"),
    ]

    /// Once it refuses writes: those that CLIENT PAUSE holds get their refusal, and a pause would hold the next
    /// master's stream too. A server that does not know it holds none.
    package static let release: [[[UInt8]]] = [command("CLIENT", "UNPAUSE")]

    package enum Verdict: Equatable, Sendable {
        case refusesWrites
        /// It may obey when it is asked again.
        case notYet(String)
        /// It does not obey, and will not.
        case takesWrites(String)
    }

    /// - Parameter answers: those to ``commands``.
    package static func verdict(_ answers: [RedisValue]) -> Verdict {
        guard answers.count == commands.count, let last = answers.last else { return .notYet("an answer is missing") }
        if case .error(let text) = last {
            let words = last.refusalWords ?? "refuses INFO"
            return isPassing(text) ? .notYet(words) : .takesWrites(words)
        }
        guard case .bulk(let text) = last else { return .takesWrites("gives an answer to INFO that cannot be read") }
        let role = field("role", in: text)
        guard role == "slave" else {
            if case .error(let text) = answers[1], isPassing(text) {
                return .notYet(answers[1].refusalWords ?? "is busy")
            }
            return .takesWrites(answers[1].refusalWords ?? "says that its role is \(role ?? "unknown")")
        }
        guard field("slave_read_only", in: text) == "1" else {
            return .takesWrites(answers[0].refusalWords ?? "is a replica that takes writes")
        }
        return .refusesWrites
    }

    /// It loads its data, or runs a script: that ends.
    private static func isPassing(_ error: [UInt8]) -> Bool {
        ["LOADING ", "BUSY "].contains { error.starts(with: $0.utf8) }
    }

    /// A field of INFO.
    static func field(_ name: String, in text: [UInt8]) -> String? {
        let prefix = Array("\(name):".utf8)
        let lines = text.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
        guard let line = lines.first(where: { $0.starts(with: prefix) }) else { return nil }
        return String(decoding: line.dropFirst(prefix.count).prefix(64), as: UTF8.self)
    }
}
