import RedisCore

/// Another master: while it runs, this server must not become a master too, regardless of its data.
extension StartupGuard {
    /// What to do where a server says that it is a master, or a replica hears one; nil where there is none.
    ///
    /// Two masters take writes that only one of them keeps. Which one stays is an operator's choice, or has been decided:
    /// an operator promoted the other one. With policy `reseed` this server then restarts as its replica; its extra data
    /// is kept aside. This is not possible where two others are masters, or only a replica reports one.
    func besideAnotherMaster(
        _ observations: [(address: String, observation: Observation)], elapsedSeconds: Int
    ) -> Verdict? {
        let isOver = elapsedSeconds >= timeoutSeconds
        let masters = observations.indices.filter { isPromoted(observations[$0].observation) }
        let promoted = observations.compactMap { promotion(at: $0.address, $0.observation) }
        let loading = observations.filter { $0.observation == .loadingMaster }.compactMap {
            unknown(at: $0.address, $0.observation)
        }
        if let master = masters.first {
            // An empty one may have lost what it had: a person says whether this server is to be as empty.
            let isEmpty =
                if case .replica(let replica) = observations[master].observation { replica.keys == 0 } else { true }
            guard policy == .reseed, masters.count == 1, !isEmpty else { return block(promoted) }
            // One that cannot be asked may be a second master.
            let unknowns =
                observations.compactMap { unknown(at: $0.address, $0.observation) } + missingTrace(observations)
            if let unknown = unknowns.first, !isOver { return .askAgain(why: "\(unknown); \(promoted[0])") }
            guard loading.isEmpty else { return .hold(promoted + loading) }
            if case .replica(let replica) = observations[master].observation, isOfAnotherHistory(replica) {
                return .hold(
                    promoted.map { "\($0). It shares no history with this master's data, so it is not followed" })
            }
            return .follow(master, reason: promoted[0])
        }
        if let first = loading.first {
            if !isOver || policy == .wait { return .askAgain(why: first) }
            return .hold(loading.map { "\($0): it was promoted, and a second master must not stand beside it" })
        }
        // Where a start would cost keys it does not come to that. With an append-only file a link says more than a history.
        if case .undated = data { return besideUnseenMaster(observations, elapsedSeconds: elapsedSeconds) }
        if policy != .reseed, observations.contains(where: { loss(at: $0.address, $0.observation) != nil }) {
            return nil
        }
        return besideUnseenMaster(observations, elapsedSeconds: elapsedSeconds)
    }

    /// A promoted replica may have left the list: in Kubernetes its label changes. Its own replicas hear it, though.
    ///
    /// A link that is up may also be a dead one: a node that failed closes no connection. A master that lives is heard every
    /// ten seconds, so one that was heard since we began is alive, and only a link that was silent for longer than that is
    /// known to be dead.
    private func besideUnseenMaster(
        _ observations: [(address: String, observation: Observation)], elapsedSeconds: Int
    ) -> Verdict? {
        let connected = observations.filter { otherMaster(at: $0.address, $0.observation, among: observations) != nil }
        let words = connected.compactMap { otherMaster(at: $0.address, $0.observation) }
        guard let first = words.first else { return nil }
        let isHeard = connected.contains {
            guard case .replica(let replica) = $0.observation, let silent = replica.silentSeconds else { return false }
            return elapsedSeconds >= 2 && silent <= Int64(elapsedSeconds - 2)
        }
        if isHeard { return block(words.map { "\($0). \(Self.secondMasterConsent)" }) }
        let areDead = connected.allSatisfy {
            guard case .replica(let replica) = $0.observation, let silent = replica.silentSeconds else { return false }
            return silent >= Int64(Self.pingSeconds)
        }
        if areDead { return nil }
        if elapsedSeconds < timeoutSeconds { return .askAgain(why: first) }
        return block(words.map { "\($0) (asked for \(timeoutSeconds) s). \(Self.secondMasterConsent)" })
    }

    /// Whether our data is known to be no part of this master's history: it may be a stray one.
    private func isOfAnotherHistory(_ master: Replica) -> Bool {
        guard case .snapshot(_, let id, _) = data else { return false }
        return id != master.replicationID && id != master.secondReplicationID
    }

    private func isPromoted(_ observation: Observation) -> Bool {
        guard case .replica(let replica) = observation else { return false }
        return replica.follows == nil && (replica.keys > 0 || wasPromoted(replica))
    }

    /// Whether a master without keys is more than one that never had any: its history was another server's before, or is ours.
    private func wasPromoted(_ master: Replica) -> Bool {
        // A replica that never heard a master and is promoted has a second id too, and no byte of a stream.
        if master.secondReplicationID != nil, master.secondOffset > 0, master.offset > 0 { return true }
        guard case .snapshot(_, let id, _) = data else { return false }
        return id == master.replicationID
    }

    /// Why a server counts as another master; nil where it does not. One without keys counts only where it was promoted.
    func promotion(at address: String, _ observation: Observation) -> String? {
        guard case .replica(let replica) = observation, isPromoted(observation) else { return nil }
        let seen =
            "\(address) is a master with \(replica.keysInWords): it was promoted, and clients may be writing to it. "
        if policy == .wait {
            return seen
                + "This start waits until it is a replica again (REPLICAOF); or have the Service of the master lead "
                + "there, set REDIS_ON_EMPTY=reseed and start again, so that this server comes back as its replica"
        }
        let giveUp =
            "To give up what was written there instead, make it a replica again (REPLICAOF) and set REDIS_ON_EMPTY=start "
            + "for one start"
        if replica.keys == 0 {
            return seen
                + "To keep what it did, have the Service of the master lead there, and start this server as its replica. "
                + giveUp
        }
        return seen
            + "Have the Service of the master lead there, and set REDIS_ON_EMPTY=reseed: this server then comes back as its "
            + "replica. " + giveUp
    }

    private static let secondMasterConsent =
        "If that master is gone for good, promote one of its replicas (REPLICAOF NO ONE), so that its data stays; to start "
        + "all the same, set REDIS_ON_EMPTY=start for one start"

    /// Why a server counts as connected to another master; nil where it does not.
    func otherMaster(at address: String, _ observation: Observation) -> String? {
        guard case .replica(let replica) = observation, let follows = replica.follows, replica.isLinkUp,
            replica.keys > 0 || replica.hasPromotedHistory
        else { return nil }
        return
            "\(address) is connected to its master at \(follows): another master is at work. Have the Service of the master "
            + "lead there, or point the replicas at this one's name"
    }

    /// The same, but for a replica of a replica that is on the list.
    private func otherMaster(
        at address: String, _ observation: Observation,
        among observations: [(address: String, observation: Observation)]
    ) -> String? {
        guard case .replica(let replica) = observation, let follows = replica.follows else { return nil }
        let isChained = observations.contains {
            guard $0.address == follows.description, case .replica(let other) = $0.observation else { return false }
            return other.follows != nil
        }
        return isChained ? nil : otherMaster(at: address, observation)
    }

    /// Whether everything in our files is in this master's data too, so that nothing has to be kept aside.
    public func isContained(in master: Replica) -> Bool {
        switch data {
        case .snapshot(_, let id, let offset):
            if id == master.replicationID { return offset <= master.offset }
            return id == master.secondReplicationID && offset < master.secondOffset
        // Empty is what redis-server loads; other files may lie beside it.
        case .empty, .outdated, .undated, .unreadable, .unlisted, .damaged: return false
        }
    }
}
