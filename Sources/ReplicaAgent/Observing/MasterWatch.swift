import NIOCore
import RedisClient
import RedisCore
import ReplicaReconciler

/// Observes the configured master: its name, and the server at each of its addresses.
///
/// Every observation of a server uses a new connection: a Service's address leads each new connection to the server that is
/// behind it now, and an old connection to the earlier one.
///
/// Lives on its event loop.
final class MasterWatch {
    /// The longest that one observation of the servers takes, without resolving the name.
    static let limit: Duration = .milliseconds(700)
    /// How long the servers behind an unchanged name are not looked at.
    static let interval: Duration = .seconds(2)
    /// More addresses than a master's name has.
    static let maximumAddresses = 8
    /// What the answers of one server may take in memory: there may be sixteen at a time.
    static let answersLimit = 1 << 20

    /// What is shown to the master, the newest first: while a password is exchanged there are two.
    var credentials: [(user: [UInt8]?, password: [UInt8])] {
        didSet { takesNewest = nil }
    }
    /// Whether a server takes the newest; `nil` where none was asked since it is the newest.
    private(set) var takesNewest: Bool?
    /// `nil`: the servers speak no TLS among each other.
    var tls: RedisTLS?

    /// Whom the environment names; `nil`: none, and only the server that the replica follows is looked at.
    let address: MasterAddress?
    private let eventLoop: any EventLoop
    private let name: NameWatch?
    /// The names that list all masters, and their ports.
    private let nodes: [(name: NameWatch, port: Int)]
    private var known: [Server] = []
    private var lookedAt: Duration?
    /// Whom the replica follows, where that is another one.
    private var followed: NameWatch?

    /// Where a server is.
    private struct Server: Hashable {
        var numeric: String
        var port: Int
    }

    /// - Parameter nodes: what lists all masters, behind a Service's address or not; empty: nothing does.
    init(
        _ address: MasterAddress?, nodes: [MasterAddress], credentials: [(user: [UInt8]?, password: [UInt8])],
        tls: RedisTLS?, eventLoop: any EventLoop
    ) {
        self.address = address
        self.credentials = credentials
        self.tls = tls
        self.eventLoop = eventLoop
        self.name = address.map { NameWatch($0.host, eventLoop: eventLoop) }
        self.nodes = nodes.map { (NameWatch($0.host, eventLoop: eventLoop), $0.port) }
    }

    /// - Parameters:
    ///   - isUrgent: observes the servers even if nothing has changed and the last observation is recent.
    ///   - completion: what was seen, and when the servers were asked, which is after their names were resolved; `nil` where the
    ///     last observation still holds.
    func look(isUrgent: Bool, _ completion: @escaping ((ObservedMaster, askedAt: Duration)?) -> Void) {
        guard let address, let name else { return completion(nil) }
        name.resolve { result in
            switch result {
            case .failure(let unresolved):
                self.known = []
                completion((ObservedMaster(address, .unresolved(unresolved.reason)), askedAt: BootClock.now()))
            case .success(let addresses):
                self.resolveNodes(self.nodes[...], found: []) { listed in
                    self.visit(address, addresses, listed, isUrgent: isUrgent, completion)
                }
            }
        }
    }

    /// Observes the server that the replica follows, regardless of who named it.
    func look(atFollowed address: MasterAddress, _ completion: @escaping (Seen) -> Void) {
        if followed?.host != address.host { followed = NameWatch(address.host, eventLoop: eventLoop) }
        followed?.resolve { result in
            switch result {
            case .failure(let unresolved): completion(Seen(.unreachable("has no address: \(unresolved.reason)")))
            case .success(let addresses):
                self.ask(Server(numeric: addresses.first ?? "", port: address.port), name: address.host, completion)
            }
        }
    }

    /// One name after the other; the first that cannot be resolved ends it.
    private func resolveNodes(
        _ rest: ArraySlice<(name: NameWatch, port: Int)>, found: [Server],
        _ completion: @escaping (Result<[Server], NameWatch.Unresolved>?) -> Void
    ) {
        guard let next = rest.first else { return completion(nodes.isEmpty ? nil : .success(found)) }
        next.name.resolve { result in
            switch result {
            case .failure(let unresolved):
                completion(.failure(.init(reason: "\(next.name.host): \(unresolved.reason)")))
            case .success(let addresses):
                let servers = addresses.map { Server(numeric: $0, port: next.port) }
                self.resolveNodes(rest.dropFirst(), found: found + servers, completion)
            }
        }
    }

    private func visit(
        _ address: MasterAddress, _ addresses: [String], _ listed: Result<[Server], NameWatch.Unresolved>?,
        isUrgent: Bool,
        _ completion: @escaping ((ObservedMaster, askedAt: Duration)?) -> Void
    ) {
        let named = addresses.prefix(Self.maximumAddresses).map { Server(numeric: $0, port: address.port) }
        let nodes = (try? listed?.get()).map { Array($0.prefix(Self.maximumAddresses)) } ?? []
        let all = named + nodes
        let isRecent = lookedAt.map { BootClock.now() - $0 < Self.interval } ?? false
        guard isUrgent || !isRecent || all != known else {
            completion(nil)
            return
        }
        known = all
        let askedAt = BootClock.now()
        lookedAt = askedAt
        // One that is listed twice is asked once.
        let servers = all.reduce(into: [Server]()) { if !$0.contains($1) { $0.append($1) } }
        var standings: [Server: ObservedMaster.Standing] = [:]
        guard !servers.isEmpty else { return completion((ObservedMaster(address, .found([])), askedAt: askedAt)) }
        for server in servers {
            ask(server, name: address.host) { seen in
                standings[server] = seen.standing
                guard standings.count == servers.count else { return }
                func candidates(_ servers: [Server]) -> [ObservedMaster.Candidate] {
                    servers.map { .init($0.numeric, port: $0.port, standings[$0] ?? .unreachable("was not asked")) }
                }
                let seen: ObservedMaster.Nodes =
                    switch listed {
                    case nil: .notAsked
                    case .failure(let unresolved)?: .unresolved(unresolved.reason)
                    case .success?: .found(candidates(nodes))
                    }
                completion((ObservedMaster(address, .found(candidates(named)), nodes: seen), askedAt: askedAt))
            }
        }
    }

    /// Asks one server what it is.
    ///
    /// - Parameter name: what its certificate is checked for.
    private func ask(_ server: Server, name: String, _ completion: @escaping (Seen) -> Void) {
        guard let socket = try? SocketAddress(ipAddress: server.numeric, port: server.port) else {
            return completion(Seen(.unreachable("is no address")))
        }
        let askedAt = BootClock.now()
        let server: RedisConversation.Server = tls == nil ? .address(socket) : .tls(socket, name: name)
        RedisConversation.open(server, tls: tls, timeout: Self.limit / 2, eventLoop: eventLoop) { result in
            switch result {
            case .failure(let failure): completion(Seen(.unreachable(failure.description)))
            case .success(let conversation):
                let newest = self.credentials.first?.password
                let commands =
                    [Answers.command("ROLE")] + Answers.informationCommands + [Answers.command("INFO", "stats")]
                conversation.logIn(Answers.logins(self.credentials)[...], within: Self.limit / 2) { result in
                    switch result {
                    case .failure(let failure):
                        conversation.close()
                        completion(Seen(.unreachable(failure.description)))
                    case .success(let accepted):
                        let isCurrent = BootClock.now() - askedAt <= Reconciler.observationValidity
                        if isCurrent, newest != nil, newest == self.credentials.first?.password {
                            self.takesNewest = accepted == 0
                        }
                        conversation.ask(commands, within: Self.limit / 2, bytes: Self.answersLimit) { result in
                            conversation.close()
                            var seen = Self.seen(result)
                            seen.askedAt = askedAt
                            completion(seen)
                        }
                    }
                }
            }
        }
    }

    private static func seen(_ result: Result<[RedisValue], RedisConversation.Failure>) -> Seen {
        switch result {
        case .failure(let failure): return Seen(.unreachable(failure.description))
        case .success(let values):
            let information = Answers.information(values.dropFirst())
            let role = values.first
            if case .error(let text)? = role, text.starts(with: PlaceholderMaster.loading.utf8) {
                return Seen(.placeholder)
            }
            if let refusal = role?.refusal {
                return Seen(refusal.code == "LOADING" ? .loading : .refuses(refusal.words), try? information.get())
            }
            guard case .array(let words)? = role, let name = words.first?.text else {
                return Seen(.refuses("does not answer ROLE as Redis does"))
            }
            return switch information {
            case .success(let information): Seen(ObservedMaster.Standing(role: name, information), information)
            case .failure(let refusal): Seen(.refuses(refusal.words))
            }
        }
    }

    /// The result of observing one server.
    struct Seen {
        var standing: ObservedMaster.Standing
        /// What it says of itself; `nil` where it does not let itself be asked.
        var information: ServerInformation?
        /// When it was asked.
        var askedAt: Duration

        init(_ standing: ObservedMaster.Standing, _ information: ServerInformation? = nil) {
            self.standing = standing
            self.information = information
            askedAt = BootClock.now()
        }
    }
}
