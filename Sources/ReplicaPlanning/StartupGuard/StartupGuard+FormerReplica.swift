import RedisCore

/// A master that was another one's replica until its last end.
extension StartupGuard {
    /// What to do before that one has said what it is now; nil where it is a replica again.
    ///
    /// Its data went on after ours, regardless of our files, so only an operator's consent starts this server as a master
    /// without it: policy `hold` waits a moment, `reseed` the guard's time, and then the start is blocked.
    func asFormerReplica(
        _ observations: [(address: String, observation: Observation)], elapsedSeconds: Int
    ) -> Verdict? {
        switch trace {
        case nil: return nil
        case .unreadable(let file):
            return block([
                "\(shownPath(file)) says that this server was a replica, and not of whom. \(consent(file))"
            ])
        case .replica(let master, let file):
            let said = "\(shownPath(file)) says that this server was a replica of \(master)"
            let found = observations.first { $0.address == master.description }?.observation
            if case .replica(let replica) = found {
                if replica.follows != nil { return nil }
                return block(["\(said), which is a master and holds no keys. \(consent(file))"])
            }
            guard let missing = missingTrace(observations).first else { return nil }
            let patience = policy == .hold ? min(timeoutSeconds, Self.graceSeconds) : timeoutSeconds
            if elapsedSeconds < patience { return .askAgain(why: "\(said); \(missing)") }
            return block(["\(said); \(missing) (asked for \(patience) s). It has to answer first. \(consent(file))"])
        }
    }

    /// Why the master that this server followed has not said what it is; none where it has.
    func missingTrace(_ observations: [(address: String, observation: Observation)]) -> [String] {
        guard case .replica(let master, _) = trace else { return [] }
        guard let entry = observations.first(where: { $0.address == master.description }) else {
            return ["\(master) has no address"]
        }
        return [unknown(at: entry.address, entry.observation) ?? away(at: entry.address, entry.observation)].compactMap(
            \.self
        )
        .filter { _ in entry.observation != .loading }
    }

    private func consent(_ file: [UInt8]) -> String {
        let copy: String
        if case .empty = data {
            copy = "without data: \(ownState); folders redis-replica-init.* beside the file may hold an older copy"
        } else {
            copy = "with its copy"
        }
        return
            "If that one is gone for good, and this server is to be the master \(copy): remove \(shownPath(file)), or "
            + "set REDIS_ON_EMPTY=start for one start"
    }
}
