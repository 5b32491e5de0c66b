public import RedisCore

/// Whether a master may start. One that starts empty, or from data older than its replicas', makes them so too. One that
/// starts beside another master takes writes that the other one does not have.
///
/// A value machine. Each round the performer asks every replica and hands over what it saw; the machine answers what to do.
///
/// ```
///            ┌──────────── askAgain: a replica is loading, silent, not running or behind a password ◀────┐
///            ▼                                                                                           │
/// observations ─▶ nothing to lose ─▶ start          something to lose, or not known in time ─▶ hold ────────┘
///                                                something to lose, policy reseed ─▶ reseed, then start
///                                                another master, policy reseed ─▶ follow it
/// ```
///
/// There is one time for everything that is not known yet: every address that exists is asked until it has answered, or
/// until ``timeoutSeconds`` are over.
public struct StartupGuard: Equatable, Sendable {
    /// What to do where a start would lose keys: `REDIS_ON_EMPTY`, `--on-empty`.
    public enum Policy: String, Equatable, Sendable, CaseIterable {
        /// End with exit code 75 and the reason.
        case hold
        /// Ask again until the replicas have nothing to lose, or the data is back.
        case wait
        /// Restore the data from a replica, then start; block the start where that is not possible.
        case reseed
        /// Do not ask.
        case start
    }

    /// What looking a name up gave.
    public enum Resolution: Equatable, Sendable {
        case found
        /// The name does not exist, or has no address: a first installation.
        case unknown
        /// The DNS server did not answer.
        case unavailable(reason: String)
    }

    /// One address, asked.
    public enum Observation: Equatable, Sendable {
        case replica(Replica)
        /// Nothing listens there.
        case refused
        /// No connection comes about: the machine is off, or the network does not lead there.
        case unreachable(reason: String)
        /// It takes a connection and gives no whole answer.
        case silent(reason: String)
        case loading
        /// It is loading its data, and will be a master: one that was promoted, and restarted.
        case loadingMaster
        case unauthenticated(reason: String)
        /// It listens, and does not speak RESP in the clear.
        case notPlain
    }

    /// What a server said of itself.
    public struct Replica: Equatable, Sendable {
        public var keys: Int
        public var replicationID: String
        public var secondReplicationID: String?
        /// The last byte of the stream that it has applied.
        public var offset: Int64
        /// Its master, whether that is there or not; nil: it is a master itself.
        public var follows: MasterAddress?
        /// Whether its master is there.
        public var isLinkUp: Bool
        /// The first offset that is not of its second history; -1 where it has none.
        public var secondOffset: Int64 = -1
        /// Seconds since it last heard its master; nil where it does not say.
        public var silentSeconds: Int64?
        /// The keys of each database that has some.
        public var databases: [RDBHeader.Database]
        /// Whether the master that it names is known to be this server: its address, or the name that its environment has.
        public var followsThisServer = false

        public init(
            keys: Int, replicationID: String, secondReplicationID: String?, offset: Int64,
            follows: MasterAddress? = nil, isLinkUp: Bool = false, secondOffset: Int64 = -1,
            silentSeconds: Int64? = nil, databases: [RDBHeader.Database] = []
        ) {
            self.databases = databases
            self.keys = keys
            self.replicationID = replicationID
            self.secondReplicationID = secondReplicationID
            self.offset = offset
            self.follows = follows
            self.isLinkUp = isLinkUp
            self.secondOffset = secondOffset
            self.silentSeconds = silentSeconds
        }

        var keysInWords: String { keys == 1 ? "1 key" : "\(keys) keys" }
    }

    /// What to do. Lines are for standard error, without secrets.
    public enum Verdict: Equatable, Sendable {
        /// - warning: what is not known, and may cost data later.
        case start(note: String?, warning: String? = nil)
        case askAgain(why: String)
        case hold([String])
        /// The same, for reasons that say themselves what to do.
        case block([String])
        /// Restore the data from this one of the observations, for these reasons.
        case reseed(from: Int, warning: String?, losses: [String])
        /// This one of the observations is the master now: start as its replica, for this reason.
        case follow(Int, reason: String)
    }

    public let data: MasterData
    public let policy: Policy
    /// How long the unknown is asked again before it counts as a reason to hold.
    public let timeoutSeconds: Int
    /// The names that were looked up, for the messages; nil where none is asked.
    public let names: String?
    /// What an earlier start left in the folder; nil where nothing.
    public let trace: FollowedMaster.Trace?
    /// The first database of the RDB; nil where none is loaded.
    public let database: RDBHeader.Database?
    /// The history of an RDB that lies beside the append-only file; nil where there is none.
    public let savedHistory: String?

    public init(
        data: MasterData, policy: Policy, timeoutSeconds: Int, names: String? = "the replicas' name",
        trace: FollowedMaster.Trace? = nil, database: RDBHeader.Database? = nil, savedHistory: String? = nil
    ) {
        self.data = data
        self.policy = policy
        self.timeoutSeconds = timeoutSeconds
        self.names = names
        self.trace = trace
        self.database = database
        self.savedHistory = savedHistory
    }

    /// How long policy `hold` waits for the master that this server followed.
    package static let graceSeconds = 10
    /// A master is heard at least so often (`repl-ping-replica-period` is 10 s): a link that is silent for longer is dead.
    package static let pingSeconds = 12

    /// - Parameters:
    ///   - observations: every address, with its name for the message.
    ///   - elapsedSeconds: since the first round began.
    public func verdict(
        _ resolution: Resolution, _ observations: [(address: String, observation: Observation)], elapsedSeconds: Int
    ) -> Verdict {
        if policy == .start { return .start(note: nil) }
        if let verdict = besideAnotherMaster(observations, elapsedSeconds: elapsedSeconds) { return verdict }
        if let verdict = asFormerReplica(observations, elapsedSeconds: elapsedSeconds) { return verdict }
        switch data {
        case .undated: return withUndatedData(resolution, observations, elapsedSeconds: elapsedSeconds)
        case .unreadable: return withOwnData(resolution, observations, elapsedSeconds: elapsedSeconds)
        case .outdated(let path, let newer): return block([outdatedWords(path, newer)])
        case .empty, .unlisted, .snapshot, .damaged:
            return withoutOwnData(resolution, observations, elapsedSeconds: elapsedSeconds)
        }
    }

    private func withoutOwnData(
        _ resolution: Resolution, _ observations: [(address: String, observation: Observation)], elapsedSeconds: Int
    ) -> Verdict {
        let losses = observations.compactMap { loss(at: $0.address, $0.observation) }
        let unknowns = observations.compactMap { unknown(at: $0.address, $0.observation) } + unknown(resolution)
        if case .damaged = data { return withDamage(observations, losses, unknowns, elapsedSeconds: elapsedSeconds) }
        if !losses.isEmpty, policy == .reseed {
            return reseed(observations, losses, unknowns, elapsedSeconds: elapsedSeconds)
        }
        guard losses.isEmpty else { return hold(losses) }
        if case .snapshot = data { return withOwnData(resolution, observations, elapsedSeconds: elapsedSeconds) }
        guard unknowns.isEmpty else {
            if elapsedSeconds < timeoutSeconds || policy == .wait { return .askAgain(why: unknowns[0]) }
            return hold(unknowns.map { "\($0), and \(ownState)" })
        }
        let missing = observations.compactMap { away(at: $0.address, $0.observation) }
        if let first = missing.first, elapsedSeconds < timeoutSeconds {
            return .askAgain(why: "\(first), so what it holds is not known, and \(ownState)")
        }
        if case .unlisted(let files, let reason) = data { return block([strandedWords(files, reason)]) }
        return .start(note: startNote(resolution, observations, missing))
    }

    /// Files that redis-server would refuse: the data comes from a replica where that is wanted and can be, and else the
    /// server says so itself.
    private func withDamage(
        _ observations: [(address: String, observation: Observation)], _ losses: [String], _ unknowns: [String],
        elapsedSeconds: Int
    ) -> Verdict {
        guard case .damaged(let path, let reason) = data else { return .start(note: nil) }
        let state = "\(shownPath(path)) is damaged (\(reason)), and redis-server will refuse it"
        if policy == .reseed {
            if !losses.isEmpty { return reseed(observations, losses, unknowns, elapsedSeconds: elapsedSeconds) }
            let missing = unknowns + observations.compactMap { away(at: $0.address, $0.observation) }
            if let first = missing.first, elapsedSeconds < timeoutSeconds {
                return .askAgain(why: "\(first), and \(state)")
            }
            return .start(
                note:
                    "\(state). No replica holds a key that could take its place: repair it with redis-check-aof --fix or "
                    + "redis-check-rdb on a copy, or put a backup in its place")
        }
        let sources = observations.compactMap { entry -> String? in
            guard case .replica(let replica) = entry.observation, replica.keys > 0 else { return nil }
            return "\(entry.address) holds \(replica.keysInWords)"
        }
        let cure =
            sources.isEmpty
            ? "Repair it with redis-check-aof --fix or redis-check-rdb on a copy, or put a backup in its place"
            : "\(sources.joined(separator: ", ")): set REDIS_ON_EMPTY=reseed to have the file put aside and the data restored "
                + "from there, or repair it with redis-check-aof --fix on a copy"
        return .start(note: "\(state). \(cure)")
    }

    var ownDataNote: String? {
        switch data {
        case .undated(let path):
            "\(shownPath(path)) does not say how far its data goes: a replica may be ahead"
        case .unreadable(let path, let problem):
            // redis-server refuses to start from it, and says why better than we could.
            "\(shownPath(path)) cannot be judged: \(problem?.reason ?? "its header cannot be read")"
        case .empty, .unlisted, .outdated, .snapshot, .damaged: nil
        }
    }

    /// Why an empty master starts: which of the reasons it was.
    private func startNote(
        _ resolution: Resolution, _ observations: [(address: String, observation: Observation)], _ missing: [String]
    ) -> String? {
        guard case .empty(let reason) = data, let names else { return nil }
        let state = "this master starts empty (\(reason))"
        if resolution == .unknown { return "\(names) has no address, so this is a first installation: \(state)" }
        if observations.isEmpty { return "\(names) leads to no address but its own: \(state)" }
        guard !missing.isEmpty else { return "no server behind \(names) holds a key: \(state)" }
        return missing.joined(separator: ", ") + "; it counts as gone, and the others hold no key: \(state)"
    }

    /// A few paths, and how many more there are.
    static func list(_ files: [[UInt8]]) -> String {
        let names = files.prefix(4).map(shownPath).joined(separator: ", ")
        return files.count > 4 ? "\(names) and \(files.count - 4) more" : names
    }

    func hold(_ reasons: [String]) -> Verdict {
        policy == .wait ? .askAgain(why: reasons[0]) : .hold(reasons)
    }

    func block(_ reasons: [String]) -> Verdict {
        policy == .wait ? .askAgain(why: reasons[0]) : .block(reasons)
    }

    /// Why this replica would lose something; nil where it would not.
    func loss(at address: String, _ observation: Observation) -> String? {
        if case .undated(let path) = data { return continuation(at: address, observation, after: path) }
        guard case .replica(let replica) = observation, replica.keys > 0 else { return nil }
        switch data {
        case .unlisted(let files, let reason):
            return
                "\(address) holds \(replica.keysInWords) at offset \(replica.offset), and this master would start empty "
                + "(\(reason); data in \(Self.list(files)) would not be loaded): they would be lost"
        case .empty(let reason):
            return
                "\(address) holds \(replica.keysInWords) at offset \(replica.offset), and this master would start empty "
                + "(\(reason)): they would be lost"
        case .damaged(let path, let reason):
            return
                "\(address) holds \(replica.keysInWords) at offset \(replica.offset), and redis-server would refuse "
                + "\(shownPath(path)) (\(reason))"
        case .snapshot(let path, let id, let offset):
            guard id == replica.replicationID || id == replica.secondReplicationID, offset < replica.offset else {
                return nil
            }
            return
                "\(address) holds \(replica.keysInWords) at offset \(replica.offset), and \(shownPath(path)) ends at "
                + "\(offset) of the same history: what came after would be lost"
        case .outdated, .undated, .unreadable: return nil
        }
    }

    func unknown(at address: String, _ observation: Observation) -> String? {
        switch observation {
        case .replica, .refused: nil
        case .silent(let reason), .unreachable(let reason): "\(address) cannot be asked: \(reason)"
        case .loadingMaster: "\(address) is loading its data, as a master"
        case .loading: "\(address) is loading its data"
        case .unauthenticated(let reason): "\(address) cannot be asked: \(reason)"
        case .notPlain:
            "\(address) does not answer in the clear, so it cannot be asked: where it takes TLS only, set REDIS_TLS_ENABLED=yes "
                + "and the TLS files on this master too"
        }
    }

    /// Why a server that has an address and does not run yet is unknown; nil where it runs.
    func away(at address: String, _ observation: Observation) -> String? {
        observation == .refused ? "nothing listens at \(address)" : nil
    }

    func unknown(_ resolution: Resolution) -> [String] {
        guard case .unavailable(let reason) = resolution else { return [] }
        return ["the replicas' name cannot be looked up: \(reason)"]
    }

    var ownState: String {
        switch data {
        case .empty(let reason), .unlisted(_, let reason): "this master would start empty (\(reason))"
        case .snapshot(let path, _, _), .undated(let path), .unreadable(let path, _), .damaged(let path, _),
            .outdated(let path, _):
            "this master would start from \(shownPath(path))"
        }
    }

    /// What a person can do about a ``Verdict/hold(_:)``.
    public static let cure =
        "bring the data back (REDIS_ON_EMPTY=reseed takes it from a replica), or promote a replica and point the others at "
        + "it; to start anyway, and lose the replicas' data, set REDIS_ON_EMPTY=start for one start"
}
