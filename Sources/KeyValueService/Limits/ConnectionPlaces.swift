import Logging
import Synchronization

/// The places for clients' connections, one for all event loops: so many are served, and beside them a few for probes.
///
/// A connection without a place is taken all the same, answers one probe, and is closed: those who watch the process see it
/// also where clients have used up everything. Of such connections the newest stay.
final class ConnectionPlaces: Sendable {
    enum Place: Sendable {
        case client
        /// For a probe alone.
        case probe
    }

    private let wanted: Int?
    private let eventLoops: Int
    private let openFiles: @Sendable () -> Int
    private let logger: Logger?
    private let limit: Atomic<Int>
    private let taken = Atomic<Int>(0)
    private let isFull = Atomic<Bool>(false)
    private let refused = Atomic<Int>(0)
    /// See ``ConnectionLimit``.
    let probes: Int
    let burst: Int

    /// - Parameters:
    ///   - openFiles: the limit of open files as it is now.
    ///   - logger: `nil` where nothing is logged.
    init(wanted: Int? = nil, eventLoops: Int, openFiles: @escaping @Sendable () -> Int, logger: Logger? = nil) {
        let limit = ConnectionLimit(wanted: wanted, openFiles: openFiles(), eventLoops: eventLoops)
        self.wanted = wanted
        self.eventLoops = eventLoops
        self.openFiles = openFiles
        self.logger = logger
        self.limit = Atomic(limit.clients)
        probes = limit.probes
        burst = limit.burst
    }

    var clientLimit: Int { limit.load(ordering: .relaxed) }
    /// Connections that had no place, and were for probes alone.
    var refusals: Int { refused.load(ordering: .relaxed) }

    func take() -> Place {
        if taken.add(1, ordering: .relaxed).newValue <= clientLimit { return .client }
        taken.subtract(1, ordering: .relaxed)
        refused.add(1, ordering: .relaxed)
        if !isFull.exchange(true, ordering: .relaxed) {
            logger?.warning(
                """
                \(clientLimit) connections of clients are open, as many as MAX_CONNECTIONS and the limit of open files \
                (\(openFiles())) allow; others get 503 too-many-connections, except probes
                """)
        }
        return .probe
    }

    func giveBack(_ place: Place) {
        guard case .client = place else { return }
        let left = taken.subtract(1, ordering: .relaxed).newValue
        guard isFull.load(ordering: .relaxed), left <= clientLimit / 2,
            isFull.exchange(false, ordering: .relaxed)
        else { return }
        logger?.notice("there is room for connections of clients again: \(left) of \(clientLimit) are open")
    }

    /// Looks whether more or fewer files may be open by now. Called once a second by each event loop.
    ///
    /// - Returns: how many idle connections the loop has to close: those that are too many, and a few more where all places are
    ///   taken, from those that have been idle for long.
    func look() -> (surplus: Int, wanted: Int) {
        let now = ConnectionLimit(wanted: wanted, openFiles: openFiles(), eventLoops: eventLoops).clients
        limit.store(now, ordering: .relaxed)
        let surplus = max(0, taken.load(ordering: .relaxed) - now)
        let share = (surplus + eventLoops - 1) / eventLoops
        return (share, isFull.load(ordering: .relaxed) ? share + max(1, now / 8 / eventLoops) : share)
    }
}
