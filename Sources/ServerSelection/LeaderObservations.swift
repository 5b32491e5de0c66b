public import RedisCore

/// Which of all nodes leads, where a process knows all nodes and no master's name: a value that takes what each connection learns.
///
/// | what the nodes say | the verdict |
/// |---|---|
/// | none says that it is the master | no leader |
/// | one does, and takes writes | it leads |
/// | one does, and refuses writes (`min-replicas-to-write`) | it leads, and takes no writes yet |
/// | several do, and one has a history that continues those of all others | that one; the others are former leaders |
/// | several do, else | none of them, once each was asked after the others had answered |
///
/// A history continues another one where its `master_replid2` names that one, or names one that does. What a node has said of that
/// once stays known: a former leader that was frozen meanwhile does not know what came after it.
public struct LeaderObservations: Sendable {
    /// How long a node counts after it was last heard. Each is asked once a second, and given up after two without an answer: after
    /// this time the process itself stood still.
    package static let memoryNanoseconds: Int64 = 4_500_000_000
    /// How many origins of histories are remembered.
    static let lineageLimit = 128

    /// What one node said, and when. Times are of one clock that never goes back.
    public struct Observation: Equatable, Sendable {
        /// The server's run id, where it says one.
        public var server: String?
        public var endpoint: String
        public var information: ReplicationInfo
        public var askedAt: Int64
        public var answeredAt: Int64

        public init(
            server: String?, endpoint: String, information: ReplicationInfo, askedAt: Int64, answeredAt: Int64
        ) {
            self.server = server
            self.endpoint = endpoint
            self.information = information
            self.askedAt = askedAt
            self.answeredAt = answeredAt
        }
    }

    /// A node that says that it is the master.
    public struct Leader: Equatable, Sendable {
        /// Its run id, or its endpoint where it says none.
        public let server: String
        public let endpoint: String
        public let history: History?
        public let refusesWrites: Bool
        let askedAt: Int64
        let answeredAt: Int64

        init(_ observation: Observation) {
            server = observation.server ?? observation.endpoint
            endpoint = observation.endpoint
            history = History(of: observation.information)
            refusesWrites = observation.information.refusesWrites
            askedAt = observation.askedAt
            answeredAt = observation.answeredAt
        }
    }

    public enum Verdict: Equatable, Sendable {
        case leads(Leader)
        /// It may take them in a moment, or lacks replicas.
        case refusesWrites(Leader)
        case none
        /// Several say that they are the master, and not each was asked since the last of them began to say so.
        case unclear
        case several([Leader])
    }

    /// What follows for the other servers. It keeps the last leader while there is none.
    public private(set) var selection: MasterSelection
    private var observations: [ObjectIdentifier: Observation] = [:]
    /// When each of those that say that they are the master began to.
    private var beganAt: [String: Int64] = [:]
    /// Which history each continues; the oldest first.
    private var origins: [(id: ReplicationID, origin: ReplicationID)] = []

    /// - Parameter placeholder: what stands for the leader while none was ever known.
    public init(placeholder: String) { selection = MasterSelection(configured: placeholder) }

    /// Endpoints of nodes that are heard.
    public var endpoints: Set<String> { Set(observations.values.map(\.endpoint)) }

    // MARK: What is observed

    public mutating func take(_ observation: Observation, over connection: ObjectIdentifier) {
        // An answer to an earlier question is no news.
        if let before = observations[connection], before.askedAt > observation.askedAt { return }
        // Another process at the same address has taken the place of the one before.
        let stale = observations.filter { id, other in
            id != connection && other.endpoint == observation.endpoint && other.askedAt < observation.askedAt
                && other.server != observation.server
        }
        for id in stale.keys { observations[id] = nil }
        observations[connection] = observation
        if let history = History(of: observation.information), let origin = history.origin { note(history.id, origin) }
    }

    private mutating func note(_ id: ReplicationID, _ origin: ReplicationID) {
        guard id != origin, !origins.contains(where: { $0.id == id && $0.origin == origin }) else { return }
        origins.append((id, origin))
        if origins.count > Self.lineageLimit { origins.removeFirst() }
    }

    /// The connection leads nowhere any more, or says nothing of use.
    public mutating func lose(_ connection: ObjectIdentifier) { observations[connection] = nil }

    /// Nothing listens at the address.
    public mutating func refuse(_ endpoint: String) {
        observations = observations.filter { $0.value.endpoint != endpoint }
    }

    // MARK: What follows

    /// Nodes that say they are the master, each once, by what each said last.
    public func leaders(at now: Int64) -> [Leader] {
        var last: [String: Observation] = [:]
        for observation in observations.values where now - observation.answeredAt <= Self.memoryNanoseconds {
            let server = observation.server ?? observation.endpoint
            if let before = last[server], before.askedAt >= observation.askedAt { continue }
            last[server] = observation
        }
        return last.values.filter { $0.information.role == .master }.map(Leader.init)
            .sorted { $0.endpoint < $1.endpoint }
    }

    /// Which node leads now. It is remembered until another one does.
    public mutating func verdict(at now: Int64) -> Verdict {
        let leaders = leaders(at: now)
        beganAt = beganAt.filter { server, _ in leaders.contains { $0.server == server } }
        for leader in leaders where beganAt[leader.server] == nil { beganAt[leader.server] = leader.answeredAt }
        guard let first = leaders.first else { return .none }
        let youngest = leaders.count == 1 ? first : youngest(of: leaders)
        if let youngest {
            selection.follow(youngest, besides: leaders, at: now)
            return youngest.refusesWrites ? .refusesWrites(youngest) : .leads(youngest)
        }
        let isOrdered = leaders.allSatisfy { leader in
            beganAt.allSatisfy { $0.key == leader.server || $0.value < leader.askedAt }
        }
        guard isOrdered else { return .unclear }
        selection.contest(leaders)
        return .several(leaders)
    }

    /// As ``verdict(at:)``, where others decide: the node at this address leads, as soon as it says that it is the master.
    public mutating func verdict(at now: Int64, named endpoint: String) -> Verdict {
        // The same server may have been met at another address, too.
        let heard = observations.values.filter {
            $0.endpoint == endpoint && now - $0.answeredAt <= Self.memoryNanoseconds
        }
        guard let last = heard.max(by: { $0.askedAt < $1.askedAt }), last.information.role == .master else {
            return .none
        }
        let leader = Leader(last)
        selection.follow(leader, besides: leaders(at: now), at: now)
        return leader.refusesWrites ? .refusesWrites(leader) : .leads(leader)
    }

    /// The one whose history continues those of all others.
    private func youngest(of leaders: [Leader]) -> Leader? {
        leaders.first { one in
            leaders.allSatisfy { other in
                if one == other { return true }
                guard let own = one.history?.id, let id = other.history?.id, own != id else { return false }
                return continues(own, id)
            }
        }
    }

    private func continues(_ id: ReplicationID, _ other: ReplicationID) -> Bool {
        var reached: [ReplicationID] = [id]
        var next = 0
        while next < reached.count {
            for (_, origin) in origins.filter({ $0.id == reached[next] }) where !reached.contains(origin) {
                if origin == other { return true }
                reached.append(origin)
            }
            next += 1
        }
        return false
    }
}
