public import RedisCore

/// Keeps one replica at the right master, as a value: observations and time go in, actions come out, no socket inside.
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
/// - `acting` ends with ``performed(_:at:)``, regardless of what is seen meanwhile. A failure leads to `settled`, and the
///   next attempt waits for ``Settings/retryInterval``.
/// - In a dry run `acting` is never entered: `rehearsed` stands in its place until something else is seen.
///
/// It never makes a master a replica, never ends a server, and respects a manual override.
///
/// Times are those of any clock that never goes back, the same one in every call.
public struct Reconciler: Sendable {
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
        package var retryInterval: Duration = .seconds(5)
        /// How long a link that is up may bring nothing while the master answers others. A master that has nothing to say
        /// pings every `repl-ping-replica-period` (10 s).
        public var maximumSilenceSeconds: Int64 = 15

        public init(configured: MasterAddress?) { self.configured = configured }
    }

    public enum State: Equatable, Sendable {
        case settled(Assessment.Rest)
        case suspecting(Change, since: Duration)
        case waiting(Change, until: Duration)
        case held(Change, DataComparison)
        case acting(Change)
        case rehearsed(Change)
    }

    public enum Action: Equatable, Sendable {
        /// Change the master; then call ``Reconciler/performed(_:at:)``. The record, where there is one, is written before,
        /// so that a start in between uses it; if the change fails, the previous record is written again.
        case perform(Change, recording: MasterRecord?)
        case record(MasterRecord)
        case tell(Event)
    }

    /// How long an observation is valid after the question, of the master or of the local server. Both are looked at every
    /// second or two, so only a process that stood still has older ones.
    package static let observationValidity: Duration = .seconds(5)

    public let settings: Settings
    public private(set) var state = State.settled(.masterUnseen)
    /// Whom the local server was last seen to follow, and by whose decision; `nil` before the very first observation, and
    /// where no master is configured.
    public private(set) var record: MasterRecord?
    /// The last observation of the local server, however old; ``state`` says whether it is away.
    public private(set) var local: ServerInformation?
    /// The last observation of the master, however old.
    public private(set) var observation: ObservedMaster?
    /// How many keys a full synchronisation with an empty master has cost; `nil` while there are keys.
    public private(set) var emptiedKeys: Int64?

    /// What the local server does not know of what it is sent, in its present life.
    public private(set) var missingCommands: [String] = []
    /// Whether full copies from the master fail.
    public internal(set) var copies = CopyWatch()

    /// The record of an earlier life is not read yet, so that it is not known who decided whom the replica follows.
    public private(set) var awaitsRecord: Bool

    /// Why the local server could not be asked at the last observation; `nil` where it could.
    private var awayReason: String?
    private var observedAt: Duration = .zero
    /// When the local server was asked.
    private var lookedAt: Duration = .zero
    /// When a decision was last made on observations that are valid.
    private var decidedAt: Duration?
    /// The local server as last seen before the master was asked; the last observation of the master is compared with it.
    private var localBeforeObservation: ServerInformation?
    /// The last observations of the local server, oldest first, since it was last away.
    private var recentLooks: [(end: Duration, local: ServerInformation)] = []
    /// As many as fall into one observation of the master.
    private static let maximumRecentLooks = 24
    private var isUndecided = false
    /// What is said in place of ``Assessment/Rest/watchesOnly``.
    private var sentinelRest: Assessment.Rest?
    private var move = UnprovenMove()
    /// What was last seen of the server that the replica waits for.
    var lastSource: ServerInformation?
    /// Why copies fail, as it was last reported; `nil` while they are no alarm.
    var toldCopyCause: CopyWatch.Cause?
    private var notBefore: Duration?
    /// The master that may be followed even if data is lost, by its run id.
    private var confirmed: String?
    /// The last data of the local server that was in step: what a synchronisation can take away.
    private var dataset: (replicationID: String, keys: Int64)?
    /// The last alarm that was reported.
    private var lastAlarm: Assessment.Rest?

    /// - Parameters:
    ///   - record: what an earlier life has written.
    ///   - awaitsRecord: ``take(record:)`` gives that later; nothing is moved before.
    public init(_ settings: Settings, record: MasterRecord? = nil, awaitsRecord: Bool = false) {
        self.settings = settings
        self.record = record
        self.awaitsRecord = awaitsRecord
    }

    /// What an earlier life has written was read, or cannot be.
    public mutating func take(record: MasterRecord?) {
        self.record = record
        awaitsRecord = false
    }

    /// Whether the local server was last asked so long ago that this says nothing of it now.
    package func isOutdated(at now: Duration) -> Bool { now - lookedAt > Self.observationValidity }

    /// Whether the next observations should follow soon: something is about to be decided.
    public var isAlert: Bool {
        switch state {
        case .suspecting, .acting: true
        case .settled, .waiting, .held, .rehearsed: isUndecided
        }
    }

    /// The address to observe before it is known who pointed the replica there; `nil` where it was not moved.
    public var unprovenMaster: MasterAddress? { move.address }

    /// Whether the next observation of the local server should follow soon.
    public var wantsCloserLooks: Bool { isAlert || copies.wantsCloserLooks }

    /// What an operator should look at, regardless of the state.
    public var alarms: [Alarm] {
        var alarms: [Alarm] = []
        if let emptiedKeys { alarms.append(.emptied(keys: emptiedKeys)) }
        if let copyFailure { alarms.append(.copiesFail(copyFailure)) }
        if !missingCommands.isEmpty { alarms.append(.commandsMissing(missingCommands)) }
        return alarms
    }

    /// The local server was looked at.
    ///
    /// - Parameters:
    ///   - begin: when it was asked; `nil`: just now.
    ///   - now: when it has answered.
    public mutating func see(
        _ local: ServerInformation, askedAt begin: Duration? = nil, at now: Duration
    ) -> [Action] {
        self.local = local
        lookedAt = begin ?? now
        awayReason = nil
        recentLooks.append((now, local))
        if recentLooks.count > Self.maximumRecentLooks { recentLooks.removeFirst() }
        return noteMove(of: local, askedAt: begin ?? now, at: now) + noteDataset(of: local)
            + noteCopies(of: local, at: now) + decide(at: now)
    }

    /// The local server was asked which commands it knows.
    public mutating func see(missingCommands names: [String]) -> [Action] {
        let news = names != missingCommands && !names.isEmpty
        missingCommands = names
        return news ? [.tell(.commandsMissing(names))] : []
    }

    /// The local server did not know a command.
    public mutating func see(missingCommand name: String) -> [Action] {
        missingCommands.contains(name) ? [] : see(missingCommands: missingCommands + [name])
    }

    /// The local server could not be asked.
    ///
    /// - Parameter reason: in words.
    public mutating func lose(_ reason: String, at now: Duration) -> [Action] {
        recentLooks = []
        awayReason = reason
        if case .acting = state { return [] }
        return settle(.serverAway(reason))
    }

    /// The configured master was looked at.
    ///
    /// - Parameters:
    ///   - begin: when it was asked; `nil`: just now.
    ///   - now: when it has answered.
    public mutating func see(_ observation: ObservedMaster, askedAt begin: Duration? = nil, at now: Duration)
        -> [Action]
    {
        self.observation = observation
        observedAt = begin ?? now
        localBeforeObservation = recentLooks.last { $0.end <= begin ?? now }?.local
        return decide(at: now)
    }

    /// The address that the replica follows, and that no one has named, was looked at (``unprovenMaster``).
    ///
    /// - Parameter now: when that server has answered.
    public mutating func see(_ standing: ObservedMaster.Standing, at address: MasterAddress, now: Duration) -> [Action]
    {
        move.see(standing, at: address, now: now)
        return decide(at: now)
    }

    /// How it stands with Sentinel, which decides in place of this value; only without a configured master.
    public mutating func see(sentinel rest: Assessment.Rest, at now: Duration) -> [Action] {
        sentinelRest = rest
        return decide(at: now)
    }

    /// The change that was to be performed is done, or could not be.
    ///
    /// - Parameter failure: why not, in words; `nil` where it is done.
    public mutating func performed(_ failure: String?, at now: Duration) -> [Action] {
        guard case .acting(let change) = state else { return [] }
        state = .settled(.redisConnects)
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
            // So that the next observation is compared with the current state.
            self.local?.replication.masterLink?.host = address.host
            self.local?.replication.masterLink?.port = address.port
            self.local?.replication.masterLink?.isUp = false
        }
        return [.tell(.performed(change))]
    }

    /// An operator has seen what is blocked, and confirms it.
    ///
    /// - Returns: `nil` where nothing is blocked and no data was lost.
    public mutating func confirm(at now: Duration) -> [Action]? {
        guard case .held(let change, _) = state else {
            guard let keys = emptiedKeys else { return nil }
            emptiedKeys = nil
            return [.tell(.lossAcknowledged(keys: keys))]
        }
        confirmed = change.masterRunID
        return [.tell(.confirmed(change))] + decide(at: now)
    }

    // MARK: Decisions

    private mutating func decide(at now: Duration) -> [Action] {
        if case .acting = state { return [] }
        guard let local else { return [] }
        isUndecided = false
        // Its earlier state is outdated, regardless of what is seen of the master meanwhile.
        if let awayReason { return settle(.serverAway(awayReason)) }
        if let sentinelRest { return settle(sentinelRest) }
        if awaitsRecord, settings.configured != nil { return settle(.recordUnread) }
        if let rest = move.rest(at: now), record != nil { return settle(rest) }
        guard !isOutdated(at: now) else {
            isUndecided = true
            return []
        }
        // What was suspected before this process stood still was not seen all the time since.
        if let decidedAt, now - decidedAt > Self.observationValidity {
            switch state {
            case .suspecting(let change, _), .waiting(let change, _): state = .suspecting(change, since: now)
            case .settled, .held, .acting, .rehearsed: break
            }
        }
        decidedAt = now
        let isFresh = now - observedAt <= Self.observationValidity
        let assessment = Assessment(
            local, before: localBeforeObservation, isFresh ? observation : nil, configured: settings.configured,
            record: record,
            maximumSilenceSeconds: settings.maximumSilenceSeconds)
        switch assessment {
        case .undecided:
            isUndecided = true
            return []
        case .rest(let rest): return settle(rest)
        case .change(let change, _) where change.cause == .hangingConnect && !isHanging:
            return settle(.redisConnects)
        case .change(let change, let comparison): return pursue(change, comparison, at: now)
        }
    }

    private mutating func settle(_ rest: Assessment.Rest) -> [Action] {
        var actions: [Action] = []
        if case .held(let change, _) = state { actions.append(.tell(.released(change))) }
        state = .settled(rest)
        if rest.isAlarm, rest.code != lastAlarm?.code { actions.append(.tell(.alarm(rest))) }
        if !rest.isAlarm, let lastAlarm { actions.append(.tell(.alarmOver(lastAlarm))) }
        lastAlarm = rest.isAlarm ? rest : nil
        return actions
    }

    /// Whether Redis waits in a connect: seen twice, since one observation may fall into the moment of a connect that works.
    /// It does connect where copies fail again and again.
    private var isHanging: Bool {
        let last = recentLooks.suffix(2)
        return last.count == 2 && last.allSatisfy { $0.local.linkState == "connecting" } && copies.failedAttempts == 0
    }

    /// One step towards a change that the last observations ask for.
    private mutating func pursue(_ change: Change, _ comparison: DataComparison, at now: Duration) -> [Action] {
        lastAlarm = nil
        switch state {
        case .acting: return []
        case .suspecting(let known, let since) where known == change:
            guard now - since >= settings.stability else { return [] }
            return ripen(change, comparison, at: now)
        case .waiting(let known, _) where known == change: return ripen(change, comparison, at: now)
        case .held(let known, _) where known == change: return ripen(change, comparison, at: now)
        case .rehearsed(let known) where known == change: return []
        case .held(let known, _):
            state = .suspecting(change, since: now)
            return [.tell(.released(known)), .tell(.suspects(change))]
        case .settled, .suspecting, .waiting, .rehearsed:
            state = .suspecting(change, since: now)
            return [.tell(.suspects(change))]
        }
    }

    /// The change has been asked for long enough.
    private mutating func ripen(_ change: Change, _ comparison: DataComparison, at now: Duration) -> [Action] {
        if comparison.isLoss, !settings.followsAnything, confirmed != change.masterRunID {
            defer { state = .held(change, comparison) }
            if case .held(change, _) = state { return [] }
            return [.tell(.held(change, comparison))]
        }
        if settings.isDryRun {
            state = .rehearsed(change)
            return [.tell(.rehearsed(change, comparison))]
        }
        if let notBefore, now < notBefore {
            defer { state = .waiting(change, until: notBefore) }
            if case .waiting(change, _) = state { return [] }
            return [.tell(.waits(change, forSeconds: (notBefore - now).components.seconds + 1))]
        }
        state = .acting(change)
        var next: MasterRecord?
        if case .follow(let address) = change.move {
            next = record.map { succeeding($0, .master(address), by: .sidecar) }
        }
        return [.tell(.performs(change, comparison)), .perform(change, recording: next)]
    }

    // MARK: What others did

    /// Distinguishes a REPLICAOF of another client from a changed environment and from a restarted server.
    ///
    /// A server that redis-replica-init has started follows the configured master, or the one in the record; and it is a
    /// master only where an operator promoted it. What could be a manual override counts as one once a server was
    /// seen at the address that is followed: redis-replica-init points a replica at its placeholder while it restores the
    /// master's data, and back to the name.
    private mutating func noteMove(of local: ServerInformation, askedAt begin: Duration, at now: Duration) -> [Action] {
        if case .acting = state { return [] }
        guard let configured = settings.configured, !awaitsRecord else { return [] }
        let following = local.replication.following
        let isKnown =
            following == .nobody || following == .master(configured) || following == record?.following
            || (record.map { $0.configured != configured } ?? false)
        guard move.isProven(following, isKnown: isKnown, askedAt: begin, at: now) else { return [] }
        let asStarted = MasterRecord(following, by: .start, configured: configured, serverRunID: local.runID)
        guard let record else {
            // The very first observation.
            let next = following == .nobody ? succeeding(asStarted, .nobody, by: .hand) : asStarted
            self.record = next
            return [.record(next)]
        }
        let isSameEnvironment = record.configured == configured
        var next = asStarted
        next.term = record.term
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
        // A manual override, against all that the environment has named.
        if author == .hand { superseded.append(record.configured) }
        let isPromotion = following == .nobody && record.following != .nobody
        let (next, isLast) = record.term.addingReportingOverflow(isPromotion ? 1 : 0)
        return MasterRecord(
            following, by: author, superseding: superseded, configured: record.configured,
            serverRunID: record.serverRunID, term: isLast ? record.term : next)
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
