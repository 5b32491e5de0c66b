import Glibc
public import Logging
public import NIOCore
import NIOPosix
public import Replication

/// A pipelined connection to one server, on one event loop, that connects again by itself.
///
/// Not thread-safe, and not `Sendable`: it lives on its event loop, as do its callers.
public final class RedisConnection: TickParticipant {
    public let endpoint: RedisEndpoint

    /// What the server said of itself when it was last asked, at most a second ago while the connection is up.
    public private(set) var health: ServerHealth = .unknown {
        didSet { readSuitability = health.readSuitability }
    }

    /// What a read from this server would be worth; `nil` while it is not known. Kept beside ``health``, for every read
    /// asks for it.
    public private(set) var readSuitability: ReadSuitability?

    /// Why the server cannot be used, in words for an operator; `nil` while it can.
    public private(set) var trouble: String? = "has not been connected to yet"

    private let configuration: RedisConnectionConfiguration
    private let eventLoop: any EventLoop
    private let isolatedLoop: NIOIsolatedEventLoop
    private let flusher: TickFlusher
    private let logger: Logger
    private var machine = ConnectionMachine()
    private var handler: PipelineHandler?
    private var reconnect: Scheduled<Void>?
    private var deadlineTimer: Scheduled<Void>?
    private var healthTimer: Scheduled<Void>?
    private var whenShutDown: (() -> Void)?

    /// Must be called on the event loop.
    public init(
        endpoint: RedisEndpoint, configuration: RedisConnectionConfiguration, eventLoop: any EventLoop,
        flusher: TickFlusher, logger: Logger
    ) {
        self.endpoint = endpoint
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.isolatedLoop = eventLoop.assumeIsolated()
        self.flusher = flusher
        self.logger = logger
    }

    /// Whether a submission would be sent.
    public var isReady: Bool { machine.state == .ready }

    /// Submissions that wait for their replies.
    public var inFlight: Int { handler?.inFlight ?? 0 }

    public func start() { perform(machine.start()) }

    /// Sends commands at the end of this tick, together with all others of it.
    ///
    /// - Parameters:
    ///   - receiver: gets `replies` calls, or a failure; never within this call.
    ///   - replies: how many commands `encode` writes.
    ///   - awaitsInformation: whether the receiver gets, as its reply number `replies`, the text of an INFO replication
    ///     that was taken after its commands, written by ``RedisConnectionConfiguration/encodeInformation``. All who ask
    ///     within a tick share one.
    ///   - encode: writes the commands in RESP.
    /// - Throws: ``RedisFailure`` where the commands were surely not sent; the receiver is then not called.
    public func submit(
        _ receiver: ReplyReceiver, replies: Int, awaitsInformation: Bool = false, _ encode: (inout ByteBuffer) -> Void
    ) throws(RedisFailure) {
        switch machine.state {
        case .ready: break
        case .draining, .closed: throw .shuttingDown
        case .idle, .connecting, .handshaking, .backingOff: throw .notConnected
        }
        guard let handler else { throw .notConnected }
        guard handler.inFlight < configuration.maximumInFlight else { throw .overloaded }
        send(receiver, replies: replies, awaitsInformation: awaitsInformation, through: handler, encode)
    }

    /// Waits for the replies that are owed, then closes.
    ///
    /// - Parameter completion: called once the connection is closed, at once where it is already.
    public func shutDown(_ completion: @escaping () -> Void = {}) {
        whenShutDown = completion
        healthTimer?.cancel()
        perform(machine.shutDown(commandsInFlight: inFlight > 0))
        finishShutDownIfClosed()
    }

    public override func flushTick() { handler?.flush() }

    private func send(
        _ receiver: ReplyReceiver, replies: Int, awaitsInformation: Bool = false, through handler: PipelineHandler,
        _ encode: (inout ByteBuffer) -> Void
    ) {
        flusher.mark(self)
        handler.submit(receiver, replies: replies, awaitsInformation: awaitsInformation, at: flusher.now, encode)
        if deadlineTimer == nil { armDeadline(after: configuration.commandTimeout) }
    }

    private func perform(_ action: ConnectionMachine.Action) {
        switch action {
        case .none: break
        case .connect: connect()
        case .sendHandshake: sendHandshake()
        case .reconnect(let failures): reconnect(afterFailures: failures)
        case .cancelReconnect: reconnect?.cancel()
        case .closeChannel: handler?.close(failing: .shuttingDown)
        }
    }
}

// MARK: - Connecting

extension RedisConnection {
    private func connect() {
        let handler = PipelineHandler(
            maximumReplyBytes: configuration.maximumReplyBytes,
            encodeInformation: configuration.encodeInformation,
            whenIdle: { [weak self] in self?.becameIdle() },
            whenClosed: { [weak self] in self?.disconnected() })
        let bound = NIOLoopBound(handler, eventLoop: eventLoop)
        ClientBootstrap(group: eventLoop)
            .connectTimeout(.init(configuration.connectTimeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 4096, initial: 16384, maximum: 131_072)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
            .connect(host: endpoint.host, port: endpoint.port)
            .assumeIsolated()
            .whenComplete { result in
                switch result {
                case .success:
                    self.handler = handler
                    let action = self.machine.connected()
                    self.perform(action)
                    if action == .closeChannel { self.handler = nil }
                case .failure(let error):
                    self.note(trouble: "cannot be reached: \(Self.reason(error))")
                    self.perform(self.machine.connectFailed())
                }
            }
    }

    private func reconnect(afterFailures failures: Int) {
        let delay = configuration.backoff.delay(afterFailures: failures, jitter: .random(in: 0..<1))
        reconnect = isolatedLoop.scheduleTask(in: .init(delay)) { self.perform(self.machine.backoffElapsed()) }
    }

    private func disconnected() {
        handler = nil
        health = .unknown
        healthTimer?.cancel()
        deadlineTimer?.cancel()
        deadlineTimer = nil
        if machine.state == .ready { note(trouble: "lost the connection") }
        perform(machine.disconnected())
        finishShutDownIfClosed()
    }

    private func becameIdle() { perform(machine.drained()) }

    private func finishShutDownIfClosed() {
        guard machine.state == .closed, handler == nil, let completion = whenShutDown else { return }
        whenShutDown = nil
        completion()
    }

    /// Logs a trouble when it begins or changes, not with every attempt.
    private func note(trouble reason: String?) {
        guard reason != trouble else { return }
        trouble = reason
        if let reason {
            logger.warning("redis \(endpoint) \(reason)")
        } else {
            logger.info("redis \(endpoint) is connected")
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { reason($0.error) } ?? "the name \(error.host) has no address"
        case let error as IOError: unsafe String(cString: strerror(error.errnoCode))
        case ChannelError.connectTimeout: "no answer to the connect"
        default: "\(error)"
        }
    }
}

// MARK: - Handshake, health and deadlines

extension RedisConnection {
    private func sendHandshake() {
        guard let handler else { return }
        let credentials = configuration.credentials
        let receiver = HealthReceiver(authenticates: credentials != nil) { [weak self] in self?.handshakeEnded($0) }
        send(receiver, replies: credentials == nil ? 2 : 3, through: handler) { buffer in
            if let credentials { buffer.writeAUTH(credentials) }
            buffer.writeINFOReplication()
            buffer.writeINFOPersistence()
        }
    }

    private func handshakeEnded(_ health: ServerHealth) {
        self.health = health
        if case .refused(let reason) = health {
            note(trouble: reason)
            perform(machine.handshakeFailed())
        } else {
            perform(machine.handshakeSucceeded())
            note(trouble: nil)
            scheduleHealthCheck()
        }
    }

    private func scheduleHealthCheck() {
        healthTimer = isolatedLoop.scheduleTask(in: .init(configuration.healthInterval)) {
            guard self.machine.state == .ready, let handler = self.handler else { return }
            let receiver = HealthReceiver(authenticates: false) { [weak self] health in
                guard let self, self.machine.state == .ready else { return }
                self.health = health
                self.scheduleHealthCheck()
            }
            self.send(receiver, replies: 2, through: handler) { buffer in
                buffer.writeINFOReplication()
                buffer.writeINFOPersistence()
            }
        }
    }

    /// One timer a connection, for its oldest command: commands are answered in order, so no younger one is due earlier.
    private func armDeadline(after delay: Duration) {
        deadlineTimer = isolatedLoop.scheduleTask(in: .init(delay)) {
            self.deadlineTimer = nil
            guard let handler = self.handler, let oldest = handler.oldest else { return }
            let waited = Duration(NIODeadline.now() - oldest)
            if waited >= self.configuration.commandTimeout {
                self.note(trouble: "did not answer within \(self.configuration.commandTimeout)")
                handler.close(failing: .timedOut)
            } else {
                self.armDeadline(after: self.configuration.commandTimeout - waited)
            }
        }
    }
}

/// How a connection behaves.
public struct RedisConnectionConfiguration: Sendable {
    public var credentials: RedisCredentials?
    /// From the first SYN to the last; a name's addresses are tried within it.
    public var connectTimeout: Duration = .seconds(2)
    /// From a command's flush to its reply.
    public var commandTimeout: Duration = .seconds(2)
    /// How often the server is asked for `INFO replication`.
    public var healthInterval: Duration = .seconds(1)
    /// Submissions that may wait on one connection; one more is refused at once.
    public var maximumInFlight = 4096
    /// How a shared INFO replication is written for those who asked for it; as it is, unless told otherwise.
    public var encodeInformation: @Sendable (_ text: Span<UInt8>, _ buffer: inout ByteBuffer) -> Void = {
        $1.writeBytes($0)
    }
    /// Bytes of one reply; Redis itself allows 512 MiB.
    public var maximumReplyBytes = 64 << 20

    var backoff = Backoff()

    public init(credentials: RedisCredentials? = nil) { self.credentials = credentials }
}
