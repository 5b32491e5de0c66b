package import RedisCore

/// Keeps one server with the master that Sentinel names, as a value: observations and time go in, actions come out.
///
/// ```
/// asking, unknown ─a master is named─▶ awaits ─it says that it is a master, and the server is with another one─▶ acting
///        ▲                               │                                                                     │
///        └──────── none is named ────────┼──▶ follows, leads                                       performed ──┘
/// ```
/// - A master that Sentinel had named, and has replaced, becomes the replica of the new one at once: later writes to it
///   are lost. A master that Sentinel did not name may be one that it has just promoted, and names up to a second later: that
///   one gets time, and is not changed while a fail-over goes on.
/// - A replica of another master is pointed to the named master once two observations agree.
/// - It never promotes, undoes nothing that Sentinel does, and follows no master that Sentinel does not name.
/// - A named master that is none, or cannot be asked, for longer than ``unusablePatience`` is an alarm: meanwhile a master that
///   was replaced takes writes that are lost.
/// - While Sentinel names none, or only a minority of the Sentinels answers, the server stays as it is.
///
/// Times are those of any clock that never goes back, the same one in every call.
package struct SentinelFollower: Equatable, Sendable {
    /// How long an observation of the named master is valid.
    static let validity: Duration = .seconds(2)
    /// How long one of the local server, and the word of the Sentinels, is valid. Both come every second or two, so only a
    /// process that stood still has older ones.
    static let longestAge: Duration = .seconds(5)
    /// The wait after a failed attempt.
    static let retryInterval: Duration = .seconds(5)
    /// How long a replica has to be with another master.
    static let stability: Duration = .milliseconds(750)
    /// How long a master has to be one that Sentinel does not name, and did not name before. Sentinel asks the one that it
    /// promotes once a second whether it is a master.
    static let promotionPatience: Duration = .seconds(4)
    /// How long the named master may be one that cannot be followed before an operator should look.
    static let unusablePatience: Duration = .seconds(10)

    package enum State: Equatable, Sendable {
        /// The local server cannot be asked.
        case serverAway
        case unknown(SentinelVerdict.Doubt)
        /// Fewer than half of the Sentinels answer, and the server is not with the one that they name.
        case minority(SentinelMaster)
        case leads(SentinelMaster)
        case follows(SentinelMaster)
        /// The link is down; Redis itself connects again.
        case connects(SentinelMaster)
        /// The server that is named is no master yet, or cannot be asked; why.
        case awaits(SentinelMaster, String)
        /// The same for too long.
        case unusable(SentinelMaster, String, cure: String)
        /// Following it would leave nothing of the data.
        case empty(SentinelMaster, keys: Int64)
        case acting(Move)
        case failed(Move, String)
        /// A dry run.
        case rehearsed(Move)
    }

    package struct Move: Equatable, Sendable {
        package var master: SentinelMaster
        /// Of the server that was seen there.
        package var masterRunID: String
        /// Whom the server was with; `nil`: it was a master.
        package var before: MasterAddress?

        package init(master: SentinelMaster, masterRunID: String, before: MasterAddress?) {
            self.master = master
            self.masterRunID = masterRunID
            self.before = before
        }
    }

    package enum Action: Equatable, Sendable {
        /// Then call ``see(_:at:askedAt:)``.
        case lookAt(MasterAddress)
        /// Then call ``performed(_:at:)``.
        case perform(Move)
    }

    package private(set) var state = State.unknown(.asking)
    private let isDryRun: Bool
    private var local: ServerInformation?
    private var localAskedAt: Duration = .zero
    private var verdict = SentinelVerdict.unknown(.asking)
    private var verdictAt: Duration = .zero
    private var steppedAt: Duration?
    private var seen: (address: MasterAddress, standing: ObservedMaster.Standing, time: Duration)?
    private var wrongSince: Duration?
    /// Since when the named master cannot be followed.
    private var unusable: (address: MasterAddress, since: Duration)?
    /// In which life the server was named, and with which epoch.
    private var led: (runID: String, epoch: UInt64)?
    private var isFailingOver = false
    private var performedAt: Duration?
    private var notBefore: Duration?

    package init(isDryRun: Bool) { self.isDryRun = isDryRun }

    package static func == (left: Self, right: Self) -> Bool { left.state == right.state }

    /// - Parameters:
    ///   - local: `nil` where it cannot be asked.
    ///   - time: when it was asked. Reports from before the last change are ignored.
    package mutating func see(_ local: ServerInformation?, askedAt time: Duration) {
        if let performedAt, time < performedAt, local != nil { return }
        self.local = local
        localAskedAt = time
        if local?.replication.masterLink != nil { led = nil }
    }

    /// - Parameters:
    ///   - isFailingOver: whether a Sentinel leads a fail-over that is not over.
    ///   - now: when the answers were weighed.
    package mutating func see(_ verdict: SentinelVerdict, isFailingOver: Bool, at now: Duration) {
        self.verdict = verdict
        verdictAt = now
        self.isFailingOver = isFailingOver
    }

    /// What the server that is named said of itself.
    ///
    /// - Parameter time: when it was asked: this process may have stood still since.
    package mutating func see(_ standing: ObservedMaster.Standing, at address: MasterAddress, askedAt time: Duration) {
        seen = (address, standing, time)
    }

    /// - Parameter failure: why not, in words; `nil` where it is done.
    package mutating func performed(_ failure: String?, at now: Duration) {
        guard case .acting(let move) = state else { return }
        wrongSince = nil
        if let failure {
            notBefore = now + Self.retryInterval
            state = .failed(move, failure)
        } else {
            performedAt = now
            local = nil
            notBefore = nil
            state = .connects(move.master)
        }
    }

    /// What is to be done now.
    package mutating func step(at now: Duration) -> Action? {
        if case .acting = state { return nil }
        guard let local else {
            // Just after a change it is not asked yet.
            if performedAt.map({ now - $0 > Self.validity }) ?? true { state = .serverAway }
            return nil
        }
        guard now - localAskedAt <= Self.longestAge, now - verdictAt <= Self.longestAge else { return nil }
        // What was so before this process stood still was not so all the time since.
        if let steppedAt, now - steppedAt > Self.longestAge { wrongSince = nil }
        steppedAt = now
        switch verdict {
        case .unknown(let doubt):
            state = .unknown(doubt)
            wrongSince = nil
            unusable = nil
            return nil
        case .master(let master, let isMajority): return step(local, master, isMajority, at: now)
        }
    }

    private mutating func step(
        _ local: ServerInformation, _ master: SentinelMaster, _ isMajority: Bool, at now: Duration
    ) -> Action? {
        let before = local.replication.masterLink.map { MasterAddress(host: $0.host, port: $0.port) }
        if let link = local.replication.masterLink, before?.isSame(as: master.address) == true {
            state = link.isUp ? .follows(master) : .connects(master)
            wrongSince = nil
            unusable = nil
            return nil
        }
        guard let seen, seen.address == master.address, now - seen.time <= Self.validity else {
            return .lookAt(master.address)
        }
        guard case .master(let named) = seen.standing else {
            wait(for: master, seen.standing, at: now)
            wrongSince = nil
            return nil
        }
        unusable = nil
        if named.runID == local.runID {
            state = before == nil ? .leads(master) : .awaits(master, "it is the local server, which is about to lead")
            if before == nil { led = (local.runID, master.epoch) }
            wrongSince = nil
            return nil
        }
        let isUp = local.replication.masterLink?.isUp ?? false
        if isUp, named.replication.replicationID == local.replication.replicationID {
            // The same one under another name, or a replica of it, which Sentinel moves itself.
            state = .follows(master)
            wrongSince = nil
            return nil
        }
        guard isMajority else {
            state = .minority(master)
            return nil
        }
        guard named.keys > 0 || local.keys == 0 else {
            state = .empty(master, keys: local.keys)
            return nil
        }
        return step(Move(master: master, masterRunID: named.runID, before: before), local, at: now)
    }

    /// The server that is named is no master, as far as can be seen.
    private mutating func wait(for master: SentinelMaster, _ standing: ObservedMaster.Standing, at now: Duration) {
        let candidate = ObservedMaster.Candidate(master.address.host, port: master.address.port, standing)
        if unusable?.address != master.address { unusable = nil }
        let since = unusable?.since ?? now
        unusable = (master.address, since)
        guard now - since >= Self.unusablePatience, let cure = standing.cure else {
            state = .awaits(master, candidate.description)
            return
        }
        state = .unusable(master, candidate.description, cure: cure)
    }

    private mutating func step(_ move: Move, _ local: ServerInformation, at now: Duration) -> Action? {
        let since = wrongSince ?? now
        wrongSince = since
        if move.before != nil {
            guard now - since >= Self.stability else { return nil }
        } else if led.map({ $0.runID == local.runID && $0.epoch < move.master.epoch }) != true {
            state = .awaits(move.master, "this server is a master that Sentinel may have just promoted")
            if isFailingOver { wrongSince = nil }
            guard !isFailingOver, now - since >= Self.promotionPatience else { return nil }
        }
        if let notBefore, now < notBefore { return nil }
        if isDryRun {
            state = .rehearsed(move)
            return nil
        }
        state = .acting(move)
        return .perform(move)
    }
}

extension SentinelFollower.State {
    /// Whether an operator should look.
    package var isAlarm: Bool {
        switch self {
        case .serverAway, .leads, .follows, .connects, .awaits, .acting, .rehearsed, .unknown(.asking),
            .unknown(.masterDown):
            false
        case .unknown, .unusable, .minority, .empty, .failed: true
        }
    }

    /// For metrics and programs: stable.
    package var code: String {
        switch self {
        case .serverAway: "server-away"
        case .unknown(let doubt): doubt.code
        case .minority: "minority"
        case .leads: "leads"
        case .follows: "follows"
        case .connects: "connects"
        case .awaits: "awaits-master"
        case .unusable: "unusable-master"
        case .empty: "empty-master"
        case .acting: "acting"
        case .failed: "failed"
        case .rehearsed: "rehearsed"
        }
    }

    package var rest: Assessment.Rest { .followsSentinel(description, isAlarm: isAlarm) }
}

extension SentinelFollower.State: CustomStringConvertible {
    package var description: String {
        switch self {
        case .serverAway: "Sentinel decides; the local server cannot be asked"
        case .unknown(let doubt): "Sentinel decides, and this server stays as it is: \(doubt)"
        case .minority(let master):
            if let why = master.forbiddenMajority {
                """
                Sentinel decides, and this server stays as it is: \(why); it names \(master.address) (epoch \(master.epoch))
                """
            } else {
                """
                Sentinel decides, and this server stays as it is: fewer than half of the Sentinels answer, and those name \
                \(master.address) (epoch \(master.epoch)); start the others, or check REDIS_SENTINEL_HOST
                """
            }
        case .leads(let master): "Sentinel names this server the master (\(master.address), epoch \(master.epoch))"
        case .follows(let master): "follows \(master.address), which Sentinel names the master (epoch \(master.epoch))"
        case .connects(let master):
            "follows \(master.address), which Sentinel names the master; the link is down, and Redis itself connects again"
        case .awaits(let master, let why):
            "Sentinel names the master \(master.address), and this server stays as it is until that one is a master: \(why)"
        case .unusable(let master, let why, let cure):
            """
            Sentinel names the master \(master.address), which cannot be followed: \(why). This server stays as it is; if it was \
            a master before, what is written to it is lost later. \(cure)
            """
        case .empty(let master, let keys):
            """
            Sentinel names the master \(master.address), which has no keys, while this server has \(keys): the sidecar does \
            not have it follow. Restore the data there, or send REPLICAOF yourself
            """
        case .acting(let move): "is about to \(move)"
        case .failed(let move, let reason): "could not \(move); \(reason)"
        case .rehearsed(let move): "dry run: would \(move)"
        }
    }
}

extension SentinelFollower.Move: CustomStringConvertible {
    package var description: String {
        let why = before.map { "in place of \($0)" } ?? "and take no more writes"
        return "follow \(master.address), which Sentinel names the master (epoch \(master.epoch)), \(why)"
    }
}

extension ObservedMaster.Standing {
    /// What to do where a server that Sentinel names stays so; `nil` where it goes on by itself.
    fileprivate var cure: String? {
        switch self {
        case .master, .loading, .placeholder: nil
        case .replica: "Look into the logs of Sentinel and of that server"
        case .unreachable: "Check that it runs, and that it can be reached from here"
        case .refuses: "Check REDIS_MASTER_PASSWORD and REDIS_MASTER_USER here"
        }
    }
}
