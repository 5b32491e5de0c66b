import NIOCore
import RedisClient

/// The connection to one server, opened again when it is gone. Commands are sent in the order in which they are asked.
///
/// Lives on its event loop; not thread-safe, and not `Sendable`.
final class ServerConnection {
    typealias Reply = Result<[RedisValue], Failure>

    struct Failure: Error, CustomStringConvertible {
        /// Goes on from "the server".
        let description: String
        /// Nothing listens there: no command was carried out.
        let isRefused: Bool
    }

    /// More than the agent ever asks at a time.
    private static let maximumWaiting = 32

    /// Where a new connection goes to, and with which logins. The one that is open stays logged in.
    var location: ServerLocation
    private let eventLoop: any EventLoop
    private let names: NameLookUp
    private var conversation: RedisConversation?
    private var isConnecting = false
    private var waiting: [Question] = []

    private final class Question {
        let commands: [[[UInt8]]]
        let due: NIODeadline
        private var completion: ((Reply) -> Void)?
        var deadline: Scheduled<Void>?

        init(_ commands: [[[UInt8]]], due: NIODeadline, _ completion: @escaping (Reply) -> Void) {
            self.commands = commands
            self.due = due
            self.completion = completion
        }

        var isOver: Bool { completion == nil }

        func end(_ reply: Reply) {
            deadline?.cancel()
            let completion = completion
            self.completion = nil
            completion?(reply)
        }
    }

    init(_ location: ServerLocation, eventLoop: any EventLoop) {
        self.location = location
        self.eventLoop = eventLoop
        names = NameLookUp(eventLoop: eventLoop)
    }

    /// - Parameters:
    ///   - limit: for the connect and the answer together.
    ///   - completion: called once, on the event loop; never within this call.
    func ask(_ commands: [[[UInt8]]], within limit: Duration, _ completion: @escaping (Reply) -> Void) {
        let isolated = eventLoop.assumeIsolated()
        let question = Question(commands, due: .now() + .init(limit)) { reply in
            isolated.execute { completion(reply) }
        }
        if let conversation, conversation.isOpen { return send(question, to: conversation) }
        guard waiting.count < Self.maximumWaiting else {
            return question.end(.failure(Failure(description: "does not take a connection in time", isRefused: false)))
        }
        question.deadline = isolated.scheduleTask(in: .init(limit)) {
            question.end(.failure(Failure(description: "does not take a connection in time", isRefused: false)))
        }
        waiting.append(question)
        connect(within: limit)
    }

    func close() {
        conversation?.close()
        conversation = nil
    }

    private func send(_ question: Question, to conversation: RedisConversation) {
        guard !question.isOver else { return }
        let left = question.due - .now()
        guard left > .zero else {
            return question.end(.failure(Failure(description: "did not answer in time", isRefused: false)))
        }
        conversation.ask(question.commands, within: .nanoseconds(left.nanoseconds)) { result in
            // The next connection logs in with what is given by then.
            if case .success(let values) = result, values.contains(where: \.asksForLogin) { conversation.close() }
            question.end(result.mapError { Failure(description: $0.description, isRefused: false) })
        }
    }

    private func connect(within limit: Duration) {
        guard !isConnecting else { return }
        isConnecting = true
        let began = NIODeadline.now()
        find { server in
            guard let server else { return self.connected(nil, .init(description: "has no address", isRefused: false)) }
            RedisConversation.open(server, tls: self.location.tls, timeout: limit, eventLoop: self.eventLoop) {
                result in
                switch result {
                case .success(let conversation): self.logIn(conversation)
                case .failure(let failure):
                    // A connect that took its time was not refused: the server may be there.
                    let isRefused = failure.connectReason != nil && NIODeadline.now() - began < .milliseconds(100)
                    self.connected(nil, Failure(description: failure.description, isRefused: isRefused))
                }
            }
        }
    }

    /// A server that asks for nothing refuses every password, so a refusal is none yet: the first command tells.
    private func logIn(_ conversation: RedisConversation) {
        let name = ["CLIENT", "SETNAME", "redis-replica-agent"].map { Array($0.utf8) }
        func end(_ failure: RedisConversation.Failure) {
            conversation.close()
            connected(nil, Failure(description: failure.description, isRefused: false))
        }
        conversation.logIn(location.logins.map(\.command)[...], within: .seconds(1)) { result in
            if case .failure(let failure) = result { return end(failure) }
            conversation.ask([name], within: .seconds(1)) { result in
                switch result {
                case .success: self.connected(conversation, nil)
                case .failure(let failure): end(failure)
                }
            }
        }
    }

    private func connected(_ conversation: RedisConversation?, _ failure: Failure?) {
        isConnecting = false
        self.conversation = conversation
        let questions = waiting
        waiting = []
        for question in questions {
            if let conversation {
                question.deadline?.cancel()
                send(question, to: conversation)
            } else if let failure {
                question.end(.failure(failure))
            }
        }
    }

    /// - Parameter completion: called once, on the event loop.
    func find(_ completion: @escaping (RedisConversation.Server?) -> Void) {
        switch location.place {
        case .unixSocket(let path): completion(.unixSocket(path))
        case .host(let host, let port):
            if let server = server(host, port, name: host) { return completion(server) }
            guard !names.isUnderWay else { return completion(nil) }
            names.addresses(of: host) { outcome in
                let address = (try? outcome.get())?.first
                completion(address.flatMap { self.server($0, port, name: host) })
            }
        }
    }

    private func server(_ address: String, _ port: Int, name: String) -> RedisConversation.Server? {
        guard let address = try? SocketAddress(ipAddress: address, port: port) else { return nil }
        return location.tls == nil ? .address(address) : .tls(address, name: name)
    }
}

extension RedisValue {
    /// The connection is not logged in.
    fileprivate var asksForLogin: Bool {
        if case .error(let text) = self { text.starts(with: "NOAUTH".utf8) } else { false }
    }
}

/// A command of words that are text.
func command(_ words: String...) -> [[UInt8]] { words.map { Array($0.utf8) } }
