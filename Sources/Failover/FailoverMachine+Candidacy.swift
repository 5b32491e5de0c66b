extension FailoverMachine {
    /// Whether this node may take the lease: every rule, in the order in which a person would ask.
    package func candidacy(at now: Duration) -> Candidacy {
        guard let lease else { return .blocked(.leaseUnknown) }
        // A person decides against what the data rules say, never against a leader that is there.
        let isForced = forcedUntil.map { now < $0 } ?? false
        guard isWatched else { return .blocked(.unwatched) }
        guard settings.priority > 0 || isForced else { return .blocked(.priorityZero) }
        // The leader may go on by this promise, unless it has given the lease back since.
        var isReleased = false
        if case .present(let lease) = lease { isReleased = lease.record.holder == nil }
        if now < promisedUntil, !isReleased { return .blocked(.promised(until: promisedUntil)) }

        // Since when surely no node takes writes: what was asked before says nothing of where the data ends.
        let freeSince: Duration
        let record: LeaseRecord?
        let version: LeaseVersion?
        switch lease {
        case .absent(let since): (freeSince, record, version) = (since, nil, nil)
        case .present(let lease):
            let free = freeTime(of: lease)
            guard now >= free else { return .wait(until: free) }
            if lease.record.isPaused, !isForced, lease.record.successor?.name != settings.node.name {
                return .blocked(.paused)
            }
            // While it was promised, the leader may have gone on.
            (freeSince, record, version) = (
                isReleased ? free : max(free, promisedUntil), lease.record, lease.version
            )
        }

        // The write replaces only the version that is known. A restored store may have that version again.
        guard knowsLease(at: now) else { return .blocked(.leaseUnknown) }
        guard let local, local.askedAt >= freeSince, isCurrent(local.askedAt, at: now) else {
            return .blocked(.ownServerAway)
        }
        let isSuccessor = record.map { $0.holder == nil && $0.successor?.name == settings.node.name } ?? false
        switch local.role {
        case .away: return .blocked(.ownServerAway)
        case .incomplete(.positionUnknown) where isForced, .incomplete(.lostData) where isForced: break
        case .incomplete(let reason): return .blocked(.ownDataIncomplete(reason))
        case .replica(_, isLinkUp: true) where !isSuccessor: return .blocked(.linkUp)
        case .replica, .master: break
        }
        if let reason = dataObjection(record, isSuccessor: isSuccessor, since: freeSince, at: now) {
            guard isForced, reason.isOfData else { return .blocked(reason) }
        }

        var taken = record ?? LeaseRecord(holder: nil, term: 0, duration: settings.duration)
        taken.holder = settings.node
        // A store that was wiped or restored has an old number, or none, and the data do not: a higher term has to be newer.
        taken.term = highestTerm + 1
        if let position = local.position, position.term > record?.newestHistory?.term ?? 0, position.term > 0 {
            // The store lacks the term of these data. Where it branched off is not known here: 0 keeps too much, not too little.
            taken.append(LeaseRecord.History(term: position.term, id: position.history, start: 0))
        }
        taken.duration = settings.duration
        taken.successor = nil
        taken.renewals &+= 1
        return .take(taken, replacing: version)
    }

    /// What the data of this node and of the others say against it.
    private func dataObjection(
        _ record: LeaseRecord?, isSuccessor: Bool, since freeSince: Duration, at now: Duration
    ) -> BlockReason? {
        // A leader that is there comes before all others.
        for name in settings.members where name != settings.node.name {
            if let peer = answer(of: name, since: freeSince, at: now), case .master(isTakingWrites: true) = peer.role {
                return .masterAlive(name)
            }
        }
        // A record that was restored may lack the newest term: data of a later one are newer than it says.
        if let newest = record?.newestHistory, local?.position?.history != newest.id,
            local?.position?.term ?? 0 <= newest.term
        {
            return .notInSync
        }
        if isSuccessor, let end = record?.successor?.offset, (local?.position?.offset ?? -1) < end {
            return .behindHandover
        }
        return objection(
            to: local?.position, since: freeSince, at: now, successor: isSuccessor,
            hasNoHistory: record?.newestHistory == nil)
    }

    private func answer(of name: String, since freeSince: Duration, at now: Duration) -> NodeObservation? {
        guard let peer = peers[name], peer.askedAt >= freeSince, isCurrent(peer.askedAt, at: now) else { return nil }
        return peer
    }

    /// From when on the lease may be this node's.
    private func freeTime(of lease: LeaseObservation) -> Duration {
        guard let holder = lease.record.holder else {
            let successor = lease.record.successor?.name
            // The others give the successor time.
            let isOurs = successor == nil || successor == settings.node.name
            return lease.unchangedSince + (isOurs ? .zero : settings.duration / 2)
        }
        // This process has given up its place, or an earlier one in this pod had it, and is gone.
        if holder == settings.node || settings.node.isLaterStart(of: holder) { return lease.unchangedSince }
        return lease.unchangedSince + max(settings.takeoverTime, lease.record.duration + settings.clockTolerance)
    }

    /// What the other nodes say against it.
    private func objection(
        to position: DataPosition?, since freeSince: Duration, at now: Duration, successor isSuccessor: Bool,
        hasNoHistory: Bool
    ) -> BlockReason? {
        var answers = 1
        for name in settings.members where name != settings.node.name {
            guard let peer = answer(of: name, since: freeSince, at: now) else { continue }
            switch peer.role {
            case .incomplete(.positionUnknown) where hasNoHistory: return .peerUnknown(name)
            // It has at least what its server says, and may have had more: it is no answer, and may be ahead.
            case .incomplete(.positionUnknown), .incomplete(.lostData):
                if let theirs = peer.position, position.map({ theirs.order(to: $0) == .ahead }) ?? true {
                    return .peerAhead(name)
                }
                continue
            case .away, .incomplete: continue
            case .master(isTakingWrites: true): return .masterAlive(name)
            case .master, .replica: answers += 1
            }
            guard let theirs = peer.position else { continue }
            guard let position else { return .peerAhead(name) }
            switch theirs.order(to: position) {
            case .ahead: return .peerAhead(name)
            case .unrelated: return .peerUnrelated(name)
            case .behind, .same: break
            }
        }
        // The leader made sure that its successor has everything.
        let needed = isSuccessor ? 1 : settings.readQuorum
        return answers < needed ? .tooFewAnswers(answers, needed: needed) : nil
    }
}
