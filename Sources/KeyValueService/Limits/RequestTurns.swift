import NIOCore
import RedisClient

/// The requests of one event loop that cost much, each in its turn: ``TurnQueue`` decides, this has them begin and answers those
/// that have waited for too long. Lives on its loop; neither thread-safe nor `Sendable`.
final class RequestTurns {
    private struct Waiter {
        let handler: RequestHandler
        let proceed: () -> Void
    }

    /// A request is under way; it is over when this is released.
    final class Turn {
        let cost: Int
        private let turns: RequestTurns

        fileprivate init(cost: Int, turns: RequestTurns) {
            self.cost = cost
            self.turns = turns
        }

        deinit { turns.end(cost: cost) }
    }

    /// How long a request waits at the most, in nanoseconds.
    private static let longestWait: Int64 = 10_000_000_000

    private var queue = TurnQueue<Waiter>()
    private var isServing = false
    private let flusher: TickFlusher
    private let isolatedLoop: NIOIsolatedEventLoop

    init(flusher: TickFlusher, isolatedLoop: NIOIsolatedEventLoop) {
        self.flusher = flusher
        self.isolatedLoop = isolatedLoop
    }

    /// How many requests wait.
    var waiting: Int { queue.waitingCount }

    /// Whether a request would begin at once.
    func hasRoom(for cost: Int) -> Bool { queue.isEmptyWithRoom(for: cost) }

    /// Has a request go on when it is its turn: at once, or later, and then no further request of its client is looked at
    /// before.
    ///
    /// - Parameters:
    ///   - cost: about how many bytes it makes Redis answer.
    ///   - proceed: called once, unless the client is gone or the request was answered before.
    func begin(_ handler: RequestHandler, cost: Int, _ proceed: @escaping () -> Void) {
        guard !queue.begin(cost: cost) else {
            handler.turn = Turn(cost: cost, turns: self)
            return proceed()
        }
        queue.wait(Waiter(handler: handler, proceed: proceed), cost: cost, at: flusher.begin().nanoseconds)
        if let connection = handler.connection, connection.exclusive == nil { connection.exclusive = handler }
        serveLater()
    }

    private func end(cost: Int) {
        queue.end(cost: cost)
        if queue.waitingCount > 0 { serveLater() }
    }

    /// Later, so that what has come from others meanwhile goes before.
    private func serveLater() {
        guard !isServing else { return }
        isServing = true
        isolatedLoop.execute { self.serve() }
    }

    private func serve() {
        isServing = false
        while let (waiter, cost) = queue.next() {
            let handler = waiter.handler
            let turn = Turn(cost: cost, turns: self)
            guard !handler.isAnswered, let connection = handler.connection else { continue }
            handler.turn = turn
            if connection.exclusive === handler { connection.exclusive = nil }
            waiter.proceed()
            connection.resume()
        }
    }

    /// A client with requests is gone: those that wait are released at once, with their bodies.
    func clientLeft() {
        if queue.waitingCount > 0 { _ = queue.remove { $0.handler.connection == nil } }
    }

    /// Called once a second.
    func look(at now: Int64) {
        for waiter in queue.expired(since: now &- Self.longestWait) where !waiter.handler.isAnswered {
            waiter.handler.refuseOverloaded()
        }
    }
}

// MARK: What reads cost

extension RequestHandler {
    /// About how many bytes the reply with a value will have; `nil` where it is small as far as is known.
    ///
    /// - Parameter key: `nil` where it is not that of one value.
    final func expectedCost(of key: [UInt8]?) -> Int? {
        guard let connection else { return nil }
        let costs = connection.http.costs
        if let key, let bytes = costs.bytes(of: key) { return bytes }
        return connection.window.expectsSmall ? nil : connection.window.valueBytes ?? costs.unknownBytes
    }

    /// Has the request go on when it is its turn; see ``RequestTurns/begin(_:cost:_:)``.
    final func takeTurn(cost: Int, _ proceed: @escaping () -> Void) {
        // Gives back an earlier turn first: otherwise the request would wait for itself.
        turn = nil
        guard let http = connection?.http else { return proceed() }
        http.turns.begin(self, cost: cost, proceed)
    }

    /// A value was read, or several: what the client asks for next is expected to be like it.
    ///
    /// - Parameter key: `nil` where it is not one value.
    final func learn(_ key: [UInt8]?, bytes: Int) {
        guard let connection else { return }
        let http = connection.http
        let isUnknown = connection.window.valueBytes == nil || (turn == nil && bytes >= ReadCosts.bulkyBytes)
        if isUnknown, key.flatMap(http.costs.bytes) == nil { http.costs.met(unknown: bytes) }
        if let key { http.costs.note(key, bytes: bytes) }
        connection.window.read(bytes)
    }
}
