import Glibc
import Hiredis
import ReplicaPlanning

/// Why a probe got no answer to judge.
enum ProbeFailure: Error {
    /// Nothing listens there; another way in may be open.
    case unreachable(String)
    /// A connection that led to nothing.
    case unanswered(String)

    var reason: String {
        switch self {
        case .unreachable(let reason), .unanswered(let reason): reason
        }
    }
}

/// A connection to the local server whose every wait ends at one deadline.
struct ProbeConnection: ~Copyable {
    private var connection: BlockingConnection
    private let deadline: Deadline
    private let address: String

    init(to endpoint: ProbeTarget.Endpoint, before deadline: Deadline) throws(ProbeFailure) {
        self.deadline = deadline
        let timeout = deadline.remaining ?? .microseconds(1)
        do throws(BlockingConnectionError) {
            switch endpoint {
            case .socket(let file):
                address = path(file)
                connection = try BlockingConnection(path: address, timeout: timeout)
            case .tcp(let host, let port), .tls(let host, let port):
                address = path(host).contains(":") ? "[\(path(host))]:\(port)" : "\(path(host)):\(port)"
                connection = try BlockingConnection(host: path(host), port: port, timeout: timeout)
            }
        } catch {
            throw .unreachable("\(error)")
        }
        // Nothing that is asked is answered with an array, and no report is longer.
        connection.maximumReplyElements = 0
        connection.maximumReplyBytes = 1 << 20
    }

    /// Sends a command and waits for its reply, however long the deadline leaves.
    mutating func ask(_ command: [[UInt8]]) throws(ProbeFailure) -> BlockingReply {
        do throws(BlockingConnectionError) {
            guard let remaining = deadline.remaining else {
                throw .timedOut(address: address, command: path(command[0]))
            }
            try connection.limit(to: remaining)
            return try connection.command(command)
        } catch {
            if case .timedOut(let address, let command) = error {
                throw .unanswered("\(address) did not answer \(command) within \(deadline.milliseconds) ms")
            }
            throw .unanswered("\(error)")
        }
    }

    mutating func ask(_ command: String...) throws(ProbeFailure) -> BlockingReply {
        try ask(command.map { Array($0.utf8) })
    }
}
