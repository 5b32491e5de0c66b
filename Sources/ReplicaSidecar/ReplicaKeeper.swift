public import Replication

/// Keeps one replica at the right master, as a value: looks and time go in, actions come out, no socket inside.
///
/// ```
/// settled ─another master seen─▶ suspecting ─the same for `stability`─┬▶ acting ─performed─▶ settled
///    ▲                             │   ▲                             ├▶ waiting ─`minimumInterval` over─▶ acting
///    └──────not seen any more──────┘   └──yet another seen───────────┤   (also from suspecting)
///    ▲                                                               └▶ held ─confirmed, or data back─▶ as from suspecting
///    └─────not seen any more, or the local server is away── waiting, held
/// ```
/// - `settled` says why nothing is done (``Assessment/Rest``).
/// - `held`: following would cost data (``DataComparison``). The replica stays as it is, and is not ready.
/// - `acting` ends with ``performed(_:at:)``, whatever is seen meanwhile. A failure leads to `settled`, and the next
///   attempt waits for ``Settings/retryInterval``.
/// - In a dry run `acting` is never entered: `rehearsed` stands in its place until something else is seen.
///
/// It never makes a master a replica, never ends a server, and leaves alone what was done by hand.
///
/// Times are those of any clock that never goes back, the same one in every call.
public struct ReplicaKeeper: Sendable {
    public struct Settings: Equatable, Sendable {
        /// Whom the environment names; `nil`: only watch.
        public var configured: MasterAddress?
        /// Says what would be done, and does nothing.
        public var isDryRun = false
        /// Follows a master also where that costs data, with a warning.
        public var followsAnything = false
        /// How long another master has to be seen, and the same one, before anything is done.
        public var stability: Duration = .milliseconds(750)
        /// From one change to the next, at least.
        public var minimumInterval: Duration = .seconds(30)
        /// From a change that failed to the next attempt, at least.
        public var retryInterval: Duration = .seconds(5)
        /// How long a link that is up may bring nothing while the master answers others. A master that has nothing to say
        /// pings every `repl-ping-replica-period` (10 s).
        public var maximumSilenceSeconds: Int64 = 15

        public init(configured: MasterAddress?) { self.configured = configured }
    }

    public enum Course: Equatable, Sendable {
        case settled(Assessment.Rest)
        case suspecting(Change, since: Duration)
        case waiting(Change, until: Duration)
        case held(Change, DataComparison)
        case acting(Change)
        case rehearsed(Change)
    }

    public enum Action: Equatable, Sendable {
        /// Change the master; then call ``ReplicaKeeper/performed(_:at:)``. The record, where there is one, is written before,
        /// so that a start in between goes by it; where the change fails, the one before is written again.
        case perform(Change, recording: MasterRecord?)
        case record(MasterRecord)
        case tell(Event)
    }

    /// How long a look at the master counts.
    static let sightValidity: Duration = .seconds(5)

    public let settings: Settings
    public private(set) var course = Course.settled(.masterUnseen)
    /// Whom the local server was last seen to follow, and by whose decision; `nil` before the first look of all lives, and
    /// where no master is configured.
    public private(set) var record: MasterRecord?
    /// The last look at the local server, however old; ``course`` says whether it is away.
    public private(set) var local: ServerInformation?
    /// The last look at the master, however old.
    public private(set) var sight: MasterSight?
    /// How many keys a full synchronisation with an empty master has cost; `nil` while there are keys.
    public private(set) var emptiedKeys: Int64?

    private var sightTakenAt: Duration = .zero
    private var notBefore: Duration?
    /// The master that may be followed whatever it costs, by its run id.
    private var confirmed: String?
    /// The last data of the local server that was in step: what a synchronisation can take away.
    private var dataset: (replicationID: String, keys: Int64)?
    /// What an operator was last told to look at.
    private var lastAlarm: Assessment.Rest?

    /// - Parameter record: what an earlier life has written.
    public init(_ settings: Settings, record: MasterRecord? = nil) {
        self.settings = settings
        self.record = record
    }

    /// Whether the next looks should follow soon: something is about to be decided.
    public var isAlert: Bool {
        switch course {
        case .suspecting, .acting: true
        case .settled, .waiting, .held, .rehearsed: false
        }
    }

    /// The local server was looked at.
    public mutating func see(_ local: ServerInformation, at now: Duration) -> [Action] {
        self.local = local
        return noteMove(of: local) + noteDataset(of: local) + decide(at: now)
    }

    /// The local server could not be asked.
    ///
    /// - Parameter reason: in words.
    public mutating func lose(_ reason: String, at now: Duration) -> [Action] {
        if case .acting = course { return [] }
        return settle(.serverAway(reason))
    }

    /// The configured master was looked at.
    public mutating func see(_ sight: MasterSight, at now: Duration) -> [Action] {
        self.sight = sight
        sightTakenAt = now
        return decide(at: now)
    }

    /// The change that was to be performed is done, or could not be.
    ///
    /// - Parameter failure: why not, in words; `nil` where it is done.
    public mutating func performed(_ failure: String?, at now: Duration) -> [Action] {
        guard case .acting(let change) = course else { return [] }
        course = .settled(.redisConnects)
        confirmed = nil
        if let failure {
            notBefore = now + settings.retryInterval
            var actions: [Action] = [.tell(.failed(change, failure))]
            if case .follow = change.move, let record { actions.append(.record(record)) }
            return actions
        }
        notBefore = now + settings.minimumInterval
        if case .follow(let address) = change.move {
            record = record.map { succeeding($0, .master(address), by: .sidecar) }
            // So that the next look is compared with what is so now.
            self.local?.replication.masterLink?.host = address.host
            self.local?.replication.masterLink?.port = address.port
            self.local?.replication.masterLink?.isUp = false
        }
        return [.tell(.performed(change))]
    }

    /// An operator has seen what is held back, and wants it all the same.
    ///
    /// - Returns: `nil` where nothing is held back and no data was lost.
    public mutating func confirm(at now: Duration) -> [Action]? {
        guard case .held(let change, _) = course else {
            guard let keys = emptiedKeys else { return nil }
            emptiedKeys = nil
            return [.tell(.lossAcknowledged(keys: keys))]
        }
        confirmed = change.masterRunID
        return [.tell(.confirmed(change))] + decide(at: now)
    }

    // MARK: Decisions

    private mutating func decide(at now: Duration) -> [Action] {
        if case .acting = course { return [] }
        guard let local else { return [] }
        let isFresh = now - sightTakenAt <= Self.sightValidity
        let assessment = Assessment(
            local, isFresh ? sight : nil, configured: settings.configured, record: record,
            maximumSilenceSeconds: settings.maximumSilenceSeconds)
        switch assessment {
        case .rest(let rest): return settle(rest)
        case .change(let change, let comparison): return pursue(change, comparison, at: now)
        }
    }

    private mutating func settle(_ rest: Assessment.Rest) -> [Action] {
        var actions: [Action] = []
        if case .held(let change, _) = course { actions.append(.tell(.released(change))) }
        course = .settled(rest)
        if rest.isAlarm, rest.code != lastAlarm?.code { actions.append(.tell(.alarm(rest))) }
        if !rest.isAlarm, let lastAlarm { actions.append(.tell(.alarmOver(lastAlarm))) }
        lastAlarm = rest.isAlarm ? rest : nil
        return actions
    }

    /// One step towards a change that the last looks ask for.
    private mutating func pursue(_ change: Change, _ comparison: DataComparison, at now: Duration) -> [Action] {
        lastAlarm = nil
        switch course {
        case .acting: return []
        case .suspecting(let known, let since) where known == change:
            guard now - since >= settings.stability else { return [] }
            return ripen(change, comparison, at: now)
        case .waiting(let known, _) where known == change: return ripen(change, comparison, at: now)
        case .held(let known, _) where known == change: return ripen(change, comparison, at: now)
        case .rehearsed(let known) where known == change: return []
        case .held(let known, _):
            course = .suspecting(change, since: now)
            return [.tell(.released(known)), .tell(.suspects(change))]
        case .settled, .suspecting, .waiting, .rehearsed:
            course = .suspecting(change, since: now)
            return [.tell(.suspects(change))]
        }
    }

    /// The change has been asked for long enough.
    private mutating func ripen(_ change: Change, _ comparison: DataComparison, at now: Duration) -> [Action] {
        if comparison.isLoss, !settings.followsAnything, confirmed != change.masterRunID {
            defer { course = .held(change, comparison) }
            if case .held(change, _) = course { return [] }
            return [.tell(.held(change, comparison))]
        }
        if settings.isDryRun {
            course = .rehearsed(change)
            return [.tell(.rehearsed(change, comparison))]
        }
        if let notBefore, now < notBefore {
            defer { course = .waiting(change, until: notBefore) }
            if case .waiting(change, _) = course { return [] }
            return [.tell(.waits(change, forSeconds: (notBefore - now).components.seconds + 1))]
        }
        course = .acting(change)
        var next: MasterRecord?
        if case .follow(let address) = change.move {
            next = record.map { succeeding($0, .master(address), by: .sidecar) }
        }
        return [.tell(.performs(change, comparison)), .perform(change, recording: next)]
    }

    // MARK: What others did

    /// Tells a REPLICAOF that somebody else has sent from another environment and from a server that was started anew.
    ///
    /// A server that redis-replica-init has started follows the configured master, or whom the record says; and it is a
    /// master only where somebody made it one. What cannot be told from a hand's work is taken for that.
    private mutating func noteMove(of local: ServerInformation) -> [Action] {
        if case .acting = course { return [] }
        guard let configured = settings.configured else { return [] }
        let following = local.replication.following
        let asStarted = MasterRecord(following, by: .start, configured: configured, serverRunID: local.runID)
        guard let record else {
            // The first look of all lives.
            let next = following == .nobody ? succeeding(asStarted, .nobody, by: .hand) : asStarted
            self.record = next
            return [.record(next)]
        }
        let isSameEnvironment = record.configured == configured
        var next = asStarted
        if record.following == following, isSameEnvironment || record.author != .hand {
            next = record
        } else if isSameEnvironment, following != .master(configured) {
            next = succeeding(record, following, by: .hand)
        }
        next.configured = configured
        next.serverRunID = local.runID
        guard next != record else { return [] }
        self.record = next
        let isNews = isSameEnvironment && record.following != following
        return [.record(next)] + (isNews ? [.tell(.movedByHand(following))] : [])
    }

    /// The record of a decision, which carries on what the last one superseded.
    private func succeeding(
        _ record: MasterRecord, _ following: MasterRecord.Following, by author: MasterRecord.Author
    ) -> MasterRecord {
        var superseded = record.superseded
        if case .master(let before) = record.following { superseded.append(before) }
        // By hand, against all that the environment has named.
        if author == .hand { superseded.append(record.configured) }
        return MasterRecord(
            following, by: author, superseding: superseded, configured: record.configured,
            serverRunID: record.serverRunID)
    }

    /// Sees that a full synchronisation has left nothing of the data.
    private mutating func noteDataset(of local: ServerInformation) -> [Action] {
        guard let link = local.replication.masterLink, link.isUp, !link.isSynchronising, !local.isLoading else {
            return []
        }
        let before = dataset
        dataset = (local.replication.replicationID, local.keys)
        if local.keys > 0 { emptiedKeys = nil }
        guard let before, before.keys > 0, local.keys == 0, before.replicationID != local.replication.replicationID
        else { return [] }
        emptiedKeys = before.keys
        return [.tell(.emptied(keys: before.keys))]
    }
}

extension ReplicationInfo.MasterLink {
    var address: MasterAddress { MasterAddress(host: host, port: port) }
}

extension ReplicationInfo {
    /// Whom a server follows.
    var following: MasterRecord.Following { masterLink.map { .master($0.address) } ?? .nobody }
}
