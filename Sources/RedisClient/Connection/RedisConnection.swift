public import Logging
public import NIOCore
public import RedisCore

/// A pipelined connection to one server, on one event loop, that connects again by itself.
///
/// Not thread-safe, and not `Sendable`: it lives on its event loop, as do its callers.
public final class RedisConnection: TickParticipant {
    public let endpoint: RedisEndpoint
    /// What the operator calls the server, for its certificate: the endpoint's host may be an address found by that name.
    let name: String

    /// What the server said of itself when it was last asked, at most a second ago while the connection is up.
    public internal(set) var health: ServerHealth = .unknown {
        didSet {
            readSuitability = judgedSuitability
            switch readSuitability {
            case .fresh: refusesStaleReads = false
            case .stale where refusesStaleReads: readSuitability = .unusable(.refusesStaleReads)
            case .stale, .unusable, nil: break
            }
            counters.note(health, of: server, isMaster: wantsMaster)
            if case .serving(let info) = health, info.role != role { role = info.role }
            whenSeen?(self)
        }
    }

    /// What reads from the server are worth at the most, by its history beside the master's; `nil` where nothing speaks against
    /// them. It stays while the server is away.
    var exclusion: ReadSuitability? {
        didSet {
            guard exclusion != oldValue else { return }
            readSuitability = judgedSuitability
        }
    }

    /// Why reads do not use the server, where that was logged.
    private var toldExclusion: ReadSuitability.Reason?

    /// When the server was first seen in another history than the master's, and not judged by it yet.
    var foreignSince: NIODeadline?

    /// Called with everything that is learnt of the server's health.
    var whenSeen: ((RedisConnection) -> Void)?

    private var judgedSuitability: ReadSuitability? {
        guard let exclusion, let own = health.readSuitability else { return health.readSuitability }
        if case .unusable = own { return own }
        return exclusion
    }

    /// Tells an operator of what the server's data is, rather than of how it is just now.
    private func tellExclusion() {
        // The connection for reads tells it.
        if wantsMaster { return }
        switch readSuitability {
        case .unusable(let reason):
            switch reason {
            case .emptied, .strayMaster, .anotherHistory, .rival:
                guard reason != toldExclusion else { return }
                toldExclusion = reason
                logger.warning("redis \(endpoint) \(reason.rawValue)")
            case .neverSynchronised, .synchronising, .refusesStaleReads, .unreadable: break
            }
        case .fresh, .stale:
            guard toldExclusion != nil else { return }
            toldExclusion = nil
            logger.info("redis \(endpoint) serves reads again")
        case nil: break
        }
    }

    /// When the server last reported its health.
    public internal(set) var healthSeenAt = NIODeadline.uptimeNanoseconds(0)

    /// When it was asked for that, in ``NIOCore/NIODeadline/uptimeNanoseconds``.
    var healthAskedAt: Int64 = 0

    /// Reads of this event loop that the server has answered, over this connection and all others to it.
    public var answeredReads: Int { server.answeredReads }

    /// Counts a read that the server has answered.
    public func noteAnsweredRead() { server.answeredReads &+= 1 }

    /// What the server last said it was; a replica until it has said it.
    public private(set) var role = ReplicationInfo.Role.replica {
        didSet {
            servedFields = Self.servedFields(endpoint, role)
            asked = role == .master ? .master : .replica
        }
    }

    /// ``role``, for those who count.
    private var asked = AskedRole.replica

    /// Names the server as header lines of an answer: `\r\nServed-By: host:port\r\nServed-Role: replica`. Made when the
    /// role changes, since every answer carries it.
    public private(set) var servedFields: [UInt8]

    /// What a read from this server would be worth; `nil` while it is not known. Kept beside ``health``, for every read
    /// asks for it.
    public internal(set) var readSuitability: ReadSuitability? {
        didSet { if readSuitability != oldValue { tellExclusion() } }
    }

    /// Which process of the server it is that was met, 40 hexadecimal digits; `nil` while no connection is up, and where the
    /// server does not say it.
    public internal(set) var runID: [UInt8]? {
        didSet { compareProcesses() }
    }

    /// The position of the master's stream at each observation: the evidence for a bound on a read's age. Empty where another
    /// server than the master is looked for. Times are ``NIOCore/NIODeadline/uptimeNanoseconds``.
    public internal(set) var offsets = MasterOffsetHistory()

    /// Why the server cannot be used, in words for an operator; `nil` while it can.
    public internal(set) var trouble: String? = "has not been connected to yet"

    /// Called whenever the connection becomes ready for writes, until it is shut down.
    var whenReady: (() -> Void)?

    /// Called whenever another attempt to connect has failed, from the second on.
    var whenAway: (() -> Void)?

    /// Called whenever a connect or the connection that it made has ended, until it is shut down.
    var whenLost: (() -> Void)?

    /// Called whenever nothing listens at the server's address.
    var whenRefused: ((RedisConnection) -> Void)?

    /// Called with the connection once it has been up for its ``RedisConnectionConfiguration/maximumAge``, unless it is shut
    /// down.
    var whenAged: ((RedisConnection) -> Void)?

    /// What takes the reads instead, where writes go over this connection: none of them shall end, or wait, for a large value.
    /// They go over this one all the same while that one is not up, or has met another process than this one.
    var reads: RedisConnection?
    /// The connection whose ``reads`` this is.
    var writes: RedisConnection?
    /// Whether ``reads`` leads to the same process of the server.
    var isOfSameProcess = false

    let configuration: RedisConnectionConfiguration
    /// Whether a server that is a replica is not the one that is looked for.
    let wantsMaster: Bool
    let eventLoop: any EventLoop
    let isolatedLoop: NIOIsolatedEventLoop
    let flusher: TickFlusher
    let logger: Logger
    /// What is counted of all servers of the event loop, and of this one.
    let counters: RedisCounters
    let server: ServerCounters
    /// A connection to the server has been ready before.
    var hasBeenReady = false
    var machine = ConnectionMachine()
    /// The server has answered a read with -MASTERDOWN since its link to the master was last seen up.
    var refusesStaleReads = false
    var handler: PipelineHandler?
    /// Commands for a channel that is being opened; `nil` unless the machine is replacing one.
    var waiting: PipelineHandler?
    /// The handler, while commands are taken: what every request asks for.
    private(set) var serving: PipelineHandler?
    /// `nil` where the connection is in clear text.
    var tlsObserver: TLSObserver?
    /// Whether ``trouble`` is of the connection that is up, or of the attempt that is under way.
    var isTroubleOfThisAttempt = false
    /// The code of the last error that may ask something of an operator, and when it came.
    var complaint = ""
    var complainedAt = NIODeadline.uptimeNanoseconds(0)
    /// The server refused the credentials in the last handshake, and nothing else happened since.
    public internal(set) var isDenied = false
    /// The answer to a health check out of turn is owed.
    var isCheckingHealth = false
    /// A transaction has begun, and its end was not sent: no command of another may go between, since the server would queue
    /// it and answer it with EXEC.
    var isInTransaction = false {
        didSet { if !isInTransaction, isHealthCheckDue { checkHealthAtInterval() } }
    }
    /// The next health check waits for the transaction's end.
    var isHealthCheckDue = false
    /// A replica was found where the master is looked for, and nothing else since.
    var isLookingForMaster = false
    var attemptTimer: Scheduled<Void>?
    /// When the command was sent that was the oldest at the last check, if it had waited for long.
    var stalledSince: NIODeadline?
    /// How far replies have come.
    var progress = ReplyProgress()
    var deadlineTimer: Scheduled<Void>?
    var healthTimer: Scheduled<Void>?
    var ageTimer: Scheduled<Void>?
    var whenShutDown: (() -> Void)?

    /// Must be called on the event loop.
    ///
    /// - Parameters:
    ///   - name: what the operator calls the server; `nil` where that is the endpoint's host.
    ///   - wantsMaster: whether a server that turns out to be a replica is the wrong one: it gets no writes, and the
    ///     connection is made again, and the name resolved again, until it leads to a master.
    ///   - counters: those of the event loop.
    public init(
        endpoint: RedisEndpoint, name: String? = nil, wantsMaster: Bool = false,
        configuration: RedisConnectionConfiguration, eventLoop: any EventLoop, flusher: TickFlusher, logger: Logger,
        counters: RedisCounters = RedisCounters()
    ) {
        self.name = name ?? endpoint.host
        self.endpoint = endpoint
        self.servedFields = Self.servedFields(endpoint, .replica)
        self.wantsMaster = wantsMaster
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.isolatedLoop = eventLoop.assumeIsolated()
        self.flusher = flusher
        self.logger = logger
        self.counters = counters
        self.server = counters.server(endpoint)
    }

    private static func servedFields(_ endpoint: RedisEndpoint, _ role: ReplicationInfo.Role) -> [UInt8] {
        Array("\r\nServed-By: \(endpoint)\r\nServed-Role: \(role == .master ? "master" : "replica")".utf8)
    }

    /// Whether a submission would be sent.
    public var isReady: Bool {
        switch machine.state {
        case .ready, .misplaced, .replacing: true
        case .idle, .connecting, .handshaking, .leaving, .backingOff, .draining, .closed: false
        }
    }

    /// Whether the server is the one that is looked for, and a submission would be sent.
    public var isReadyForWrites: Bool {
        switch machine.state {
        case .ready, .replacing: true
        case .idle, .connecting, .handshaking, .misplaced, .leaving, .backingOff, .draining, .closed: false
        }
    }

    /// Whether the first attempt to connect is not over: at the start, or after the connection was lost a moment ago.
    public var isComingBack: Bool {
        switch machine.state {
        case .backingOff(failures: 1), .connecting(failures: 0...1), .handshaking(failures: 0...1): true
        case .idle, .connecting, .handshaking, .ready, .misplaced, .leaving, .replacing, .backingOff, .draining,
            .closed:
            false
        }
    }

    /// Submissions that wait for their replies.
    public var inFlight: Int { ownInFlight + (reads?.ownInFlight ?? 0) }

    /// Those over this connection alone.
    var ownInFlight: Int { (handler?.inFlight ?? 0) + (waiting?.inFlight ?? 0) }

    /// Whether the oldest command has waited for longer than ``RedisConnectionConfiguration/stallTimeout``: others may
    /// answer sooner. Noticed up to twice that time after it was sent.
    public var isStalled: Bool {
        if let stalledSince, oldest == stalledSince { return true }
        return reads?.isStalled ?? false
    }

    /// When the oldest command was sent that waits for its reply.
    var oldest: NIODeadline? { handler?.oldest ?? waiting?.oldest }

    public func start() {
        perform(machine.start())
        reads?.start()
    }

    /// Sends commands that only read at the end of this tick, together with all others of it.
    ///
    /// - Parameters:
    ///   - receiver: gets `replies` calls, or a failure; never within this call.
    ///   - replies: how many commands `encode` writes.
    ///   - information: whether the receiver gets, as its reply number `replies`, an INFO replication that was taken after its
    ///     commands, and in which form. All who ask within a tick share one.
    ///   - encode: writes the commands in RESP.
    /// - Throws: ``RedisFailure`` where the commands were surely not sent; the receiver is then not called.
    public func submit(
        _ receiver: ReplyReceiver, replies: Int, information: InformationForm? = nil,
        _ encode: (inout ByteBuffer) -> Void
    ) throws(RedisFailure) {
        if let reads, isOfSameProcess, reads.serving != nil, serving != nil {
            return try reads.submit(receiver, replies: replies, information: information, encode)
        }
        try submitWrite(receiver, replies: replies, information: information, encode)
    }

    /// As ``submit(_:replies:information:_:)``, for commands of any kind.
    func submitWrite(
        _ receiver: ReplyReceiver, replies: Int, information: InformationForm? = nil,
        _ encode: (inout ByteBuffer) -> Void
    ) throws(RedisFailure) {
        guard let serving else { throw submissionFailure }
        guard serving.inFlight < configuration.maximumInFlight else {
            count(.overloaded)
            throw .overloaded
        }
        receiver.asked = asked
        send(receiver, replies: replies, information: information, through: serving, encode)
    }

    private var submissionFailure: RedisFailure {
        switch machine.state {
        case .draining, .closed: .shuttingDown
        case .idle, .connecting, .handshaking, .ready, .misplaced, .leaving, .replacing, .backingOff: .notConnected
        }
    }

    /// Waits for the replies that are owed, then closes. The connection stays alive until then, even if its owners release it.
    ///
    /// - Parameter completion: called once the connection is closed, at once where it is already.
    public func shutDown(_ completion: @escaping () -> Void = {}) {
        var open = reads == nil ? 1 : 2
        let closed = {
            open -= 1
            if open == 0 { completion() }
        }
        whenShutDown = {
            withExtendedLifetime(self) {}
            closed()
        }
        reads?.shutDown(closed)
        whenReady = nil
        whenAway = nil
        whenLost = nil
        whenRefused = nil
        whenAged = nil
        writes = nil
        healthTimer?.cancel()
        ageTimer?.cancel()
        perform(machine.shutDown(commandsInFlight: ownInFlight > 0))
        finishShutDownIfClosed()
    }

    /// Closes at once; what is in flight fails.
    func close(_ completion: @escaping () -> Void) {
        whenLost = nil
        handler?.close(failing: .shuttingDown)
        shutDown(completion)
    }

    public override func flushTick() { handler?.flush() }

    func send(
        _ receiver: ReplyReceiver, replies: Int, information: InformationForm? = nil, through handler: PipelineHandler,
        _ encode: (inout ByteBuffer) -> Void
    ) {
        flusher.mark(self)
        handler.submit(receiver, replies: replies, information: information, at: flusher.begin(), encode)
        // While commands wait, the timer that the first of them armed goes on by itself.
        if handler.inFlight == 1, deadlineTimer == nil { armDeadline(after: configuration.stallTimeout) }
    }

    /// Replies to commands have come, which were sent together.
    func answered(_ count: Int, sentAt: NIODeadline) {
        counters.durations.record(flusher.begin() - sentAt, count: count, in: Int(asked.rawValue))
    }

    /// Takes no more commands for a channel that is about to fail what it owes.
    func stopServing(_ failing: PipelineHandler) {
        if serving === failing { serving = nil }
    }

    /// Notes where commands go from now on.
    func chooseServing() { serving = isReady ? waiting ?? handler : nil }

    /// Every event of the machine ends here.
    func perform(_ action: ConnectionMachine.Action) {
        chooseServing()
        switch action {
        case .none: break
        case .connect: connect()
        case .sendHandshake: sendHandshake()
        case .reconnect(let failures):
            failWaiting(.notConnected)
            attempt(afterFailures: failures)
            whenLost?()
            if failures > 1 { whenAway?() }
        case .lookAgain(let failures): attempt(afterFailures: failures)
        case .cancelTimer: attemptTimer?.cancel()
        case .closeChannel:
            failWaiting(machine.state == .closed ? .shuttingDown : .notConnected)
            handler?.close(failing: .shuttingDown)
        }
    }
}
