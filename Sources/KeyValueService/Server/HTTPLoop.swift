import CLinux
public import HTTPWire
import NIOCore
import NIOPosix
import RedisClient

/// What the HTTP connections of one event loop share. Lives on its loop; neither thread-safe nor `Sendable`.
final class HTTPLoop {
    let limits: HTTPLimits
    let origins: AllowedOrigins
    let flusher: TickFlusher
    let counters = RequestCounters()
    /// `nil` where nothing is logged.
    var accessLog: AccessLog?
    /// The last number given to a request; the first is random, so that processes and their lives do not share them.
    private var requestNumber = UInt64.random(in: 0...UInt64.max)
    /// How every answer of this second begins.
    private(set) var preamble: ResponsePreamble
    /// That of the process.
    let budget: MemoryBudget
    /// What reads are expected to cost.
    var costs = ReadCosts()
    /// For requests that cost much.
    let turns: RequestTurns
    /// Requests of all connections whose answers are owed.
    var requestsUnderWay = 0
    /// Those of the process; `nil` where connections are not counted.
    let places: ConnectionPlaces?
    /// How long clients may take.
    let paceLimits: ClientPace.Limits
    /// Whether every answer is the last one of its connection.
    private(set) var isDraining = false

    private let isolatedLoop: NIOIsolatedEventLoop
    private var connections: [ObjectIdentifier: HTTPConnection] = [:]
    /// Connections that are for a probe alone, the oldest first.
    private var probes: [(connection: HTTPConnection, since: Int64)] = []
    private var whenEmpty: (() -> Void)?
    private var clock: Scheduled<Void>?

    /// Must be called on the event loop.
    ///
    /// - Parameter budget: that of the process; `nil` for one of the loop's own.
    init(
        limits: HTTPLimits, origins: AllowedOrigins = .none, budget: MemoryBudget? = nil,
        places: ConnectionPlaces? = nil, eventLoop: any EventLoop
    ) {
        self.places = places
        self.limits = limits
        self.origins = origins
        self.preamble = ResponsePreamble(.now, origins: origins)
        self.budget = budget ?? MemoryBudget(limitBytes: limits.memoryBudgetBytes)
        self.paceLimits = limits.pace
        self.isolatedLoop = eventLoop.assumeIsolated()
        self.flusher = TickFlusher(eventLoop: eventLoop)
        self.turns = RequestTurns(flusher: flusher, isolatedLoop: isolatedLoop)
        scheduleSweep()
    }

    /// How many connections are open.
    var connectionCount: Int { connections.count }

    /// How many requests wait for their answers.
    var requestsInFlight: Int { requestsUnderWay }

    /// - Returns: a number for a request, and when it began: the time of the tick.
    func beginRequest() -> (number: UInt64, startedAt: NIODeadline) {
        requestNumber &+= 1
        return (requestNumber, flusher.begin())
    }

    /// Counts an answer, and logs it if it is due. Called in the tick in which it was given, with every one.
    func note(_ handler: RequestHandler, _ head: borrowing ResponseHead, bodyBytes: Int) {
        let duration = flusher.begin() - handler.startedAt
        counters.count(handler, head.status, duration)
        if head.isStale { counters.staleAnswers &+= 1 }
        if let accessLog { accessLog.note(handler, head, bodyBytes: bodyBytes, duration: duration) }
    }

    func add(_ connection: HTTPConnection) {
        connections[ObjectIdentifier(connection)] = connection
        guard connection.place == .probe, let places else { return }
        probes.append((connection, flusher.begin().nanoseconds))
        // A probe asks as soon as it is connected; who has not asked gives way.
        if probes.count > places.probes { probes.removeFirst().connection.closeNow() }
    }

    func remove(_ connection: HTTPConnection) {
        connections[ObjectIdentifier(connection)] = nil
        if connection.place == .probe { probes.removeAll { $0.connection === connection } }
        finishDrainIfEmpty()
    }

    /// Has every connection end with its next answer, and stay open until then.
    func beginDraining() {
        guard !isDraining else { return }
        isDraining = true
        for connection in connections.values { connection.beginDraining() }
    }

    /// Lets every connection answer what it has been asked, then closes it.
    ///
    /// - Parameter completion: called once nothing is open any more.
    func drain(_ completion: @escaping () -> Void) {
        isDraining = true
        whenEmpty = completion
        for connection in connections.values { connection.drain() }
        finishDrainIfEmpty()
    }

    /// Closes what is still open, answered or not.
    func closeAll() {
        for connection in connections.values { connection.closeNow() }
    }

    private func finishDrainIfEmpty() {
        guard connections.isEmpty, let completion = whenEmpty else { return }
        whenEmpty = nil
        clock?.cancel()
        completion()
    }

    /// What is done once a second.
    private func sweep() {
        preamble = ResponsePreamble(.now, origins: origins)
        let now = flusher.begin().nanoseconds
        for connection in connections.values { connection.look(at: now) }
        if budget.pressure > .none { endSlowest(at: now) }
        makeRoom(at: now)
        turns.look(at: now)
        costs.endSecond()
        accessLog?.endSecond()
        giveMemoryBack()
        scheduleSweep()
    }

    private func scheduleSweep() { clock = isolatedLoop.scheduleTask(in: .seconds(1)) { self.sweep() } }

    /// How long a connection for a probe may take.
    private static let probeTime: Int64 = 2_000_000_000
    /// How long a connection has been idle that gives way where all places are taken.
    private static let idleTime: Int64 = 10_000_000_000

    /// Closes what keeps others out, the longest idle first: probes that do not ask, and connections without a request where
    /// all places are taken.
    private func makeRoom(at now: Int64) {
        guard let places else { return }
        for probe in probes where now &- probe.since >= Self.probeTime { probe.connection.closeNow() }
        let (surplus, wanted) = places.look()
        guard wanted > 0 else { return }
        let idle = connections.values.filter { $0.place == .client && $0.isIdle }
            .map { (connection: $0, time: $0.pace.idleness(at: now)) }.sorted { $0.time > $1.time }
        for (index, entry) in idle.prefix(wanted).enumerated() where index < surplus || entry.time >= Self.idleTime {
            entry.connection.closeNow()
        }
    }

    /// Ends those whose clients have been too slow for longest, until a part of the budget is free again.
    private func endSlowest(at now: Int64) {
        let patience: Int64 = budget.isFull ? 1_000_000_000 : 2_000_000_000
        let slow = connections.values.filter { $0.chargedBytes > 0 && $0.pace.slowness(at: now) >= patience }
            .sorted { ($0.pace.slowness(at: now), $0.chargedBytes) > ($1.pace.slowness(at: now), $1.chargedBytes) }
        var count = 0
        for connection in slow where budget.usedBytes > budget.limitBytes / 4 * 3 {
            connection.abort()
            budget.countEnded()
            count += 1
        }
        if count > 0 { accessLog?.noteEnded(count, limitBytes: budget.limitBytes) }
    }

    /// The allocator keeps what was freed for later; after much was in use, that is too much. On another thread, for it takes
    /// a while.
    private func giveMemoryBack() {
        guard budget.takeTrim() else { return }
        NIOThreadPool.singleton.submit { _ in linux_give_memory_back() }
    }
}

extension NIODeadline {
    /// As ``ClientPace`` counts.
    var nanoseconds: Int64 { Int64(truncatingIfNeeded: uptimeNanoseconds) }
}

/// The bounds of every HTTP connection.
public struct HTTPLimits: Sendable {
    /// Bytes of the body of a PUT.
    package var maximumBodyBytes = 8 << 20
    /// Bytes of a body that is collected before anything is done. It holds a value of 1 MiB however it is escaped (six bytes a
    /// byte).
    var collectedBodyBytes: Int { min(maximumBodyBytes, 8 << 20) }
    /// What the process may hold for all its clients together; see ``MemoryBudget``.
    package var memoryBudgetBytes = 48 << 20
    /// How many connections of clients are served; `nil` for ``ConnectionLimit/usual``, as far as files may be open.
    public var maximumConnections: Int?
    /// Of a request's head; over them the answer is 414 or 431.
    public var requests = RequestLimits()
    /// How long a connection may be open without a request.
    public var idleTimeout: Duration = .seconds(75)
    /// How long a request's head may take; and the time over which bodies and answers have to move at
    /// ``minimumBytesPerSecond`` on average.
    package var transferTimeout: Duration = .seconds(30)
    /// How fast a client has to send its bodies and take its answers.
    package var minimumBytesPerSecond = 1024
    /// How long a client may still send after its answer was the last one.
    package var lingerTimeout: Duration = .seconds(2)

    public init() {}

    var pace: ClientPace.Limits {
        func nanoseconds(_ duration: Duration) -> Int64 { TimeAmount(duration).nanoseconds }
        return ClientPace.Limits(
            idle: nanoseconds(idleTimeout), farewell: nanoseconds(lingerTimeout),
            transfer: .init(window: nanoseconds(transferTimeout), minimumBytesPerSecond: minimumBytesPerSecond))
    }
}
