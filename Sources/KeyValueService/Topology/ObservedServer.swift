import NIOCore
import RedisClient
import Replication

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
        if servesWrites {
            isServing = connection.isReadyForWrites
        } else {
            switch connection.readSuitability {
            case .fresh, .stale: isServing = connection.isReady
            case .unusable, nil: isServing = false
            }
        }
        if connection.isStalled, state == RedisConnection.goodState {
            state = "does not answer"
            isServing = false
        }
    }

    /// Adds what another event loop sees of the same server: the first state that is not good, what the server said last,
    /// and the sums.
    mutating func add(_ other: ObservedServer) {
        if state == RedisConnection.goodState { state = other.state }
        isServing = isServing && other.isServing
        inFlight += other.inFlight
        reads += other.reads
        guard let seen = other.information, information == nil || other.seenAt > seenAt else { return }
        information = seen
        seenAt = other.seenAt
    }
}

extension [ObservedServer] {
    /// What one event loop sees, the master first.
    init(_ redis: RedisLoop) {
        self =
            [ObservedServer(redis.master, servesWrites: true)]
            + redis.replicas.map { ObservedServer($0, servesWrites: false) }
    }
}
