package import Failover
package import LeaseStore
package import RedisClient

/// What one agent needs to know.
package struct FailoverAgentConfiguration: Sendable {
    package var settings: FailoverSettings
    /// All nodes, this one among them.
    package var members: [FailoverMember]
    /// The server beside the agent.
    package var local: ServerLocation
    /// How the agent logs in to the servers of the others.
    package var logins: [ServerLocation.Login]
    /// `nil`: the servers speak no TLS among each other.
    package var peerTLS: RedisTLS?
    package var positionPath: String
    package var store: any LeaseStore
    /// `min-replicas-to-write` and `min-replicas-max-lag` while the server takes writes.
    package var minimumReplicas = (count: 0, lagSeconds: 10)
    /// Sends SIGKILL to the server, and returns when its process is gone.
    package var kill: @Sendable () async -> Void
    /// Has the address for writes lead here. A hook: nothing waits for it.
    package var publish: @Sendable (_ term: UInt64) async -> Void = { _ in }
    /// What the agent tells an operator.
    package var tell: @Sendable (AgentEvent) -> Void = { _ in }

    /// Whether something kills the server if this process freezes; asked on the event loop at each tick. `nil`: it does.
    package var isWatched: (@Sendable () -> Bool)?

    /// How often the machine gets the time, besides after each event and when it is due.
    package var tickInterval: Duration = .milliseconds(50)
    /// How often the local server is asked.
    package var lookInterval: Duration = .milliseconds(200)
    /// How long the local server may say nothing before it counts as away.
    package var answerLimit: Duration = .seconds(2)
    /// How long another node's server may take to answer.
    package var peerLimit: Duration = .milliseconds(500)
    /// How often the position is written while only the offset changes.
    package var positionInterval: Duration = .seconds(1)
    /// How long a master may say nothing before the link to it counts as down.
    package var silenceLimit: Duration = .seconds(3)

    package init(
        settings: FailoverSettings, members: [FailoverMember], local: ServerLocation,
        logins: [ServerLocation.Login] = [], peerTLS: RedisTLS? = nil, positionPath: String, store: any LeaseStore,
        kill: @escaping @Sendable () async -> Void
    ) {
        self.settings = settings
        self.members = members
        self.local = local
        self.logins = logins
        self.peerTLS = peerTLS
        self.positionPath = positionPath
        self.store = store
        self.kill = kill
    }

    /// How long a read or a write of the lease may take.
    var storeLimit: Duration { min(.milliseconds(800), settings.interval * 4 / 5) }
}

/// What an operator should know.
package enum AgentEvent: Equatable, Sendable {
    case machine(FailoverMachine.Event)
    case storeFailed(String)
    case positionFailed(String)
    /// What only this node had, and where it is kept.
    case kept(RollbackFile, path: String)
    /// The node does not follow: what only it has cannot be kept.
    case notKept(String)
    case follows(String)
    case serverRefused(String)
    /// Another node's server does not answer, for this reason, which goes on from "the server".
    case peerFails(String, String)
    /// Another installation uses this lease.
    case foreignHolder(String)
    /// This node's data are newer than the lease, or others.
    case leaseDoubted(LeaseDoubt)
    /// Why: what goes on from "the server".
    case killedServer(String)
}

extension AgentEvent: CustomStringConvertible {
    /// A line for the log.
    package var description: String {
        switch self {
        case .machine(let event): event.description
        case .storeFailed(let reason): "the lease store: \(reason)"
        case .positionFailed(let reason): "the position file: \(reason)"
        case .kept(let file, let path):
            "kept what only this node has (term \(file.term), offset \(file.from) to \(file.to)) in \(path)"
        case .notKept(let reason): reason
        case .follows(let name): "follows \(name)"
        case .serverRefused(let reason): "redis-server \(reason)"
        case .peerFails(let name, let reason): "redis-server of \(name) \(reason)"
        case .foreignHolder(let name):
            "the lease is \(name)'s, which is not one of FAILOVER_NODES: another installation uses this lease; give each "
                + "installation a lease of its own, or the nodes the same list"
        case .leaseDoubted(let doubt): "\(doubt)"
        case .killedServer(let reason): "killed redis-server, which \(reason)"
        }
    }

    /// Whether an operator should look at it.
    package var isTrouble: Bool {
        switch self {
        case .machine(let event): event.isTrouble
        case .storeFailed, .positionFailed, .notKept, .serverRefused, .peerFails, .killedServer, .foreignHolder,
            .leaseDoubted:
            true
        case .kept, .follows: false
        }
    }
}
