import Glibc
import Hiredis
public import NIOCore
import NIOPosix

/// A connection for a few questions to one server: made on demand, and not made again by itself.
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
        /// Why it cannot be reached, without saying that; `nil` where it was reached.
        public let connectReason: String?
        /// An answer was larger than was allowed for.
        public let isTooLarge: Bool

        /// - Parameter description: goes on from the server's name: "cannot be reached: …".
        public init(description: String) {
            self.init(description: description, isTooLarge: false)
        }

        private init(description: String, isTooLarge: Bool) {
            self.description = description
            connectReason = nil
            self.isTooLarge = isTooLarge
        }

        init(connectReason: String) {
            description = "cannot be reached: \(connectReason)"
            self.connectReason = connectReason
            isTooLarge = false
        }

        init(_ failure: RedisFailure) {
            let words =
                switch failure {
                case .timedOut: "did not answer in time"
                case .connectionLost: "ended the connection before it answered"
                case .notConnected: "has no connection to this process any more"
                case .shuttingDown, .displaced: "was not asked to the end: this process closed the connection"
                case .overloaded: "has too many questions of this process to answer already"
                case .denied: "refuses the credentials"
                case .readOnly, .noSingleMaster: "is not the one master"
                case .unreadable(.refused(let refusal)): "gave an answer that cannot be used: \(refusal)"
                case .unreadable(let error): "gave an answer that cannot be read: \(error)"
                }
            let isTooLarge =
                switch failure {
                case .unreadable(.refused), .unreadable(.replyTooLong): true
                default: false
                }
            self.init(description: words, isTooLarge: isTooLarge)
        }
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
        let handler = PipelineHandler(maximumReplyBytes: longestAnswers, whenIdle: {})
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
                completion(.failure(Failure(connectReason: ConnectError.reason(error))))
            }
        }
    }

    /// What the answers to one ``ask(_:within:bytes:completion:)`` may take in memory together, in bytes, unless it says less.
    public static let longestAnswers = 2 << 20

    public var isOpen: Bool { channel.isActive }

    /// Sends AUTH commands one after the other until one is accepted, before anything else is asked.
    ///
    /// Never two in one write, and none behind another command that still waits for its reply: Redis 8.0, redict 7.3 and Valkey
    /// 8.1 give no reply to an AUTH that they refuse while earlier replies are pending (ran), and all later replies would be
    /// taken for those to other commands. A server without a password refuses each of them.
    ///
    /// - Parameters:
    ///   - logins: AUTH commands, each its words, the newest first.
    ///   - limit: how long each may take; after it the connection is closed.
    ///   - completion: called once, on the event loop, with the index of the accepted one; `nil` if there is none.
    package func logIn(
        _ logins: ArraySlice<[[UInt8]]>, within limit: Duration,
        completion: @escaping (Result<Int?, Failure>) -> Void
    ) {
        guard let login = logins.first else { return completion(.success(nil)) }
        ask([login], within: limit) { result in
            switch result {
            case .success(let values) where values.first == .simple(Array("OK".utf8)):
                completion(.success(logins.startIndex))
            case .success: self.logIn(logins.dropFirst(), within: limit, completion: completion)
            case .failure(let failure): completion(.failure(failure))
            }
        }
    }

    /// Sends commands in one write, and waits for the answer to each.
    ///
    /// - Parameters:
    ///   - commands: 1 or more, each its words.
    ///   - limit: how long it may take; after it the connection is closed.
    ///   - bytes: what all answers together may take in memory; beyond it the connection is closed.
    ///   - elements: how many elements the arrays of one answer may have; `nil`: as many as that command ever needs here.
    ///   - completion: called once, on the event loop; never within this call.
    public func ask(
        _ commands: [[[UInt8]]], within limit: Duration, bytes: Int = longestAnswers, elements: Int? = nil,
        completion: @escaping (Result<[RedisValue], Failure>) -> Void
    ) {
        precondition(!commands.isEmpty, "something is asked")
        let isolated = eventLoop.assumeIsolated()
        let answers = Answers(to: commands, bytes: bytes, elements: elements) { result in
            isolated.execute { completion(result) }
        }
        guard channel.isActive else {
            answers.fail(.connectionLost)
            return
        }
        answers.trouble = handler.trouble
        answers.deadline = DeadlineTimer(on: isolated, in: .init(limit)) { [handler] in
            handler.close(failing: .timedOut)
        }
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
        private let commands: [AskedCommand]
        private var values: [RedisValue] = []
        /// What further answers may take.
        private var bytes: Int
        private var completion: ((Result<[RedisValue], Failure>) -> Void)?
        var deadline: DeadlineTimer?
        var trouble: Trouble?

        init(
            to commands: [[[UInt8]]], bytes: Int, elements: Int?,
            completion: @escaping (Result<[RedisValue], Failure>) -> Void
        ) {
            self.commands = commands.map { AskedCommand($0, elements: elements) }
            self.bytes = bytes
            self.completion = completion
        }

        override func command(at index: Int) -> RedisCommand {
            .other(commands[index].name, elements: commands[index].elements, bytes: bytes)
        }

        override func receive(_ reply: RedisReply, at index: Int) {
            let value = RedisValue(reply)
            let (left, isTooMuch) = bytes.subtractingReportingOverflow(value.bytes)
            bytes = isTooMuch ? 0 : max(0, left)
            values.append(value)
            if values.count == commands.count { end(.success(values)) }
        }

        override func fail(_ failure: RedisFailure) {
            end(.failure(trouble?.words.map { Failure(description: $0) } ?? Failure(failure)))
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

/// What is said of a command, where a reply to it is refused: its name without anything that may be a secret.
private struct AskedCommand {
    let name: String
    let elements: Int

    init(_ words: [[UInt8]], elements: Int?) {
        func word(_ index: Int) -> String {
            words.indices.contains(index) ? String(decoding: words[index], as: UTF8.self).uppercased() : ""
        }
        let first = word(0)
        switch first {
        // With a subcommand, which is no secret.
        case "CLIENT", "COMMAND", "CONFIG", "ACL": name = "\(first) \(word(1))"
        default: name = first
        }
        self.elements = elements ?? Self.elements[name] ?? 0
    }

    /// For the commands that are answered with an array: how many elements it may have, those of arrays within it as well.
    private static let elements = [
        // Three for each replica, and its array.
        "ROLE": 4096,
        // A name and its value.
        "CONFIG GET": 64,
        // From 7.0 on a container's subcommands are in it, each with its own list of flags and arguments.
        "COMMAND INFO": 16_384,
        "EXEC": 64,
    ]
}

extension RedisValue {
    /// What it takes in memory, about.
    fileprivate var bytes: Int {
        switch self {
        case .bulk(let text), .simple(let text), .error(let text): text.count
        case .integer, .null: 0
        case .array(let elements):
            elements.reduce(0) { $0 + ExpectedReply.elementBytes + $1.bytes }
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
