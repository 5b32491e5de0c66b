import RedisCore

/// The choice of the sync source.
extension StartupGuard {
    /// What to do where a start would lose keys and the data may be restored from replicas.
    ///
    /// No replica is chosen while another one could be ahead of it. One that cannot be asked, or whose server is
    /// not running, is waited for. After the guard's time, one that is not running counts as gone; one that cannot be
    /// asked blocks the start. A replica that says it is connected may not have noticed yet that its master is gone
    /// (`repl-timeout`, a minute): that is waited for too.
    func reseed(
        _ observations: [(address: String, observation: Observation)], _ losses: [String], _ unknowns: [String],
        elapsedSeconds: Int
    ) -> Verdict {
        let isOver = elapsedSeconds >= timeoutSeconds
        let connected = observations.compactMap { otherMaster(at: $0.address, $0.observation) }
        if let first = connected.first { return isOver ? .hold(connected) : .askAgain(why: first) }
        if let unknown = unknowns.first {
            return isOver
                ? .hold(unknowns.map { "\($0), and it may be ahead of the others; \(losses[0])" })
                : .askAgain(why: unknown)
        }
        if !isOver, let away = observations.first(where: { $0.observation == .refused }) {
            return .askAgain(why: "nothing listens at \(away.address), and its data may be ahead of the others'")
        }
        guard let choice = freshest(observations) else { return .hold(losses) }
        return .reseed(from: choice.index, warning: choice.warning, losses: losses)
    }

    /// The replica with the highest offset; where they do not share a history, the one with the most keys, and a warning.
    private func freshest(
        _ observations: [(address: String, observation: Observation)]
    ) -> (index: Int, warning: String?)? {
        var candidates: [(index: Int, replica: Replica)] = []
        for (index, entry) in observations.enumerated() {
            if case .replica(let replica) = entry.observation, replica.keys > 0, goesOnFromOurs(replica) {
                candidates.append((index, replica))
            }
        }
        guard let first = candidates.first else { return nil }
        let isOneHistory = candidates.allSatisfy { $0.replica.sharesHistory(with: first.replica) }
        // The first of equals, so that a second attempt chooses the same.
        let best = candidates.dropFirst().reduce(first) { best, candidate in
            let isBetter =
                isOneHistory
                ? candidate.replica.offset > best.replica.offset : candidate.replica.keys > best.replica.keys
            return isBetter ? candidate : best
        }
        guard !isOneHistory else { return (best.index, nil) }
        let passedOver = candidates.filter { $0.index != best.index }.map {
            "\(observations[$0.index].address) (\($0.replica.keysInWords))"
        }
        return (
            best.index,
            "the replicas do not share one history, so offsets cannot be compared; "
                + "\(observations[best.index].address) holds the most keys (\(best.replica.keys)) and is taken; "
                + "what only \(passedOver.joined(separator: ", ")) holds is lost when it follows this master"
        )
    }

    /// Whether its data is ours and more; anybody's is where we have none.
    private func goesOnFromOurs(_ replica: Replica) -> Bool {
        guard case .snapshot(_, let id, _) = data else { return true }
        return id == replica.replicationID || id == replica.secondReplicationID
    }

    /// Why a copy of the sync source's data must not be loaded after all; nil where nothing speaks against it.
    ///
    /// - Parameters:
    ///   - copied: the sync source as it was while its RDB was made.
    ///   - observations: every replica, asked again since.
    public func objection(
        toCopyOf copied: Replica, at syncSource: String, _ observations: [(address: String, observation: Observation)]
    ) -> ReseedFailure? {
        for (address, observation) in observations {
            if let words = promotion(at: address, observation) ?? otherMaster(at: address, observation) {
                return .otherMaster(words)
            }
            guard case .replica(let replica) = observation else {
                if let words = unknown(at: address, observation) { return .transfer(words) }
                if address == syncSource {
                    return .transfer("nothing listens at \(syncSource) any more, so it cannot be compared")
                }
                continue
            }
            let isAhead = replica.sharesHistory(with: copied) && replica.offset > copied.offset
            if isAhead || (address == syncSource && replica.offset != copied.offset) {
                return .transfer(
                    "\(address) is at offset \(replica.offset) now, and the copy ends at \(copied.offset): it went on meanwhile"
                )
            }
        }
        return nil
    }
}

extension StartupGuard.Replica {
    /// Whether two offsets can be compared: both count the bytes of one stream.
    func sharesHistory(with other: Self) -> Bool {
        replicationID == other.replicationID || replicationID == other.secondReplicationID
            || secondReplicationID == other.replicationID
    }
}
