import NIOCore
import RedisClient
import ReplicaSidecar
import Replication

/// Looks at the configured master: its name, and what is at each of its addresses.
///
/// Every look at a server has a connection of its own, for a Service's address leads each new connection to whoever is behind
/// it now, and an old one to whoever was.
///
/// Lives on its event loop.
final class MasterWatch {
    /// The most that one look at the servers takes, name not included.
    static let limit: Duration = .milliseconds(700)
    /// How long the servers behind an unchanged name are not looked at.
    static let interval: Duration = .seconds(2)
    /// More addresses than a master's name has.
    static let maximumAddresses = 8
    /// After this a look goes on without the addresses; what the look-up finds later is the next one's.
    static let lookUpPatience: Duration = .seconds(2)

    /// What is shown to the master, the newest first: while a password is exchanged there are two.
    var credentials: [(user: [UInt8]?, password: [UInt8])] {
        didSet { takesNewest = nil }
    }
    /// Whether a server takes the newest; `nil` where none was asked since it is the newest.
    private(set) var takesNewest: Bool?
    /// `nil`: the servers speak no TLS among each other.
    var tls: RedisTLS?

    private let address: MasterAddress
    private let eventLoop: any EventLoop
    private let names: NameLookUp
    private var known: [String] = []
    private var lookedAt: NIODeadline?
    /// What a look-up found that took too long for the look that began it.
    private var lateOutcome: NameLookUp.Outcome?

    init(
        _ address: MasterAddress, credentials: [(user: [UInt8]?, password: [UInt8])], tls: RedisTLS?,
        eventLoop: any EventLoop
    ) {
        self.address = address
        self.credentials = credentials
        self.tls = tls
        self.eventLoop = eventLoop
        self.names = NameLookUp(eventLoop: eventLoop)
    }

    /// - Parameters:
    ///   - isUrgent: looks at the servers also where nothing has changed and the last look is recent.
    ///   - completion: what was seen; `nil` where the last sight still holds.
    func look(isUrgent: Bool, _ completion: @escaping (MasterSight?) -> Void) {
        if RedisTLS.isAddress(address.host) { return visit([address.host], isUrgent: isUrgent, completion) }
        if let late = lateOutcome {
            lateOutcome = nil
            return visit(late, isUrgent: isUrgent, completion)
        }
        // Still the one before.
        guard !names.isUnderWay else { return completion(silence) }
        var isOver = false
        let patience = eventLoop.assumeIsolated().scheduleTask(in: .init(Self.lookUpPatience)) {
            isOver = true
            completion(self.silence)
        }
        names.addresses(of: address.host) { outcome in
            patience.cancel()
            if isOver { self.lateOutcome = outcome } else { self.visit(outcome, isUrgent: isUrgent, completion) }
        }
    }

    private var silence: MasterSight { MasterSight(address, .unresolved("the name server does not answer")) }

    private func visit(
        _ outcome: NameLookUp.Outcome, isUrgent: Bool, _ completion: @escaping (MasterSight?) -> Void
    ) {
        switch outcome {
        case .success(let addresses): visit(addresses, isUrgent: isUrgent, completion)
        case .failure(let error):
            known = []
            completion(MasterSight(address, .unresolved(error.reason)))
        }
    }

    private func visit(_ addresses: [String], isUrgent: Bool, _ completion: @escaping (MasterSight?) -> Void) {
        let isRecent = lookedAt.map { .now() - $0 < TimeAmount(Self.interval) } ?? false
        guard isUrgent || !isRecent || addresses != known else {
            completion(nil)
            return
        }
        known = addresses
        lookedAt = .now()
        let visited = Array(addresses.prefix(Self.maximumAddresses))
        var standings: [MasterSight.Standing?] = visited.map { _ in nil }
        for (index, numeric) in visited.enumerated() {
            ask(numeric) { standing in
                standings[index] = standing
                let found = standings.compactMap(\.self)
                guard found.count == visited.count else { return }
                let candidates = zip(visited, found).map { MasterSight.Candidate($0, $1) }
                completion(MasterSight(self.address, .found(candidates)))
            }
        }
    }

    /// Asks one server what it is.
    private func ask(_ numeric: String, _ completion: @escaping (MasterSight.Standing) -> Void) {
        guard let socket = try? SocketAddress(ipAddress: numeric, port: address.port) else {
            return completion(.unreachable("is no address"))
        }
        let server: RedisConversation.Server = tls == nil ? .address(socket) : .tls(socket, name: address.host)
        RedisConversation.open(server, tls: tls, timeout: Self.limit / 2, eventLoop: eventLoop) { result in
            switch result {
            case .failure(let failure): completion(.unreachable(failure.description))
            case .success(let conversation):
                let newest = self.credentials.first?.password
                let logIns = Answers.logIns(self.credentials)
                let commands = logIns + [Answers.command("ROLE")] + Answers.informationCommands
                conversation.ask(commands, within: Self.limit / 2) { result in
                    conversation.close()
                    if case .success(let values) = result, let last = values.prefix(logIns.count).last,
                        newest == self.credentials.first?.password
                    {
                        self.takesNewest = last.refusal == nil
                    }
                    completion(Self.standing(result.map { Array($0.dropFirst(logIns.count)) }))
                }
            }
        }
    }

    private static func standing(
        _ result: Result<[RedisValue], RedisConversation.Failure>
    ) -> MasterSight.Standing {
        switch result {
        case .failure(let failure): return .unreachable(failure.description)
        case .success(let values):
            if let refusal = values.first?.refusal {
                return refusal.code == "LOADING" ? .loading : .refuses(refusal.words)
            }
            guard case .array(let words)? = values.first, let role = words.first?.text else {
                return .refuses("does not answer ROLE as Redis does")
            }
            return switch Answers.information(values.dropFirst()) {
            case .success(let information): MasterSight.Standing(role: role, information)
            case .failure(let refusal): .refuses(refusal.words)
            }
        }
    }
}
