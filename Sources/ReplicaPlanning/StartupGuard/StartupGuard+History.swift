import RedisCore

/// Replicas whose history went on under another master.
///
/// A replica that is promoted gives the history a new id, and keeps the old one as the second (`master_replid2`, up to
/// `second_repl_offset`). Its own replicas take both over. So they tell of the promotion also where the promoted one is
/// dead and off the list. A master with an append-only file gets a new id at every start, and its replicas copy all its
/// data then, which clears the second id.
extension StartupGuard {
    /// Data that does not tell how far it goes: only a promotion tells that a replica has more.
    func withUndatedData(
        _ resolution: Resolution, _ observations: [(address: String, observation: Observation)], elapsedSeconds: Int
    ) -> Verdict {
        let losses = observations.compactMap { loss(at: $0.address, $0.observation) }
        guard !losses.isEmpty else { return withOwnData(resolution, observations, elapsedSeconds: elapsedSeconds) }
        guard policy == .reseed else { return hold(losses) }
        let unknowns = observations.compactMap { unknown(at: $0.address, $0.observation) } + unknown(resolution)
        return reseed(observations, losses, unknowns, elapsedSeconds: elapsedSeconds)
    }

    /// Why a replica's data goes on after ours, under another master; nil where nothing tells so.
    ///
    /// One that follows this server again may have been made its replica by a person whom policy `wait` waited for, or by
    /// one who started this server as a replica before: there that says enough. An RDB of the replica's own history beside
    /// our file was written by us, so that history is ours.
    func continuation(at address: String, _ observation: Observation, after path: [UInt8]) -> String? {
        guard case .replica(let replica) = observation, let follows = replica.follows, replica.hasPromotedHistory,
            replica.replicationID != savedHistory
        else { return nil }
        if policy == .wait || trace != nil, replica.followsThisServer || !Address.isIP(utf8(follows.host)) {
            return nil
        }
        return
            "\(address) holds \(replica.keysInWords) at offset \(replica.offset), and another master was at work: from offset "
            + "\(replica.secondOffset) on its history is that of a server that was promoted (it follows \(follows) now). What "
            + "was written there is not in \(shownPath(path)), and would be lost"
    }
}

extension StartupGuard.Replica {
    /// Whether its history changed hands, and went on since.
    var hasPromotedHistory: Bool { secondReplicationID != nil && secondOffset > 0 && offset >= secondOffset }
}
