import Replication

/// Whose data is brought home.
extension BirthGuard {
    /// What to do where a start would lose keys and the data may be brought home.
    ///
    /// Nobody is chosen while another replica could be ahead of the choice: one that cannot be asked, or whose server is
    /// just not running, is waited for. After the guard's time one that is not running counts as gone; one that cannot be
    /// asked holds the master. A replica that is connected to a master may only not have noticed that its own is gone
    /// (`repl-timeout`, a minute): that is waited for too.
    func reseed(
        _ sightings: [(address: String, sighting: Sighting)], _ losses: [String], _ unknowns: [String],
        elapsedSeconds: Int
    ) -> Verdict {
        let isOver = elapsedSeconds >= timeoutSeconds
        let promoted = sightings.compactMap { promotion(at: $0.address, $0.sighting) }
        guard promoted.isEmpty else { return .hold(promoted) }
        let connected = sightings.compactMap { otherMaster(at: $0.address, $0.sighting) }
        if let first = connected.first { return isOver ? .hold(connected) : .askAgain(why: first) }
        if let unknown = unknowns.first {
            return isOver
                ? .hold(unknowns.map { "\($0), and it may be ahead of the others; \(losses[0])" })
                : .askAgain(why: unknown)
        }
        if !isOver, let away = sightings.first(where: { $0.sighting == .refused }) {
            return .askAgain(why: "nothing listens at \(away.address), and its data may be ahead of the others'")
        }
        guard let choice = freshest(sightings) else { return .hold(losses) }
        return .reseed(from: choice.index, warning: choice.warning, losses: losses)
    }

    /// The replica with the highest offset; where they do not share a history, the one with the most keys, and a warning.
    private func freshest(
        _ sightings: [(address: String, sighting: Sighting)]
    ) -> (index: Int, warning: String?)? {
        var candidates: [(index: Int, replica: Replica)] = []
        for (index, entry) in sightings.enumerated() {
            if case .replica(let replica) = entry.sighting, replica.keys > 0, goesOnFromOurs(replica) {
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
            "\(sightings[$0.index].address) (\($0.replica.keysInWords))"
        }
        return (
            best.index,
            "the replicas do not share one history, so offsets cannot be compared; "
                + "\(sightings[best.index].address) holds the most keys (\(best.replica.keys)) and is taken; "
                + "what only \(passedOver.joined(separator: ", ")) holds is lost when it follows this master"
        )
    }

    /// Whether its data is ours and more; anybody's is where we have none.
    private func goesOnFromOurs(_ replica: Replica) -> Bool {
        guard case .snapshot(_, let id, _) = data else { return true }
        return id == replica.replicationID || id == replica.secondReplicationID
    }

    /// Why a server counts as another master, beside which there must not be a second one; nil where it does not.
    private func promotion(at address: String, _ sighting: Sighting) -> String? {
        guard case .replica(let replica) = sighting, replica.keys > 0, replica.follows == nil else { return nil }
        return
            "\(address) is a master with \(replica.keysInWords): it was promoted, and clients may be writing to it. Have "
            + "the Service of the master lead there, or make it a replica again (REPLICAOF)"
    }

    /// Why a server counts as connected to another master; nil where it does not.
    private func otherMaster(at address: String, _ sighting: Sighting) -> String? {
        guard case .replica(let replica) = sighting, replica.keys > 0, let follows = replica.follows, replica.isLinkUp
        else { return nil }
        return
            "\(address) is connected to its master at \(follows): another master is at work. Have the Service of the master "
            + "lead there, or point the replicas at this one's name"
    }

    /// Why a copy of the donor's data must not be loaded after all; nil where nothing speaks against it.
    ///
    /// - Parameters:
    ///   - copied: the donor as it was while its RDB was made.
    ///   - sightings: every replica, asked again since.
    public func objection(
        toCopyOf copied: Replica, at donor: String, _ sightings: [(address: String, sighting: Sighting)]
    ) -> ReseedFailure? {
        for (address, sighting) in sightings {
            if let words = promotion(at: address, sighting) ?? otherMaster(at: address, sighting) {
                return .otherMaster(words)
            }
            guard case .replica(let replica) = sighting else {
                if let words = unknown(at: address, sighting) { return .transfer(words) }
                if address == donor {
                    return .transfer("nothing listens at \(donor) any more, so it cannot be compared")
                }
                continue
            }
            let isAhead = replica.sharesHistory(with: copied) && replica.offset > copied.offset
            if isAhead || (address == donor && replica.offset != copied.offset) {
                return .transfer(
                    "\(address) is at offset \(replica.offset) now, and the copy ends at \(copied.offset): it went on meanwhile"
                )
            }
        }
        return nil
    }
}

extension BirthGuard.Replica {
    /// Whether two offsets can be compared: both count the bytes of one stream.
    func sharesHistory(with other: Self) -> Bool {
        replicationID == other.replicationID || replicationID == other.secondReplicationID
            || secondReplicationID == other.replicationID
    }
}
