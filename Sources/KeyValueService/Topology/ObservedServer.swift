import NIOCore
import RedisClient
import RedisCore
import ServerSelection

/// One server, as the connection of one event loop, or those of all of them together, see it.
struct ObservedServer: Equatable, Sendable {
    let endpoint: RedisEndpoint
    /// In words for an operator; ``RedisClient/RedisConnection/goodState`` where all is well.
    var state: String
    /// Whether requests are sent there: writes to the master, reads to a replica.
    var isServing: Bool
    /// What the server last said of itself; `nil` while no connection is up.
    var information: ReplicationInfo?
    /// When it said so.
    var seenAt: NIODeadline
    /// Submissions that wait for the server's replies.
    var inFlight: Int
    /// Reads that the server has answered since the process began.
    var reads: Int
    /// Its role in the system, regardless of what it says about itself.
    var standing = Standing.unknown
    /// What the operator says that it is.
    var configuredAs = Configured.replica
    /// Whether reads are sent there.
    var servesReads = false
    /// Nanoseconds since a replica was last found in step; `nil` where that is not known.
    var lagNanoseconds: Int64?
    /// Since when ``state`` and ``standing`` are as they are.
    var since: WallTime?
    /// When ``information`` was true, where the server is away; `nil` where it is of now, or nothing was ever known.
    var lastKnownAt: WallTime?

    enum Configured: String, Equatable, Sendable {
        case master, replica
        /// One of all nodes: which of them leads, they say themselves.
        case node
    }

    enum Standing: String, Equatable, Sendable {
        case master, replica
        case strayMaster = "stray_master"
        case unknown

        init(_ standing: ServerStanding, role: ReplicationInfo.Role) {
            self =
                switch standing {
                case .master: .master
                case .replica, .behind, .foreign: .replica
                case .strayMaster, .rival: .strayMaster
                // Nothing is known to judge it by: it is what it says.
                case .unknown: role == .master ? .master : .replica
                }
        }
    }
}

extension ObservedServer {
    /// What one event loop sees.
    ///
    /// - Parameter servesWrites: whether the server is there for writes, rather than reads.
    init(_ connection: RedisConnection, servesWrites: Bool) {
        endpoint = connection.endpoint
        state = connection.stateInWords
        seenAt = connection.healthSeenAt
        inFlight = connection.inFlight
        reads = connection.answeredReads
        if case .serving(let info) = connection.health { information = info } else { information = nil }
        switch connection.readSuitability {
        case .fresh, .stale: servesReads = connection.isReady
        case .unusable, nil: servesReads = false
        }
        isServing = servesWrites ? connection.isReadyForWrites : servesReads
        if connection.isStalled, state == RedisConnection.goodState {
            state = "does not answer"
            isServing = false
            servesReads = false
        }
    }

    /// Adds what another event loop sees of the same server: the first state that is not good, what the server said last,
    /// and the sums.
    mutating func add(_ other: ObservedServer) {
        if state == RedisConnection.goodState { state = other.state }
        isServing = isServing && other.isServing
        servesReads = servesReads && other.servesReads
        inFlight += other.inFlight
        reads += other.reads
        guard let seen = other.information, information == nil || other.seenAt > seenAt else { return }
        information = seen
        seenAt = other.seenAt
        standing = other.standing
        lagNanoseconds = other.lagNanoseconds
    }
}

extension [ObservedServer] {
    /// What one event loop sees, the server that writes go to first, and each server once.
    init(_ redis: RedisLoop) {
        let selection = redis.selection
        func observe(_ connection: RedisConnection, servesWrites: Bool) -> ObservedServer {
            var server = ObservedServer(connection, servesWrites: servesWrites)
            if redis.findsLeader {
                server.configuredAs = .node
            } else if connection.endpoint == redis.configuredMasterEndpoint {
                server.configuredAs = .master
            }
            if let info = server.information {
                server.standing = .init(selection.standing(of: info), role: info.role)
                if info.role == .replica { server.lagNanoseconds = connection.lagNanoseconds }
            }
            return server
        }
        self = [observe(redis.master, servesWrites: true)]
        if let doubt = redis.masterDoubt ?? redis.leaderAbsence {
            self[0].isServing = false
            self[0].state = doubt
        }
        for replica in redis.replicas where replica.endpoint != redis.master.endpoint {
            append(observe(replica, servesWrites: false))
        }
    }
}
