public import HTTPWire
import NIOCore
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
    /// Coarse: read once a second, for deadlines of many seconds. So are the three below.
    private(set) var now = NIODeadline.now()
    private(set) var idleDeadline = NIODeadline.now()
    private(set) var transferDeadline = NIODeadline.now()
    private(set) var lingerDeadline = NIODeadline.now()
    /// Whether every answer is the last one of its connection.
    private(set) var isDraining = false

    private let isolatedLoop: NIOIsolatedEventLoop
    private var connections: [ObjectIdentifier: HTTPConnection] = [:]
    private var whenEmpty: (() -> Void)?
    private var clock: Scheduled<Void>?

    /// Must be called on the event loop.
    init(limits: HTTPLimits, origins: AllowedOrigins = .none, eventLoop: any EventLoop) {
        self.limits = limits
        self.origins = origins
        self.preamble = ResponsePreamble(.now, origins: origins)
        self.isolatedLoop = eventLoop.assumeIsolated()
        self.flusher = TickFlusher(eventLoop: eventLoop)
        tick()
    }

    /// How many connections are open.
    var connectionCount: Int { connections.count }

    /// How many requests wait for their answers.
    var requestsInFlight: Int { connections.values.reduce(0) { $0 + $1.exchanges.count } }

    /// - Returns: a number for a request, and when it began: the time of the tick.
    func beginRequest() -> (number: UInt64, startedAt: NIODeadline) {
        requestNumber &+= 1
        return (requestNumber, flusher.begin())
    }

    /// Counts an answer, and logs it if it is due. Called in the tick in which it was given, with every one.
    func note(_ exchange: Exchange, _ head: borrowing ResponseHead, bodyBytes: Int) {
        let duration = flusher.begin() - exchange.startedAt
        counters.count(exchange, head.status, duration)
        if head.isStale { counters.staleAnswers &+= 1 }
        if let accessLog { accessLog.note(exchange, head, bodyBytes: bodyBytes, duration: duration) }
    }

    func add(_ connection: HTTPConnection) { connections[ObjectIdentifier(connection)] = connection }

    func remove(_ connection: HTTPConnection) {
        connections[ObjectIdentifier(connection)] = nil
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

    private func tick() {
        preamble = ResponsePreamble(.now, origins: origins)
        now = .now()
        idleDeadline = now + TimeAmount(limits.idleTimeout)
        transferDeadline = now + TimeAmount(limits.transferTimeout)
        lingerDeadline = now + TimeAmount(limits.lingerTimeout)
        for connection in connections.values { connection.checkDeadline() }
        accessLog?.endSecond()
        clock = isolatedLoop.scheduleTask(in: .seconds(1)) { self.tick() }
    }
}

/// The bounds of every HTTP connection.
public struct HTTPLimits: Sendable {
    /// Bytes of a request's body. The default holds a value of 1 MiB however it is escaped (six bytes a byte).
    public var maximumBodyBytes = 8 << 20
    /// Of a request's head; over them the answer is 414 or 431.
    public var requests = RequestLimits()
    /// Requests of one connection that may wait for their answers; further ones are not read before.
    public var maximumPipelinedRequests = 128
    /// How long a connection may be open without a request.
    public var idleTimeout: Duration = .seconds(75)
    /// From a request's head to its last byte, and from an answer to its acceptance by the client's socket.
    public var transferTimeout: Duration = .seconds(30)
    /// How long a client may still send after its answer was the last one.
    public var lingerTimeout: Duration = .seconds(2)

    public init() {}
}
