import RedisCore

/// All that a process knows of all servers, in one list, and the one verdict that follows: which server takes writes, or why
/// none does. Metrics, `/readyz`, the topology and the log say what this says.
///
/// A server is known by its run id, whichever way it is met: behind the master's name, by the headless name of the masters, in
/// the list of replicas. ``MasterSelection`` proposes a master, by what the process remembers. Where other servers say that they
/// are the master, too, the proposal takes writes only if ``MasterPrecedence`` chooses the same one, which remembers nothing.
///
/// | what is known | the verdict |
/// |---|---|
/// | no other says that it is the master | the proposed master |
/// | two behind the name did so at the same time (``MasterClaims``) | none |
/// | the proposal has no answer | none |
/// | the process stood still for some seconds | writes wait until all were asked again, as long at the most |
/// | another one says so, and not both were asked since | writes wait, for ``MasterClaims/patienceNanoseconds`` at the most |
/// | both rules choose the same server | that one; the others are strays |
/// | they choose differently | writes wait as long, then none |
/// | one of those is away since | as if it were there, as it was last heard, until it is a replica, or is followed no more |
public struct MasterObservations: Sendable {
    /// How many masters are remembered.
    static let limit = 16
    /// How long nothing may be heard of any server. Each is asked once a second, and given up after two without an answer: after
    /// this time the process itself stood still, and knows nothing of what happened since.
    public static let staleNanoseconds: Int64 = 4_500_000_000

    public private(set) var selection: MasterSelection
    /// By their run ids. Those that are not heard any more are among them.
    private var masters: [Master] = []
    private var claims = MasterClaims()
    /// What the servers said last over the connections by which the master is chosen.
    private var observations: [ObjectIdentifier: ServerObservation] = [:]
    /// When each of them was asked for.
    private var askedAt: [ObjectIdentifier: Int64] = [:]
    /// When a server was last heard.
    private var heardAt: Int64?
    /// When the process went on after it stood still, until all servers were asked again.
    private var awakeSince: Int64?
    /// Connections whose servers read their data.
    private var loading: [ObjectIdentifier: String] = [:]
    /// Which server each kept connection has met.
    private var met: [ObjectIdentifier: (server: String, isOfName: Bool)] = [:]
    /// Servers that the name has led to, the last one last.
    private var named: [String] = []
    /// Since when the two rules have chosen differently.
    private var disagreementSince: Int64?
    /// Masters of which none was certain, as they were last heard. The end of one leaves its writes where they are, so it counts
    /// until the rules agree with it.
    private var contested: [Master] = []
    /// Those that the last verdict named where it was ``Verdict/none(_:)``.
    private var refused: [Master] = []

    public init(configured: String) { selection = MasterSelection(configured: configured) }

    /// Endpoints of servers that are observed.
    public var endpoints: Set<String> { Set(observations.values.map(\.endpoint)) }

    // MARK: What is observed

    /// - Parameters:
    ///   - isKept: whether the connection stays; the end of another one shows nothing.
    ///   - isChosenBy: whether the master is chosen by what the connection says: one connection to each server is enough.
    public mutating func take(
        _ observation: Observation, over connection: ObjectIdentifier, isKept: Bool = true, isChosenBy: Bool,
        at now: Int64
    ) {
        loading[connection] = nil
        noteStandstill(at: observation.answeredAt)
        heardAt = max(heardAt ?? observation.answeredAt, observation.answeredAt)
        askedAt[connection] = isChosenBy ? observation.askedAt : nil
        if let name = observation.name {
            if isKept { meet(name, isOfName: observation.door.isOfName, over: connection, at: now) }
            take(observation, of: name)
        }
        guard isChosenBy else { return }
        observations[connection] = ServerObservation(
            endpoint: observation.endpoint, server: observation.server, information: observation.information,
            seenAt: observation.answeredAt)
        choose(at: now)
    }

    private mutating func take(_ observation: Observation, of server: String) {
        let isMaster = observation.information.role == .master
        if !isMaster {
            contested.removeAll {
                ($0.server == server || $0.endpoint == observation.endpoint) && observation.askedAt >= $0.askedAt
            }
        }
        if observation.door.isOfName {
            if isMaster { note(named: server) }
            claims.take(
                .init(
                    server: server, endpoint: observation.endpoint,
                    history: ReplicationID(observation.information.replicationID), isMaster: isMaster,
                    askedAt: observation.askedAt, answeredAt: observation.answeredAt))
        }
        if let place = masters.firstIndex(where: { $0.server == server }) {
            // An answer to an earlier question is no news.
            guard observation.askedAt >= masters[place].askedAt else { return }
            let isRemembered = observation.answeredAt - masters[place].answeredAt <= MasterClaims.memoryNanoseconds
            if isMaster, isRemembered { return masters[place].take(observation) }
            masters.remove(at: place)
        }
        guard isMaster else { return }
        masters.append(Master(observation, server))
        masters.sort { $0.server < $1.server }
        if masters.count > Self.limit,
            let oldest = masters.indices.min(by: { masters[$0].answeredAt < masters[$1].answeredAt })
        {
            masters.remove(at: oldest)
        }
    }

    private mutating func note(named server: String) {
        guard named.last != server else { return }
        named.removeAll { $0 == server }
        named.append(server)
        if named.count > Self.limit { named.removeFirst() }
    }

    /// The server reads its data: it is no master for now, and does not say that it is none.
    public mutating func takeLoading(
        _ endpoint: String, over connection: ObjectIdentifier, isChosenBy: Bool, at now: Int64
    ) {
        guard isChosenBy else { return }
        askedAt[connection] = nil
        let wasObserved = observations.removeValue(forKey: connection) != nil
        loading[connection] = endpoint
        if wasObserved { choose(at: now) }
    }

    /// The connection leads nowhere any more, or says nothing of use.
    ///
    /// - Parameter isAway: whether the server is not reached by it.
    public mutating func lose(_ connection: ObjectIdentifier, isAway: Bool = true, at now: Int64) {
        if isAway { leave(connection, at: now) }
        loading[connection] = nil
        askedAt[connection] = nil
        guard observations.removeValue(forKey: connection) != nil else { return }
        choose(at: now)
    }

    /// Nothing listens at the address.
    public mutating func refuse(_ endpoint: String, at now: Int64) {
        claims.refuse(endpoint)
        choose(at: now)
    }

    /// The connection is not used any more.
    public mutating func forget(_ connection: ObjectIdentifier, at now: Int64) {
        leave(connection, at: now)
        loading[connection] = nil
        askedAt[connection] = nil
        observations[connection] = nil
    }

    private mutating func meet(_ server: String, isOfName: Bool, over connection: ObjectIdentifier, at now: Int64) {
        if let before = met[connection], before.server != server { leave(connection, at: now) }
        met[connection] = (server, isOfName)
    }

    private mutating func leave(_ connection: ObjectIdentifier, at now: Int64) {
        guard let (server, isOfName) = met.removeValue(forKey: connection) else { return }
        let left = met.values.filter { $0.server == server }
        if isOfName, !left.contains(where: \.isOfName) { claims.lose(server, at: now) }
        if left.isEmpty, !isSeveral(server, at: now) { masters.removeAll { $0.server == server } }
    }

    private mutating func choose(at now: Int64) {
        // Another one takes its place once it was looked for.
        let isMissing = missing(at: now).contains { $0.history != nil && $0.history == selection.history?.id }
        if isMissing { return }
        selection.take(
            Array(observations.values), isMasterLoading: loading.values.contains(selection.endpoint), at: now)
    }

    /// Servers behind the name whose connections have ended, and that are not known to be gone, nor met at another address.
    private func missing(at now: Int64) -> [MasterClaims.Claim] {
        claims.missing(at: now).filter { claim in !met.values.contains { $0.server == claim.server } }
    }

    // MARK: What follows

    /// Servers that say they are the master, and those that are away and keep writes from them: all that the last verdict named.
    public func masters(at now: Int64) -> [Master] {
        let live = live(at: now)
        let counted = live + away(besides: live)
        return counted + refused.filter { named in !counted.contains { $0.server == named.server } }
    }

    /// Servers that say they are the master, with what is known of them.
    private func live(at now: Int64) -> [Master] {
        let behind = claims.claims.filter { now - $0.last.answeredAt <= MasterClaims.memoryNanoseconds }.map(\.server)
        var live: [Master] = []
        for var master in masters {
            master.isBehindName = behind.contains(master.server)
            let isHeard = now - master.answeredAt <= MasterClaims.memoryNanoseconds
            if isHeard || isSeveral(master.server, at: now) { live.append(master) }
        }
        return live
    }

    private func isSeveral(_ server: String, at now: Int64) -> Bool {
        guard case .several(let several) = claims.verdict(at: now) else { return false }
        return several.contains { $0.server == server }
    }

    /// The same observations give the same verdict in any order, or writes wait.
    public mutating func verdict(at now: Int64) -> Verdict {
        let verdict = judge(at: now)
        if case .none(let reason) = verdict { refused = reason.masters } else { refused = [] }
        return verdict
    }

    private mutating func judge(at now: Int64) -> Verdict {
        let live = live(at: now)
        let isUnclear: Bool
        let server: String?
        switch claims.verdict(at: now) {
        case .several(let several):
            return .none(
                .behindName(several.map { claim in live.first { $0.server == claim.server } ?? Master(claim) }))
        case .unclear: (isUnclear, server) = (true, nil)
        case .one(let one): (isUnclear, server) = (false, one)
        }
        if !selection.rivals.isEmpty {
            let rivals = selection.rivals.map { rival in
                live.first { $0.history?.id == rival.id } ?? Master(rival, at: now)
            }
            contest(rivals.filter(live.contains), besides: away(besides: live))
            return .none(.beside(rivals))
        }
        let (isOrdered, heard) = answering(live, at: now)
        let proposed = heard.first { $0.history != nil && $0.history?.id == selection.history?.id }
        let away = away(besides: heard)
        let isAgreed = heard.count + away.count < 2 || agrees(on: proposed, heard, away: away)
        if isOrdered, !isAgreed { contest(heard, besides: away) }
        if isOrdered, isAgreed, proposed != nil { contested = [] }
        if isAgreed { disagreementSince = nil }
        let isStale = isStale(at: now)
        // No server takes the place of a server whose connections were cut, before it was looked for.
        if !missing(at: now).isEmpty, !heard.isEmpty { return .unclear }
        if isUnclear || !isOrdered || isStale { return .unclear }
        guard !isAgreed else { return .one(server: server) }
        let since = disagreementSince ?? now
        disagreementSince = since
        return now - since <= MasterClaims.patienceNanoseconds ? .unclear : .none(.beside(heard + away))
    }

    /// Keeps what is known of masters of which none is certain.
    private mutating func contest(_ heard: [Master], besides away: [Master]) {
        let heard = heard.map { master in
            var master = master
            master.followers = Set(followers(of: master).map(\.endpoint))
            return master
        }
        contested = Array((heard + away).prefix(Self.limit))
    }

    /// Those of which none was certain, and that are not heard any more, unless the proposed one is at the same address, or
    /// continues their history.
    private func away(besides heard: [Master]) -> [Master] {
        contested.compactMap { master in
            let isSucceeded = heard.contains { other in
                guard let history = other.history, history.id == selection.history?.id else { return false }
                return other.endpoint == master.endpoint || master.history.map { history.continues($0.id) } ?? false
            }
            guard !isSucceeded, !heard.contains(where: { $0.server == master.server }) else { return nil }
            var master = master
            master.isAway = true
            master.isBehindName = false
            return master
        }
    }

    private mutating func noteStandstill(at now: Int64) {
        if let heardAt, now - heardAt > Self.staleNanoseconds, (awakeSince ?? .min) <= heardAt { awakeSince = now }
    }

    /// Whether the process stood still, and not all servers were asked since: those that are silent are waited for as others are.
    private mutating func isStale(at now: Int64) -> Bool {
        noteStandstill(at: now)
        guard let since = awakeSince else { return false }
        if now - since <= MasterClaims.patienceNanoseconds, askedAt.values.contains(where: { $0 < since }) {
            return true
        }
        if askedAt.values.isEmpty || heardAt ?? .min > since { awakeSince = nil }
        return false
    }

    /// Those that were asked since the last of the others began to say that it is the master.
    private func answering(_ live: [Master], at now: Int64) -> (isOrdered: Bool, [Master]) {
        var heard: [Master] = []
        for master in live {
            let others = live.filter { $0.server != master.server }.map(\.firstAnsweredAt)
            guard let last = others.max(), master.askedAt <= last else {
                heard.append(master)
                continue
            }
            if now - last <= MasterClaims.patienceNanoseconds { return (false, live) }
        }
        return (true, heard)
    }

    /// Whether the proposed master is the one that comes first by what is seen now, or is none of those that are heard.
    private func agrees(on proposed: Master?, _ heard: [Master], away: [Master]) -> Bool {
        guard let proposed else {
            // Nothing is sent to a server that is away.
            return !heard.contains { $0.isBehindName && selection.endpoint == selection.configured }
        }
        let contenders = (heard + away).map { master in
            MasterPrecedence.Contender(
                server: master.server, history: master.history, isBehindName: master.isBehindName,
                wasBehindName: named.contains(master.server),
                followers: master.isAway ? keptFollowers(of: master) : followers(of: master).count,
                attached: master.attached)
        }
        return MasterPrecedence.first(of: contenders)?.server == proposed.server
    }

    /// How many replicas of a master that is away have not found another one since.
    private func keptFollowers(of master: Master) -> Int {
        master.followers.count { endpoint in
            !observations.values.contains { observation in
                let isElsewhere =
                    observation.information.role == .master || observation.information.masterLink?.isInStep == true
                return observation.endpoint == endpoint && isElsewhere
                    && ReplicationID(observation.information.replicationID) != master.history?.id
            }
        }
    }

    private func followers(of master: Master) -> [ServerObservation] {
        guard let id = master.history?.id else { return [] }
        // Several event loops ask a replica, and it may have moved meanwhile: what it said last counts.
        var last: [String: ServerObservation] = [:]
        for observation in observations.values where observation.seenAt >= last[observation.server]?.seenAt ?? .min {
            last[observation.server] = observation
        }
        return last.values.filter { observation in
            observation.information.role == .replica && observation.information.masterLink?.isInStep == true
                && ReplicationID(observation.information.replicationID) == id
        }
    }
}
