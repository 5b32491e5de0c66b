public import NIOCore
import NIOPosix
public import RedisCore

/// One long value on its way to the master, over its own connection: the head of SET goes first, and the bytes of the
/// value follow as they come.
///
/// ```
/// connecting ─▶ asking ─whenReady─▶ streaming ─finish()─▶ finishing ─▶ done
/// ```
/// Redis carries out a command that it has whole, and no other. A connection that ends before ``finish()`` has changed nothing.
///
/// Lives on its event loop; neither thread-safe nor `Sendable`.
public final class StreamedWrite {
    public struct Command: Sendable {
        public var key: [UInt8]
        public var length: Int
        /// In milliseconds.
        public var timeToLive: Int64?
        /// Write only where there is no value.
        public var ifAbsent: Bool
        /// So many replicas are waited for, for so many milliseconds.
        public var acknowledgement: (replicas: Int, withinMilliseconds: Int64)?

        public init(
            key: [UInt8], length: Int, timeToLive: Int64?, ifAbsent: Bool,
            acknowledgement: (replicas: Int, withinMilliseconds: Int64)?
        ) {
            self.key = key
            self.length = length
            self.timeToLive = timeToLive
            self.ifAbsent = ifAbsent
            self.acknowledgement = acknowledgement
        }
    }

    public enum Outcome {
        /// - Parameter existed: `nil` where the user may not ask.
        case written(existed: Bool?, acknowledged: Int64?, ReplicationInfo?)
        /// There is a value, and there was to be none: nothing was written.
        case exists
        /// Redis refused it with this error: nothing was written.
        case refused([UInt8])
        /// Surely.
        case notApplied(RedisFailure)
        /// The value is with Redis, and its answer is not here.
        case notKnown(RedisFailure)
    }

    private enum Phase { case connecting, asking, streaming, finishing, done }

    /// How long Redis may take none of the bytes that wait for it, and how long it may take to store them.
    private static let patience = TimeAmount.seconds(10)

    private let command: Command
    private let configuration: RedisConnectionConfiguration
    private let eventLoop: any EventLoop
    private var channel: (any Channel)?
    private var handler: PipelineHandler?
    private var phase = Phase.connecting
    private var timer: DeadlineTimer?
    private var existed: Bool?
    /// Which process of the server it is that the value goes to.
    private(set) var runID: [UInt8]?
    /// Whether the value may go there.
    private let isMaster: (_ runID: [UInt8]?) -> Bool
    private var isStored = false
    private var acknowledged: Int64?
    /// Called each time when bytes may be written.
    private var whenReady: (() -> Void)?
    private var completion: ((Outcome) -> Void)?

    /// Must be called on the event loop, where both closures are called too.
    ///
    /// - Parameters:
    ///   - isMaster: whether the server that was met is the one that other writes go to.
    ///   - whenReady: may be called several times, and within ``write(_:)``.
    ///   - completion: called once, unless the write is abandoned.
    init(
        _ command: Command, to endpoint: RedisEndpoint, name: String, configuration: RedisConnectionConfiguration,
        eventLoop: any EventLoop, isMaster: @escaping (_ runID: [UInt8]?) -> Bool, whenReady: @escaping () -> Void,
        completion: @escaping (Outcome) -> Void
    ) {
        self.isMaster = isMaster
        self.command = command
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.whenReady = whenReady
        self.completion = completion
        connect(to: endpoint, name: name)
    }

    /// Whether bytes may be written now.
    public var isReady: Bool { phase == .streaming && channel?.isWritable == true }

    /// The next bytes of the value, which are as many in all as the command says.
    public func write(_ bytes: ByteBuffer) {
        guard phase == .streaming else { return }
        channel?.writeAndFlush(bytes, promise: nil)
        if channel?.isWritable == false, timer == nil { setTimer(Self.patience) }
    }

    /// The value is whole: Redis may carry the command out.
    public func finish() {
        guard phase == .streaming, let handler, let channel else { return }
        phase = .finishing
        whenReady = nil
        var tail = ByteBuffer(staticString: "\r\n")
        if let milliseconds = command.timeToLive {
            tail.writeStaticString("$2\r\nPX\r\n")
            tail.writeBulk("\(milliseconds)".utf8.span)
        }
        if command.ifAbsent { tail.writeStaticString("$2\r\nNX\r\n") }
        channel.write(tail, promise: nil)
        var patience = Self.patience
        if let wanted = command.acknowledgement {
            patience = patience + .milliseconds(wanted.withinMilliseconds)
            submit(.wait) { buffer in
                buffer.writeWAIT(replicas: wanted.replicas, milliseconds: wanted.withinMilliseconds)
            } receive: { [self] reply, _ in
                if case .integer(let count) = reply { acknowledged = count }
            }
        }
        submit(.info) {
            $0.writeINFOReplication()
        } receive: { [self] reply, _ in
            var information: ReplicationInfo?
            if case .bulk(let text) = reply { information = ReplicationInfo(parsing: text) }
            end(.written(existed: existed, acknowledged: acknowledged, information))
        }
        handler.flush()
        setTimer(patience)
    }

    /// It is not wanted any more: unless it is whole, it changes nothing.
    public func abandon() {
        completion = nil
        end(.notApplied(.shuttingDown))
    }

    // MARK: The connection

    private func connect(to endpoint: RedisEndpoint, name: String) {
        setTimer(TimeAmount(configuration.connectTimeout + configuration.commandTimeout))
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        ClientBootstrap(group: eventLoop)
            .connectTimeout(.init(configuration.connectTimeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: .init(low: 64 << 10, high: 256 << 10))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try bound.value.addHandlers(to: channel, name: name) }
            }
            .connect(host: endpoint.host, port: endpoint.port)
            .assumeIsolated()
            .whenComplete { [self] result in
                switch result {
                case .success(let channel):
                    guard phase == .connecting else { return channel.close(promise: nil) }
                    self.channel = channel
                    ask()
                case .failure: end(.notApplied(.notConnected))
                }
            }
    }

    private func addHandlers(to channel: any Channel, name: String) throws {
        let pipeline = channel.pipeline.syncOperations
        if let tls = configuration.tls {
            let tlsHandler = try tls.makeHandler(for: name)
            try pipeline.addHandlers(tlsHandler, TLSObserver(of: tlsHandler) { _ in })
        }
        let handler = PipelineHandler(
            maximumReplyBytes: 1 << 20, whenIdle: {}, whenClosed: { [self] in lost(.connectionLost) })
        try pipeline.addHandlers(handler, WritabilityObserver { [self] in becameWritable() })
        self.handler = handler
    }

    /// Whether it is the master, and whether there is a value.
    private func ask() {
        guard let handler else { return }
        phase = .asking
        var commands: [HealthReceiver.Command] = [.replication, .server]
        if configuration.database != 0 { commands.insert(.select(database: configuration.database), at: 0) }
        if let credentials = configuration.credentials { commands.insert(.authenticate(credentials), at: 0) }
        let health = HealthReceiver(commands) { [self] health, runID in
            self.runID = runID
            switch health {
            case .serving(let information):
                if information.role != .master { return end(.notApplied(.readOnly)) }
                if !isMaster(runID) { end(.notApplied(.notConnected)) }
            case .denied: end(.notApplied(.denied))
            case .unknown, .loading, .refused: end(.notApplied(.notConnected))
            }
        }
        handler.submit(health, replies: commands.count, at: .now()) { buffer in
            for command in commands { buffer.write(command) }
        }
        submit(.exists) { [command] in
            $0.writeEXISTS(key: command.key.span)
        } receive: { [self] reply, _ in
            switch reply {
            case .integer(let count): begin(existed: count > 0)
            case .error(let text) where text.prefix(upTo: UInt8(ascii: " ")) == "NOPERM": begin(existed: nil)
            case .error(let text): end(.refused(text.copied))
            case .bulk, .simple, .null, .array: end(.notApplied(.connectionLost))
            }
        }
        handler.flush()
    }

    private func begin(existed: Bool?) {
        guard phase == .asking else { return }
        if existed == true, command.ifAbsent { return end(.exists) }
        // What a condition lets pass was not there.
        self.existed = command.ifAbsent ? false : existed
        phase = .streaming
        timer?.cancel()
        timer = nil
        submit(.set) { [command] in
            $0.writeSETHead(
                key: command.key.span, valueBytes: command.length, timeToLive: command.timeToLive,
                ifAbsent: command.ifAbsent)
        } receive: { [self] reply, _ in
            switch reply {
            case .simple: isStored = true
            case .null where command.ifAbsent: end(.exists)
            case .error(let text): end(.refused(text.copied))
            case .null, .bulk, .integer, .array: end(.notKnown(.connectionLost))
            }
        }
        handler?.flush()
        whenReady?()
    }

    private func submit(
        _ command: RedisCommand, _ encode: (inout ByteBuffer) -> Void, receive: @escaping (RedisReply, Int) -> Void
    ) {
        handler?.submit(
            ReplyClosures(to: command, receive: receive, fail: { [self] in lost($0) }), replies: 1, at: .now(), encode)
    }

    private func becameWritable() {
        guard phase == .streaming else { return }
        timer?.cancel()
        timer = nil
        whenReady?()
    }

    private func setTimer(_ time: TimeAmount) {
        timer?.cancel()
        timer = DeadlineTimer(on: eventLoop.assumeIsolated(), in: time) { [self] in lost(.timedOut) }
    }

    /// The connection is gone, or of no use any more.
    private func lost(_ failure: RedisFailure) {
        switch phase {
        case .connecting, .asking, .streaming: end(.notApplied(failure))
        case .finishing where isStored: end(.written(existed: existed, acknowledged: acknowledged, nil))
        case .finishing: end(.notKnown(failure))
        case .done: break
        }
    }

    private func end(_ outcome: Outcome) {
        guard phase != .done else { return }
        phase = .done
        timer?.cancel()
        timer = nil
        whenReady = nil
        let completion = completion
        self.completion = nil
        handler?.whenClosed = {}
        channel?.close(promise: nil)
        channel = nil
        handler = nil
        completion?(outcome)
    }
}

private final class ReplyClosures: ReplyReceiver {
    private let command: RedisCommand
    private let onReply: (RedisReply, Int) -> Void
    private let onFailure: (RedisFailure) -> Void

    init(
        to command: RedisCommand, receive: @escaping (RedisReply, Int) -> Void,
        fail: @escaping (RedisFailure) -> Void
    ) {
        self.command = command
        onReply = receive
        onFailure = fail
    }

    override func command(at index: Int) -> RedisCommand { command }
    override func receive(_ reply: RedisReply, at index: Int) { onReply(reply, index) }
    override func fail(_ failure: RedisFailure) { onFailure(failure) }
}

private final class WritabilityObserver: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let whenWritable: () -> Void

    init(_ whenWritable: @escaping () -> Void) { self.whenWritable = whenWritable }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { whenWritable() }
    }
}

extension ByteBuffer {
    /// SET up to the first byte of the value, which follows with the rest of the command.
    fileprivate mutating func writeSETHead(key: Span<UInt8>, valueBytes: Int, timeToLive: Int64?, ifAbsent: Bool) {
        writeString("*\(3 + (timeToLive == nil ? 0 : 2) + (ifAbsent ? 1 : 0))\r\n$3\r\nSET\r\n")
        writeBulk(key)
        writeString("$\(valueBytes)\r\n")
    }
}

extension RedisLoop {
    /// Streams at the most, of this event loop.
    public static let streamedWritesLimit = 8

    /// Begins to store a long value at the master, over its own connection.
    ///
    /// - Throws: where it surely cannot be done now; no closure is called then.
    public func streamWrite(
        _ command: StreamedWrite.Command, whenReady: @escaping () -> Void,
        completion: @escaping (StreamedWrite.Outcome) -> Void
    ) throws(RedisFailure) -> StreamedWrite {
        guard !isShutDown else { throw .shuttingDown }
        try checkMaster()
        guard master.isReadyForWrites else { throw .notConnected }
        return StreamedWrite(
            command, to: master.endpoint, name: master.name, configuration: configuration, eventLoop: eventLoop,
            isMaster: { [unowned self] in isMaster($0) }, whenReady: whenReady, completion: completion)
    }
}
