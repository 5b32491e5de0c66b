import NIOCore
import RedisCore

/// What one event loop counts of Redis: plain numbers, without a lock. Lives on its loop; not `Sendable`.
public final class RedisCounters {
    /// From the tick in which commands were sent to the one in which their last reply came; see ``AskedRole``.
    let durations = DurationRecorder(histograms: AskedRole.allCases.count)
    /// By endpoint, for connections come and go.
    private(set) var servers: [RedisEndpoint: ServerCounters] = [:]
    private(set) var master: ReplicationLag.MasterSample?

    public init() {}

    /// Those of a server, made where there are none.
    func server(_ endpoint: RedisEndpoint) -> ServerCounters {
        if let server = servers[endpoint] { return server }
        let server = ServerCounters()
        servers[endpoint] = server
        return server
    }

    /// Lets go of what was counted of servers that are gone, for addresses of pods never end.
    func keepOnly(_ endpoints: [RedisEndpoint]) {
        servers = servers.filter { endpoints.contains($0.key) }
    }

    /// Takes what a server said in a health check.
    ///
    /// - Parameter isMaster: whether it is the one that writes are sent to.
    func note(_ health: ServerHealth, of server: ServerCounters, isMaster: Bool) {
        let now = NIODeadline.now()
        if case .serving(let info) = health {
            if isMaster, info.role == .master {
                master = .init(replicationID: info.replicationID, offset: info.offset, takenAt: now)
            }
            server.lag.check(info.role == .replica ? info : nil, by: master, at: now)
        } else {
            server.lag.check(nil, by: master, at: now)
        }
    }
}

/// What one event loop counts of one server, over all its connections.
final class ServerCounters {
    var connects = 0
    var reconnects = 0
    /// Reads that the server has answered, with a value or without.
    var answeredReads = 0
    /// By ``RedisTrouble``.
    private(set) var failures = Array(repeating: 0, count: RedisTrouble.allCases.count)
    var lag = ReplicationLag(watchedSince: .now())

    func count(_ trouble: RedisTrouble) { failures[trouble.rawValue] += 1 }
}

/// What goes wrong with a server, as it is counted.
public enum RedisTrouble: Int, CaseIterable, Sendable {
    /// A connect failed.
    case connect
    /// A handshake was refused: a protected server, a database that is not there.
    case refused
    /// A handshake was refused for its credentials.
    case denied
    /// A connection ended that was not to end.
    case lost
    /// A command was not answered in time; its connection was closed.
    case timeout
    /// A reply could not be read; its connection was closed.
    case unreadable
    /// The master answered a write with -READONLY.
    case readOnly
    /// The master answered a write with -OOM: it has no memory left.
    case outOfMemory
    /// The master answered a write with -MISCONF: it cannot save its data, because of a full disk for instance.
    case cannotSave
    /// A command was not sent, for as many as may wait already waited.
    case overloaded

    public var label: StaticString {
        switch self {
        case .connect: "connect"
        case .refused: "refused"
        case .denied: "denied"
        case .lost: "lost"
        case .timeout: "timeout"
        case .unreadable: "unreadable"
        case .readOnly: "read_only"
        case .outOfMemory: "out_of_memory"
        case .cannotSave: "cannot_save"
        case .overloaded: "overloaded"
        }
    }
}
