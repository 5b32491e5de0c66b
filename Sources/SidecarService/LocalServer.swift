import NIOCore
import RedisClient
import ReplicaInit
import ReplicaSidecar

/// The connection to the server beside this process, made anew whenever it is gone.
///
/// Lives on its event loop.
final class LocalServer {
    /// Less than the second after which the next look is due.
    static let limit: Duration = .milliseconds(800)

    typealias Reply = Result<[RedisValue], RedisConversation.Failure>

    /// Where the server is asked, the likelier first.
    var endpoints: [ProbeTarget.Endpoint]
    /// How it may be logged in to, the newest first: while a password is rotated there are two.
    var credentials: [(user: [UInt8]?, password: [UInt8])]
    var tls: RedisTLS?

    private let eventLoop: any EventLoop
    private var conversation: RedisConversation?
    /// What is to be asked once the connection is there that is being made.
    private var waiting: [(commands: [[[UInt8]]], completion: (Reply) -> Void)] = []

    init(
        endpoints: [ProbeTarget.Endpoint], credentials: [(user: [UInt8]?, password: [UInt8])], tls: RedisTLS?,
        eventLoop: any EventLoop
    ) {
        self.endpoints = endpoints
        self.credentials = credentials
        self.tls = tls
        self.eventLoop = eventLoop
    }

    /// Asks ROLE and INFO.
    ///
    /// - Parameter completion: what the server says of itself, or why it does not, in words that go on from "the server".
    func look(_ completion: @escaping (Result<ServerInformation, Trouble>) -> Void) {
        ask([Answers.command("ROLE")] + Answers.informationCommands) { result in
            switch result {
            case .failure(let failure): completion(.failure(Trouble(description: failure.description)))
            case .success(let values):
                switch Answers.information(values.dropFirst()) {
                case .success(var information):
                    information.linkState = Self.linkState(values[0])
                    completion(.success(information))
                case .failure(let refusal):
                    // Another life of the server, or of its password: log in anew.
                    self.close()
                    completion(.failure(Trouble(description: refusal.words)))
                }
            }
        }
    }

    /// - Parameter role: the answer to ROLE: `slave`, host, port, state, offset. A user that may not ask it goes without.
    private static func linkState(_ role: RedisValue) -> String? {
        guard case .array(let words) = role, words.count >= 4, words[0].text == "slave" else { return nil }
        return words[3].text
    }

    struct Trouble: Error {
        let description: String
    }

    /// Sends commands, over the connection that is there or a new one. Those that come while it is made wait for it.
    func ask(_ commands: [[[UInt8]]], _ completion: @escaping (Reply) -> Void) {
        if let conversation, conversation.isOpen {
            conversation.ask(commands, within: Self.limit, completion: completion)
            return
        }
        waiting.append((commands, completion))
        guard waiting.count == 1 else { return }
        connect(endpoints[...], refusals: []) { result in
            let waiting = self.waiting
            self.waiting = []
            for (commands, completion) in waiting {
                switch result {
                case .success(let conversation): conversation.ask(commands, within: Self.limit, completion: completion)
                case .failure(let failure): completion(.failure(failure))
                }
            }
        }
    }

    func close() {
        conversation?.close()
        conversation = nil
    }

    /// Tries one endpoint after the other.
    private func connect(
        _ endpoints: ArraySlice<ProbeTarget.Endpoint>, refusals: [String],
        _ completion: @escaping (Result<RedisConversation, RedisConversation.Failure>) -> Void
    ) {
        guard let endpoint = endpoints.first else {
            let reason = refusals.isEmpty ? "listens nowhere that is known" : refusals.joined(separator: ", ")
            completion(.failure(.init(description: reason)))
            return
        }
        guard let server = endpoint.server else {
            connect(endpoints.dropFirst(), refusals: refusals + ["\(endpoint) is no address"], completion)
            return
        }
        if case .tls = server, tls == nil {
            let refusal = "\(endpoint) speaks TLS, and no tls-ca-cert-file (REDIS_TLS_CA_FILE) says whom to trust"
            return connect(endpoints.dropFirst(), refusals: refusals + [refusal], completion)
        }
        RedisConversation.open(server, tls: tls, timeout: Self.limit, eventLoop: eventLoop) { result in
            switch result {
            case .success(let conversation): self.logIn(conversation, completion)
            case .failure(let failure):
                self.connect(endpoints.dropFirst(), refusals: refusals + ["\(endpoint) \(failure)"], completion)
            }
        }
    }

    /// Shows what there is to show. A server that asks for nothing refuses every password, so a refusal is none yet: the first
    /// command that is not let through tells.
    private func logIn(
        _ conversation: RedisConversation,
        _ completion: @escaping (Result<RedisConversation, RedisConversation.Failure>) -> Void
    ) {
        let name = Answers.command("CLIENT", "SETNAME", "redis-replica-sidecar")
        conversation.ask(Answers.logIns(credentials) + [name], within: Self.limit) { result in
            switch result {
            case .success:
                self.conversation = conversation
                completion(.success(conversation))
            case .failure(let failure):
                conversation.close()
                completion(.failure(failure))
            }
        }
    }
}

extension ProbeTarget.Endpoint {
    /// Where to connect; `nil` where a host is no address.
    fileprivate var server: RedisConversation.Server? {
        func address(_ host: [UInt8], _ port: Int) -> SocketAddress? {
            let text = String(decoding: host, as: UTF8.self)
            return try? SocketAddress(ipAddress: text.lowercased() == "localhost" ? "127.0.0.1" : text, port: port)
        }
        return switch self {
        case .socket(let path): .unixSocket(String(decoding: path, as: UTF8.self))
        case .tcp(let host, let port): address(host, port).map { .address($0) }
        case .tls(let host, let port):
            address(host, port).map { .tls($0, name: String(decoding: host, as: UTF8.self)) }
        }
    }
}
