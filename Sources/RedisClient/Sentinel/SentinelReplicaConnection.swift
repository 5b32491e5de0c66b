import NIOCore
import NIOPosix
import RedisCore

/// A connection over which one Sentinel is asked for its replicas and for nothing else: a list that is too long ends this
/// connection, and not the one over which it names the master.
///
/// Not thread-safe, and not `Sendable`: it lives on its event loop, as do its callers.
final class SentinelReplicaConnection {
    private let channel: any Channel
    private let handler: Handler

    private init(channel: any Channel, handler: Handler) {
        self.channel = channel
        self.handler = handler
    }

    /// - Parameter completion: called once; `nil` where no connection comes about.
    static func open(
        _ server: RedisConversation.Server, tls: RedisTLS?, timeout: Duration, eventLoop: any EventLoop,
        completion: @escaping (SentinelReplicaConnection?) -> Void
    ) {
        let handler = Handler()
        server.connect(tls: tls, timeout: timeout, eventLoop: eventLoop, handler).assumeIsolated().whenComplete {
            completion((try? $0.get()).map { SentinelReplicaConnection(channel: $0, handler: handler) })
        }
    }

    var isOpen: Bool { channel.isActive }

    /// Asks once; the connection is closed where the answer is not read to its end.
    ///
    /// - Parameters:
    ///   - logIns: AUTH with its words, each; one that is refused changes nothing.
    ///   - completion: called once; `nil` where no answer comes in time.
    func ask(
        _ question: [String], logIns: [[[UInt8]]], within limit: Duration,
        completion: @escaping (SentinelReplicaReader.Outcome?) -> Void
    ) {
        guard channel.isActive, handler.completion == nil else { return completion(nil) }
        handler.reader = SentinelReplicaReader(logIns: logIns.count)
        handler.completion = completion
        var buffer = channel.allocator.buffer(capacity: 256)
        for command in logIns + [question.map { Array($0.utf8) }] {
            buffer.writeString("*\(command.count)\r\n")
            for word in command { buffer.writeBulk(word.span) }
        }
        channel.writeAndFlush(buffer, promise: nil)
        handler.deadline = DeadlineTimer(on: channel.eventLoop.assumeIsolated(), in: .init(limit)) { [self] in
            close()
            handler.end(nil)
        }
    }

    func close() { channel.close(promise: nil) }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        var reader = SentinelReplicaReader(logIns: 0)
        var completion: ((SentinelReplicaReader.Outcome?) -> Void)?
        var deadline: DeadlineTimer?

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard completion != nil, let outcome = reader.read(unwrapInboundIn(data)) else { return }
            // A close tells at once that nothing comes any more.
            end(outcome)
            // The rest of a longer list is still to come.
            if !outcome.isWhole { context.close(promise: nil) }
        }

        func channelInactive(context: ChannelHandlerContext) {
            end(nil)
            context.fireChannelInactive()
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        func end(_ outcome: SentinelReplicaReader.Outcome?) {
            deadline?.cancel()
            let completion = completion
            self.completion = nil
            completion?(outcome)
        }
    }
}

extension SentinelReplicaReader.Outcome {
    /// Whether nothing of the answer is still to come, and the next question may go over the same connection.
    fileprivate var isWhole: Bool {
        switch self {
        case .list(let replicas): replicas.bound == nil
        // It may take another password by the next time.
        case .refused, .unreadable: false
        }
    }
}

extension RedisConversation.Server {
    /// Connects, with this handler at the end of the pipeline.
    func connect(
        tls: RedisTLS?, timeout: Duration, eventLoop: any EventLoop, _ handler: any ChannelHandler
    ) -> EventLoopFuture<any Channel> {
        let bound = NIOLoopBound(handler, eventLoop: eventLoop)
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(.init(timeout))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if case .tls(_, let name) = self, let tls {
                        let tlsHandler = try tls.makeHandler(for: name)
                        try channel.pipeline.syncOperations.addHandlers(
                            tlsHandler, TLSObserver(of: tlsHandler) { _ in })
                    }
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
        return switch self {
        case .unixSocket(let path): bootstrap.connect(unixDomainSocketPath: path)
        case .address(let address), .tls(let address, _): bootstrap.connect(to: address)
        }
    }
}
