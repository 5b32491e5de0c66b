public import Replication

/// Whether a master may start: one that starts empty, or from data older than its replicas', makes them so too.
///
/// A value machine. Each round the performer asks every replica and hands over what it saw; the machine answers what to do.
///
/// ```
///            ┌──────────── askAgain: a replica is loading, silent or behind a password, or policy wait ◀─┐
///            ▼                                                                                            │
/// sightings ─▶ nothing to lose ─▶ start          something to lose, or not to be known in time ─▶ hold ───┘
///                                                something to lose, policy reseed ─▶ reseed, then start
/// ```
public struct BirthGuard: Equatable, Sendable {
    /// What to do where a start would lose keys: `REDIS_ON_EMPTY`, `--on-empty`.
    public enum Policy: String, Equatable, Sendable, CaseIterable {
        /// End with exit code 75 and the reason.
        case hold
        /// Ask again until the replicas have nothing to lose, or the data is back.
        case wait
        /// Bring the data home from a replica, then start; hold where that cannot be done.
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
    public enum Sighting: Equatable, Sendable {
        case replica(Replica)
        /// Nothing listens there.
        case refused
        case silent(reason: String)
        case loading
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

        public init(
            keys: Int, replicationID: String, secondReplicationID: String?, offset: Int64,
            follows: MasterAddress? = nil, isLinkUp: Bool = false
        ) {
            self.keys = keys
            self.replicationID = replicationID
            self.secondReplicationID = secondReplicationID
            self.offset = offset
            self.follows = follows
            self.isLinkUp = isLinkUp
        }

        var keysInWords: String { keys == 1 ? "1 key" : "\(keys) keys" }
    }

    /// What to do. Lines are for standard error, without secrets.
    public enum Verdict: Equatable, Sendable {
        case start(note: String?)
        case askAgain(why: String)
        case hold([String])
        /// Bring the data home from this one of the sightings, for these reasons.
        case reseed(from: Int, warning: String?, losses: [String])
    }

    public let data: MasterData
    public let policy: Policy
    /// How long the unknown is asked again before it counts as a reason to hold.
    public let timeoutSeconds: Int

    public init(data: MasterData, policy: Policy, timeoutSeconds: Int) {
        self.data = data
        self.policy = policy
        self.timeoutSeconds = timeoutSeconds
    }

    /// What is known without asking anybody; nil where the replicas have to be asked.
    public var verdictWithoutAsking: Verdict? {
        if policy == .start { return .start(note: nil) }
        switch data {
        case .empty, .snapshot: return nil
        case .undated(let path):
            return .start(
                note:
                    "\(shownPath(path)) does not tell how far its data goes: whether a replica is ahead cannot be told")
        case .unreadable(let path, let problem):
            // redis-server refuses to start from it, and says why better than we could.
            return .start(
                note: "\(shownPath(path)) cannot be judged: \(problem?.reason ?? "its header cannot be read")")
        }
    }

    /// - Parameters:
    ///   - sightings: every address, with its name for the message.
    ///   - elapsedSeconds: since the first round began.
    public func verdict(
        _ resolution: Resolution, _ sightings: [(address: String, sighting: Sighting)], elapsedSeconds: Int
    ) -> Verdict {
        let losses = sightings.compactMap { loss(at: $0.address, $0.sighting) }
        let unknowns = sightings.compactMap { unknown(at: $0.address, $0.sighting) } + unknown(resolution)
        if !losses.isEmpty, policy == .reseed {
            return reseed(sightings, losses, unknowns, elapsedSeconds: elapsedSeconds)
        }
        guard losses.isEmpty else { return hold(losses) }
        guard !unknowns.isEmpty else { return .start(note: nil) }
        if elapsedSeconds < timeoutSeconds || policy == .wait { return .askAgain(why: unknowns[0]) }
        return hold(unknowns.map { "\($0), and \(ownState)" })
    }

    private func hold(_ reasons: [String]) -> Verdict {
        policy == .wait ? .askAgain(why: reasons[0]) : .hold(reasons)
    }

    /// Why this replica would lose something; nil where it would not.
    private func loss(at address: String, _ sighting: Sighting) -> String? {
        guard case .replica(let replica) = sighting, replica.keys > 0 else { return nil }
        switch data {
        case .empty(let reason):
            return
                "\(address) holds \(replica.keysInWords) at offset \(replica.offset), and this master would start empty "
                + "(\(reason)): they would be lost"
        case .snapshot(let path, let id, let offset):
            guard id == replica.replicationID || id == replica.secondReplicationID, offset < replica.offset else {
                return nil
            }
            return
                "\(address) holds \(replica.keysInWords) at offset \(replica.offset), and \(shownPath(path)) ends at "
                + "\(offset) of the same history: what came after would be lost"
        case .undated, .unreadable: return nil
        }
    }

    func unknown(at address: String, _ sighting: Sighting) -> String? {
        switch sighting {
        case .replica, .refused: nil
        case .silent(let reason): "\(address) cannot be asked: \(reason)"
        case .loading: "\(address) is loading its data"
        case .unauthenticated(let reason): "\(address) cannot be asked: \(reason)"
        case .notPlain: "\(address) does not answer in the clear (it may take TLS only), so it cannot be asked"
        }
    }

    private func unknown(_ resolution: Resolution) -> [String] {
        guard case .unavailable(let reason) = resolution else { return [] }
        return ["the replicas' name cannot be looked up: \(reason)"]
    }

    var ownState: String {
        switch data {
        case .empty(let reason): "this master would start empty (\(reason))"
        case .snapshot(let path, _, _), .undated(let path), .unreadable(let path, _):
            "this master would start from \(shownPath(path))"
        }
    }

    /// The last line of a hold: what a person can do.
    public static let cure =
        "bring the data back, or promote a replica and point the others at it; to start all the same, and lose what they "
        + "hold, set REDIS_ON_EMPTY=start for one start"
}
