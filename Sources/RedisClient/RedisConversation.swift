import Glibc
public import NIOCore
import NIOPosix

/// A connection for a few questions to one server: made when it is wanted, and not made anew by itself.
///
/// Not thread-safe, and not `Sendable`: it lives on its event loop, as do its callers. Every wait has a deadline.
public final class RedisConversation {
    /// Where a server is; no name is looked up here.
    public enum Server: Equatable, Sendable {
        case unixSocket(String)
        case address(SocketAddress)
        /// - Parameter name: what its certificate is checked for, where that is checked.
        case tls(SocketAddress, name: String)
    }

    /// Why there is no answer, in an operator's words.
    public struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
        public let description: String

        /// - Parameter description: goes on from the server's name: "cannot be reached: …".
        public init(description: String) { self.description = description }
    }

    private let channel: any Channel
    private let handler: PipelineHandler
    private let eventLoop: any EventLoop

    private init(channel: any Channel, handler: PipelineHandler, eventLoop: any EventLoop) {
        self.channel = channel
        self.handler = handler
        self.eventLoop = eventLoop
    }

    /// Connects. Must be called on the event loop, where `completion` is called too, once.
    ///
    /// - Parameters:
    ///   - tls: for servers that speak it.
    ///   - timeout: for the connect; TLS's handshake counts to the first answer.
    public static func open(
        _ server: Server, tls: RedisTLS?, timeout: Duration, eventLoop: any EventLoop,
        completion: @escaping (Result<RedisConversation, Failure>) -> Void
    ) {
        let trouble = Trouble()
        let handler = PipelineHandler(maximumReplyBytes: 1 << 20, whenIdle: {})
        let bound = NIOLoopBound((handler: handler, trouble: trouble), eventLoop: eventLoop)
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(.init(timeout))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let (handler, trouble) = bound.value
                    if case .tls(_, let name) = server, let tls {
                        let tlsHandler = try tls.makeHandler(for: name)
                        let observer = TLSObserver(of: tlsHandler) { trouble.note($0) }
                        try channel.pipeline.syncOperations.addHandlers(tlsHandler, observer)
                    }
                    handler.trouble = trouble
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        let connected =
            switch server {
            case .unixSocket(let path): bootstrap.connect(unixDomainSocketPath: path)
            case .address(let address), .tls(let address, _): bootstrap.connect(to: address)
            }
        connected.assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel):
                completion(.success(RedisConversation(channel: channel, handler: handler, eventLoop: eventLoop)))
            case .failure(let error):
                completion(.failure(Failure(description: "cannot be reached: \(ConnectError.reason(error))")))
            }
        }
    }

    public var isOpen: Bool { channel.isActive }

    /// Sends commands in one write, and waits for the answer to each.
    ///
    /// - Parameters:
    ///   - commands: 1 or more, each its words.
    ///   - limit: how long it may take; after it the connection is closed.
    ///   - completion: called once, on the event loop; never within this call.
    public func ask(
        _ commands: [[[UInt8]]], within limit: Duration,
        completion: @escaping (Result<[RedisValue], Failure>) -> Void
    ) {
        precondition(!commands.isEmpty, "something is asked")
        let isolated = eventLoop.assumeIsolated()
        let answers = Answers(to: commands.count) { result in
            isolated.execute { completion(result) }
        }
        guard channel.isActive else {
            answers.fail(.connectionLost)
            return
        }
        answers.trouble = handler.trouble
        answers.deadline = isolated.scheduleTask(in: .init(limit)) { [handler] in handler.close(failing: .timedOut) }
        handler.submit(answers, replies: commands.count, at: .now()) { buffer in
            for command in commands { buffer.writeCommand(command) }
        }
        handler.flush()
    }

    public func ask(
        _ commands: [String]..., within limit: Duration, completion: @escaping (Result<[RedisValue], Failure>) -> Void
    ) {
        ask(commands.map { $0.map { Array($0.utf8) } }, within: limit, completion: completion)
    }

    public func close() { handler.close(failing: .shuttingDown) }

    /// What TLS said went wrong, the first of it: the cause of the rest.
    final class Trouble {
        private(set) var words: String?

        func note(_ words: String) { self.words = self.words ?? words }
    }

    private final class Answers: ReplyReceiver {
        private let count: Int
        private var values: [RedisValue] = []
        private var completion: ((Result<[RedisValue], Failure>) -> Void)?
        var deadline: Scheduled<Void>?
        var trouble: Trouble?

        init(to count: Int, completion: @escaping (Result<[RedisValue], Failure>) -> Void) {
            self.count = count
            self.completion = completion
        }

        override func receive(_ reply: RedisReply, at index: Int) {
            values.append(RedisValue(reply))
            if values.count == count { end(.success(values)) }
        }

        override func fail(_ failure: RedisFailure) {
            end(.failure(Failure(description: trouble?.words ?? "\(failure)")))
        }

        private func end(_ result: Result<[RedisValue], Failure>) {
            deadline?.cancel()
            completion?(result)
            completion = nil
        }
    }
}

extension RedisValue {
    /// A copy that stands on its own.
    init(_ reply: RedisReply) {
        self =
            switch reply {
            case .bulk(let bytes): .bulk(bytes.copied)
            case .simple(let bytes): .simple(bytes.copied)
            case .error(let bytes): .error(bytes.copied)
            case .integer(let integer): .integer(integer)
            case .null: .null
            case .array(let elements): .array(elements)
            }
    }
}

extension ByteBuffer {
    /// Any command, as RESP has it.
    fileprivate mutating func writeCommand(_ words: [[UInt8]]) {
        writeString("*\(words.count)\r\n")
        for word in words { writeBulk(word.span) }
    }
}
