/// Decides for one node when it leads, as a value: observations, answers of the lease store and time go in, actions come out.
///
/// ```
/// following ─lease taken─▶ promoting ─promoted─▶ recording ─history in the lease─▶ leading
///     ▲                       │                     │                               │ ▲
///     │                       └──────time over──────┴──────────time over───────────┤ │ switchover failed
///     │                                                                             ▼ │
///     └──lease given back, or another node's──── fencing ◀──offsets equal──── handingOver
/// ```
/// A node takes writes in `leading` alone, and for no longer than ``FailoverSettings/duration`` after it *sent* the last renewal
/// that succeeded, or the last question that all members agreed to.
///
/// Times are those of one clock of this machine that never goes back and counts the time in which the machine is suspended.
///
/// A process that stood still (SIGSTOP, a paused machine) knows what was, not what is. So what was asked longer ago than
/// ``FailoverSettings/observationLimit`` counts as unknown: no lease is taken, no leader followed, and no node counted by it.
package struct FailoverMachine: Sendable {
    package let settings: FailoverSettings
    package private(set) var state = State.following
    /// `nil` before the store was read.
    package private(set) var lease: LeaseAnswer?
    package private(set) var local: NodeObservation?
    package private(set) var peers: [String: NodeObservation] = [:]
    /// Why no node is promoted, as far as this node knows; for status and metrics.
    package private(set) var block: BlockReason?
    /// Until when this node takes no lease, since it agreed to its leader.
    var promisedUntil = Duration.zero
    /// Whether something kills the server if this process freezes. Without it this node does not lead.
    package private(set) var isWatched = true
    /// Until when an operator wants this node to lead even if its data is incomplete.
    private(set) var forcedUntil: Duration?
    private var agreements: [String: Duration] = [:]
    private var lastReadAt: Duration?
    /// When the store's last answer came.
    private var leaseKnownAt = Duration.zero
    /// When the question was sent that the store answered last; `nil` before the first answer.
    private var leaseAskedAt: Duration?
    /// The highest term that the store, or the data of any node, was ever known to have: none of them is issued again.
    private(set) var highestTerm: UInt64 = 0
    /// The server's process by whose data this node takes the lease.
    private var chosenRun: String?
    private var lastWriteAt: Duration?
    private var lastAskedAt: Duration?
    private var lastPeersAt: Duration?
    /// When the store last told of a change by itself.
    private var toldAt: Duration?
    /// Until when the lease is another node's, as of the last tick.
    private var waitsUntil: Duration?
    private var lastFollowAt: Duration?
    private var isWriteUnderWay = false

    package init(_ settings: FailoverSettings) { self.settings = settings }

    // MARK: What is seen

    /// The store answered.
    ///
    /// An answer to a question that was sent before the present record was known is void: it may show an older one.
    ///
    /// - Parameters:
    ///   - found: `nil` where there is no lease.
    ///   - askedAt: when the question was sent.
    package mutating func see(
        lease found: (record: LeaseRecord, version: LeaseVersion)?, askedAt: Duration, at now: Duration
    ) -> [Action] {
        guard askedAt >= leaseKnownAt else { return [] }
        leaseKnownAt = now
        leaseAskedAt = askedAt
        lastReadAt = max(lastReadAt ?? askedAt, askedAt)
        guard let found else {
            if case .absent = lease {} else { lease = .absent(since: now) }
            guard let leadership else { return [] }
            // Another program removed it.
            return fence(.leaseTaken(by: nil), leadership)
        }
        hear(term: found.record.term)
        // A store that was restored may use the name of a version again, for another record.
        if case .present(let known) = lease, known.version == found.version, known.record == found.record { return [] }
        lease = .present(LeaseObservation(record: found.record, version: found.version, unchangedSince: now))
        guard let leadership else { return [] }
        guard found.record.holder == settings.node, found.record.term == leadership.term else {
            return fence(.leaseTaken(by: found.record.holder), leadership)
        }
        return []
    }

    /// The store tells that the lease has changed: a hint, which may be older than what is known.
    ///
    /// - Returns: whether to read it now. A leader also hears of its own renewals: the next one shows whether another node has
    ///   changed the lease.
    package mutating func storeTold(at now: Duration) -> Bool {
        if case .leading = state, isWriteUnderWay || lastWriteAt.map({ now - $0 < settings.interval / 2 }) ?? false {
            return false
        }
        toldAt = now
        return true
    }

    package mutating func see(local observation: NodeObservation, at now: Duration) -> [Action] {
        if let local, observation.askedAt < local.askedAt { return [] }
        local = observation
        if let position = observation.position { hear(term: position.term) }
        switch state {
        case .following, .taking:
            if case .master(isTakingWrites: true) = observation.role {
                state = .fencing(.notLeader, nil, nil)
                return [.fence(.notLeader), .tell(.fencing(.notLeader))]
            }
            return []
        case .promoting(let leadership, _), .recording(let leadership, _), .leading(let leadership),
            .handingOver(let leadership, _, _, _):
            // A restarted server has another history, which the lease does not name.
            let isAnother = leadership.run.map { $0 != observation.run } ?? false
            return observation.isAway || isAnother ? fence(.serverAway, leadership) : []
        case .fencing, .releasing: return []
        }
    }

    package mutating func see(peer name: String, _ observation: NodeObservation) {
        if let known = peers[name], observation.askedAt < known.askedAt { return }
        peers[name] = observation
        if let position = observation.position { hear(term: position.term) }
    }

    /// A term that some node's data or position file has, regardless of what its server has now.
    package mutating func hear(term: UInt64) { highestTerm = max(highestTerm, min(term, .max - 1)) }

    /// The dead-man process is gone for too long, or is back.
    package mutating func see(isWatched: Bool, at now: Duration) -> [Action] {
        self.isWatched = isWatched
        guard !isWatched, let leadership, !isReleasing else { return [] }
        return fence(.unwatched, leadership)
    }

    // MARK: What was done

    /// - Parameter sentAt: when the request was sent: the duration counts from then.
    package mutating func leaseWritten(
        _ record: LeaseRecord, _ version: LeaseVersion, sentAt: Duration, at now: Duration
    ) -> [Action] {
        isWriteUnderWay = false
        leaseKnownAt = now
        leaseAskedAt = max(leaseAskedAt ?? sentAt, sentAt)
        lastReadAt = max(lastReadAt ?? sentAt, sentAt)
        hear(term: record.term)
        lease = .present(LeaseObservation(record: record, version: version, unchangedSince: now))
        switch state {
        case .taking(let term, _) where record.holder == settings.node && record.term == term:
            let leadership = Leadership(term: term, validFrom: sentAt, run: chosenRun)
            state = .promoting(leadership, since: now)
            return [.promote(term: term)]
        case .promoting(var leadership, let since) where isMine(record, leadership):
            leadership.validFrom = max(leadership.validFrom, sentAt)
            state = .promoting(leadership, since: since)
            return []
        case .recording(var leadership, let history) where isMine(record, leadership):
            leadership.validFrom = max(leadership.validFrom, sentAt)
            guard record.newestHistory == history else {
                // The write was under way when the history became known: the next one names it.
                state = .recording(leadership, history)
                return renewal(at: now)
            }
            guard now < fenceBegin(leadership) else { return fence(.leaseRanOut, leadership) }
            state = .leading(leadership)
            agreements = [:]
            forcedUntil = nil
            return [
                .takeWrites(term: leadership.term), .publish(term: leadership.term),
                .tell(.leads(term: leadership.term)),
            ]
        case .leading(var leadership) where isMine(record, leadership):
            leadership.validFrom = max(leadership.validFrom, sentAt)
            state = .leading(leadership)
            return []
        case .handingOver(var leadership, let target, let since, let pausedAt) where isMine(record, leadership):
            leadership.validFrom = max(leadership.validFrom, sentAt)
            state = .handingOver(leadership, to: target, since: since, pausedAt: pausedAt)
            return []
        case .releasing where record.holder == nil:
            state = .following
            return []
        // A renewal was under way when the fence was complete: the lease is given back now, not at the next renewal.
        case .releasing where record.holder == settings.node: return renewal(at: now)
        case .following, .taking, .promoting, .recording, .leading, .handingOver, .fencing, .releasing: return []
        }
    }

    /// The write failed, or it is not known whether it did.
    package mutating func leaseNotWritten(isConflict: Bool, at now: Duration) -> [Action] {
        isWriteUnderWay = false
        switch state {
        // Whether it is ours after all shows when the lease is read.
        case .taking: state = .following
        case .following, .promoting, .recording, .leading, .handingOver, .fencing, .releasing: break
        }
        lastReadAt = now
        return [.readLease]
    }

    /// The server is a master now, and refuses writes.
    ///
    /// - Parameter history: its name, and where it branched off; `nil` where the promotion failed.
    package mutating func promoted(_ history: (id: String, start: Int64, run: String)?, at now: Duration) -> [Action] {
        guard case .promoting(var leadership, _) = state else { return [] }
        guard let history else { return fence(.promotionFailed, leadership) }
        // It was restarted since the choice: its data may be others.
        guard history.run == leadership.run else { return fence(.serverAway, leadership) }
        leadership.run = history.run
        state = .recording(
            leadership, LeaseRecord.History(term: leadership.term, id: history.id, start: history.start))
        return renewal(at: now)
    }

    /// The server refuses writes now, or is gone.
    package mutating func fenced(at now: Duration) -> [Action] {
        guard case .fencing(_, let leadership, let handover) = state else { return [] }
        // Another node may have taken the lease meanwhile, and what is another node's is not given back.
        guard let leadership, case .present(let lease) = lease, isMine(lease.record, leadership) else {
            state = .following
            return []
        }
        // Writes that went on before the fence are not what the successor has.
        let isComplete = handover.map { now < $0.pauseEnds } ?? false
        state = .releasing(leadership, successor: isComplete ? handover?.successor : nil)
        return renewal(at: now)
    }

    /// The server holds writes now.
    package mutating func writesPaused(at now: Duration) -> [Action] {
        guard case .handingOver(let leadership, let target, let since, nil) = state else { return [] }
        state = .handingOver(leadership, to: target, since: since, pausedAt: now)
        return [.askPeers]
    }

    /// Another node agreed that this one leads.
    package mutating func agreed(_ name: String, askedAt: Duration) -> [Action] {
        guard case .leading(var leadership) = state, name != settings.node.name, settings.members.contains(name) else {
            return []
        }
        agreements[name] = max(agreements[name] ?? askedAt, askedAt)
        let others = settings.members.filter { $0 != settings.node.name }
        let times = others.compactMap { agreements[$0] }
        guard times.count == others.count, let oldest = times.min(), oldest > leadership.validFrom else { return [] }
        leadership.validFrom = oldest
        state = .leading(leadership)
        return [.tell(.goesOnByAgreement(term: leadership.term))]
    }

    // MARK: What others ask

    /// Whether this node agrees that another one leads, and so takes no lease for a while.
    ///
    /// The promise needs no disk: a restarted process waits for the whole duration before it takes a lease from its holder.
    package mutating func agrees(to leader: NodeID, term: UInt64, at now: Duration) -> Bool {
        guard case .following = state, case .present(let lease) = lease, lease.record.holder == leader,
            lease.record.term == term
        else { return false }
        promisedUntil = max(promisedUntil, now + settings.takeoverTime)
        return true
    }

    /// A person, or the end of the pod, wants another node to lead.
    package mutating func switchOver(to name: String, at now: Duration) -> [Action] {
        guard case .leading(let leadership) = state else {
            return [.tell(.switchoverFailed("this node does not lead"))]
        }
        guard name != settings.node.name, settings.members.contains(name) else {
            return [.tell(.switchoverFailed("\(name) is no other node"))]
        }
        guard let peer = peers[name], isCurrent(peer.askedAt, at: now), case .replica(_, isLinkUp: true) = peer.role
        else {
            return [.tell(.switchoverFailed("\(name) is no replica of this node with its link up"))]
        }
        state = .handingOver(leadership, to: name, since: now, pausedAt: nil)
        return [.pauseWrites(settings.pauseLimit)]
    }

    /// A person wants this node to lead although its data, or what is known of the others' data, says no.
    ///
    /// A leader that renews its lease or takes writes is not replaced. The order holds for two lease durations.
    package mutating func force(at now: Duration) -> [Action] {
        guard case .following = state else { return [.tell(.forceFailed("this node leads, or is about to"))] }
        forcedUntil = now + settings.takeoverTime * 2
        return []
    }

    // MARK: Time

    /// To be called five times an interval, and at ``nextDue``.
    package mutating func tick(at now: Duration) -> [Action] {
        var actions: [Action] = []
        switch state {
        case .following: actions += follow(at: now)
        case .taking: break
        case .promoting(let leadership, let since) where now - since >= settings.duration:
            return fence(.promotionFailed, leadership)
        case .promoting(let leadership, _), .recording(let leadership, _), .leading(let leadership):
            if now >= fenceBegin(leadership) { return fence(.leaseRanOut, leadership) }
        case .handingOver(let leadership, let target, let since, let pausedAt):
            if now >= fenceBegin(leadership) { return fence(.leaseRanOut, leadership) }
            actions += handOver(leadership, to: target, since: since, pausedAt: pausedAt, at: now)
        case .fencing, .releasing: break
        }
        if leadership != nil, isDue(lastWriteAt, now), !isWriteUnderWay { actions += renewal(at: now) }
        if case .leading(let leadership) = state, now - leadership.validFrom >= settings.interval * 2,
            isDue(lastAskedAt, now)
        {
            lastAskedAt = now
            actions.append(.askForAgreement(term: leadership.term))
        }
        // The store reports each renewal of the holder, and then it is read.
        let isTold = toldAt.map { now - $0 < settings.interval * 3 / 2 } ?? false
        if isDue(lastReadAt, now), !isTold, !isWriteUnderWay {
            lastReadAt = now
            actions.append(.readLease)
        }
        if isDue(lastPeersAt, now) {
            lastPeersAt = now
            actions.append(.askPeers)
        }
        return actions
    }

    /// When a tick is due at the latest; `nil`: at its usual pace.
    package var nextDue: Duration? {
        switch state {
        case .following: waitsUntil
        case .promoting(let leadership, let since): min(since + settings.duration, fenceBegin(leadership))
        case .handingOver(let leadership, _, let since, _):
            min(since + settings.pauseLimit / 2, fenceBegin(leadership))
        case .recording(let leadership, _), .leading(let leadership): fenceBegin(leadership)
        case .taking, .fencing, .releasing: nil
        }
    }

    private func isDue(_ last: Duration?, _ now: Duration) -> Bool {
        last.map { now - $0 >= settings.interval } ?? true
    }

    /// When fencing has to begin so that it is complete before the lease may be another node's.
    func fenceBegin(_ leadership: Leadership) -> Duration {
        leadership.validFrom + settings.duration - settings.fenceTime
    }

    /// This node's place in the lease, regardless of what it still does with it.
    var leadership: Leadership? {
        switch state {
        case .promoting(let leadership, _), .recording(let leadership, _), .leading(let leadership),
            .handingOver(let leadership, _, _, _), .releasing(let leadership, _):
            leadership
        case .following, .taking, .fencing: nil
        }
    }

    /// Whether the server may acknowledge writes: a process that stood still may not know yet that its time is over.
    package func mayTakeWrites(at now: Duration) -> Bool {
        switch state {
        case .leading(let leadership): now < leadership.validFrom + settings.duration
        case .following, .taking, .promoting, .recording, .handingOver, .fencing, .releasing: false
        }
    }

    /// Whether what was asked then still says how things are.
    package func isCurrent(_ askedAt: Duration, at now: Duration) -> Bool {
        now - askedAt <= settings.observationLimit
    }

    /// Whether the record is the one that the store had lately.
    package func knowsLease(at now: Duration) -> Bool { leaseAskedAt.map { isCurrent($0, at: now) } ?? false }

    private var isReleasing: Bool { if case .releasing = state { true } else { false } }

    private func isMine(_ record: LeaseRecord, _ leadership: Leadership) -> Bool {
        record.holder == settings.node && record.term == leadership.term
    }

    private mutating func fence(
        _ reason: FenceReason, _ leadership: Leadership, _ handover: Handover? = nil
    ) -> [Action] {
        if case .releasing = state {
            // It refuses writes already.
            state = .following
            return []
        }
        // What is another node's is not given back.
        var isOurs = true
        if case .leaseTaken = reason { isOurs = false }
        state = .fencing(reason, isOurs ? leadership : nil, handover)
        return [.fence(reason), .tell(.fencing(reason))]
    }

    // MARK: Without the lease

    private mutating func follow(at now: Duration) -> [Action] {
        waitsUntil = nil
        switch candidacy(at: now) {
        case .take(let record, let version):
            block = nil
            state = .taking(term: record.term, sentAt: now)
            chosenRun = local?.run
            isWriteUnderWay = true
            lastWriteAt = now
            return [.writeLease(record, replacing: version)]
        case .wait(let until):
            block = nil
            waitsUntil = until
        case .blocked(let reason):
            defer { block = reason }
            return (block == reason ? [] : [.tell(.blocked(reason))]) + followLeader(at: now)
        }
        return followLeader(at: now)
    }

    /// Replicates from who leads, once that one is promoted.
    private mutating func followLeader(at now: Duration) -> [Action] {
        guard case .present(let lease) = lease, let holder = lease.record.holder, holder.name != settings.node.name,
            let history = lease.record.newestHistory, history.term == lease.record.term, isLeaderCurrent(at: now),
            let local, !local.isAway, isCurrent(local.askedAt, at: now), isDue(lastFollowAt, now)
        else { return [] }
        if case .replica(of: holder.name, _) = local.role { return [] }
        lastFollowAt = now
        return [.follow(holder.name, term: lease.record.term)]
    }

    /// Whether the holder in the record is the present one: while the store is away, its questions say so.
    package func isLeaderCurrent(at now: Duration) -> Bool { knowsLease(at: now) || now < promisedUntil }

    // MARK: With the lease

    /// Renews the lease, with what this node has to say in it.
    private mutating func renewal(at now: Duration) -> [Action] {
        guard case .present(let lease) = lease, !isWriteUnderWay else { return [] }
        var record = lease.record
        guard record.holder == settings.node else { return [] }
        switch state {
        case .recording(_, let history): if record.newestHistory != history { record.append(history) }
        case .releasing(_, let successor):
            record.holder = nil
            record.successor = successor
        case .following, .taking, .promoting, .leading, .handingOver, .fencing: break
        }
        record.renewals &+= 1
        isWriteUnderWay = true
        lastWriteAt = now
        return [.writeLease(record, replacing: lease.version)]
    }

    private mutating func handOver(
        _ leadership: Leadership, to target: String, since: Duration, pausedAt: Duration?, at now: Duration
    ) -> [Action] {
        guard now - since < settings.pauseLimit / 2 else {
            state = .leading(leadership)
            return [.resumeWrites, .tell(.switchoverFailed("\(target) did not catch up in time"))]
        }
        // Both as they were asked since writes were paused.
        guard let pausedAt else { return [] }
        guard let local, let peer = peers[target], local.askedAt >= pausedAt, peer.askedAt >= pausedAt,
            let own = local.position, let theirs = peer.position, own == theirs
        else { return [.askPeers] }
        let handover = Handover(
            successor: .init(name: target, offset: own.offset), pauseEnds: since + settings.pauseLimit)
        return fence(.handover, leadership, handover)
    }
}
