package import NIOCore
package import RedisClient
import RedisCore
package import ReplicaPlanning
import ReplicaReconciler

/// The connection to the server beside this process, made again whenever it is gone.
///
/// Lives on its event loop.
package final class LocalServer {
    /// Less than the second after which the next observation is due.
    static let limit: Duration = .milliseconds(800)

    package typealias Reply = Result<[RedisValue], RedisConversation.Failure>

    /// Where the server is asked, the likelier first.
    var endpoints: [ProbeTarget.Endpoint]
    /// How it may be logged in to, the newest first: while a password is rotated there are two.
    var credentials: [(user: [UInt8]?, password: [UInt8])]
    var tls: RedisTLS?
    /// What the configuration says of `replica-serve-stale-data`, where this user may not ask the server.
    var servesStaleData = true

    private let eventLoop: any EventLoop
    private var conversation: RedisConversation?
    /// What is to be asked once the connection is there that is being made.
    private var waiting: [(commands: [[[UInt8]]], completion: (Reply) -> Void)] = []

    package init(
        endpoints: [ProbeTarget.Endpoint], credentials: [(user: [UInt8]?, password: [UInt8])], tls: RedisTLS?,
        eventLoop: any EventLoop
    ) {
        self.endpoints = endpoints
        self.credentials = credentials
        self.tls = tls
        self.eventLoop = eventLoop
    }

    /// Asks ROLE and INFO, and DBSIZE, a read; PING for those who may not run that.
    ///
    /// - Parameter completion: what the server says of itself, or why it does not, in words that go on from "the server".
    func look(_ completion: @escaping (Result<ServerInformation, Trouble>) -> Void) {
        let commands =
            [Answers.command("ROLE")] + Answers.informationCommands
            + [Answers.command("INFO", "stats"), Answers.command("DBSIZE"), Answers.command("PING")]
        ask(commands) { result in
            switch result {
            case .failure(let failure): completion(.failure(Trouble(description: failure.description)))
            case .success(let values):
                switch Answers.information(values.dropFirst().dropLast(2)) {
                case .success(var information):
                    information.linkState = Self.linkState(values[0])
                    information.unknownCommands = values.compactMap { $0.refusal?.unknownCommand }
                    self.judgeStaleReads(&information, read: values[values.count - 2], ping: values[values.count - 1])
                    completion(.success(information))
                case .failure(let refusal):
                    // The server was restarted, or its password changed: log in again.
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

    /// - Parameters:
    ///   - read: the answer to DBSIZE.
    ///   - ping: the answer to PING: from 7.0 on `-MASTERDOWN` where a read's would be that.
    private func judgeStaleReads(_ information: inout ServerInformation, read: RedisValue, ping: RedisValue) {
        func note(_ areRefused: Bool) { information.replication.masterLink?.refusesStaleReads = areRefused }
        switch (read.errorCode, ping.errorCode) {
        case ("MASTERDOWN", _), (.some, "MASTERDOWN"): note(true)
        case (nil, _): note(false)
        case (.some, nil) where information.isSevenOrNewer: note(false)
        // NOPERM, or a name that was taken away.
        case (let code?, _):
            information.mayNotRead = code == "NOPERM"
            note(!servesStaleData)
        }
    }

    struct Trouble: Error {
        let description: String
    }

    /// Sends commands, over the connection that is there or a new one. Those that come while it is made wait for it.
    package func ask(_ commands: [[[UInt8]]], _ completion: @escaping (Reply) -> Void) {
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

    /// A connection of the caller's own, logged in.
    package func converse(_ completion: @escaping (Result<RedisConversation, RedisConversation.Failure>) -> Void) {
        connect(endpoints[...], refusals: []) { result in
            self.conversation = nil
            completion(result)
        }
    }

    package func close() {
        conversation?.close()
        conversation = nil
    }

    /// Tries one endpoint after the other.
    private func connect(
        _ endpoints: ArraySlice<ProbeTarget.Endpoint>, refusals: [String],
        _ completion: @escaping (Result<RedisConversation, RedisConversation.Failure>) -> Void
    ) {
        guard let endpoint = endpoints.first else {
            let reason = refusals.isEmpty ? "listens nowhere that is known" : refusals.joined(separator: "; ")
            completion(.failure(.init(description: reason)))
            return
        }
        guard let server = endpoint.server else {
            connect(
                endpoints.dropFirst(), refusals: refusals + ["cannot be reached at \(endpoint): that is no address"],
                completion)
            return
        }
        if case .tls = server, tls == nil {
            let refusal =
                "cannot be asked at \(endpoint): it speaks TLS, and no tls-ca-cert-file (REDIS_TLS_CA_FILE) says whom to trust"
            return connect(endpoints.dropFirst(), refusals: refusals + [refusal], completion)
        }
        RedisConversation.open(server, tls: tls, timeout: Self.limit, eventLoop: eventLoop) { result in
            switch result {
            case .success(let conversation): self.logIn(conversation, completion)
            case .failure(let failure):
                let refusal = "cannot be reached at \(endpoint): \(failure.connectReason ?? failure.description)"
                self.connect(endpoints.dropFirst(), refusals: refusals + [refusal], completion)
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
        func end(_ failure: RedisConversation.Failure) {
            conversation.close()
            completion(.failure(failure))
        }
        conversation.logIn(Answers.logins(credentials)[...], within: Self.limit) { result in
            if case .failure(let failure) = result { return end(failure) }
            conversation.ask([name], within: Self.limit) { result in
                switch result {
                case .success:
                    self.conversation = conversation
                    completion(.success(conversation))
                case .failure(let failure): end(failure)
                }
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
