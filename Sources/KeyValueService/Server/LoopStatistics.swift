import NIOCore
import RedisClient

/// What one event loop, or all of them together, have counted, and how they are now.
struct LoopStatistics: Sendable {
    private(set) var requests: RequestStatistics
    private(set) var requestsInFlight: Int
    private(set) var connections: Int
    private(set) var redis: RedisStatistics
    /// Of the process.
    let memory: Memory

    /// Of the process.
    let places: Places

    /// For connections.
    struct Places: Sendable {
        var limit: Int
        var refusals: Int
    }

    /// The memory of clients.
    struct Memory: Sendable {
        var usedBytes: Int
        var limitBytes: Int
        var refusals: Int
        var endedConnections: Int
    }

    /// Must be called on the service's event loop.
    init(_ service: KeyValueService) {
        requests = service.http.counters.statistics
        requestsInFlight = service.http.requestsInFlight
        connections = service.http.connectionCount
        redis = service.redis.statistics
        let all = service.http.places
        places = Places(limit: all?.clientLimit ?? 0, refusals: all?.refusals ?? 0)
        let budget = service.http.budget
        memory = Memory(
            usedBytes: budget.usedBytes, limitBytes: budget.limitBytes, refusals: budget.refusals,
            endedConnections: budget.endedConnections)
    }

    /// All event loops together.
    ///
    /// - Parameter loops: 1 or more.
    init(of loops: [LoopStatistics]) {
        precondition(!loops.isEmpty, "a process has an event loop")
        self = loops[0]
        for other in loops.dropFirst() {
            requests.merge(other.requests)
            requestsInFlight += other.requestsInFlight
            connections += other.connections
            redis.merge(other.redis)
        }
    }
}
