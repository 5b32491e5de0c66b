import RedisCore

/// A master with data of its own: only another master speaks against its start.
extension StartupGuard {
    /// Every address that exists is asked until it has answered or the time is over.
    ///
    /// Then one where nothing listens, or that no connection leads to, counts as gone: it takes no writes now, and a
    /// cluster in which one machine is dead has to start. One that runs and does not say what it is may be a master that
    /// takes writes: that blocks the start, and so does a network in which no server at all could be reached, since then it
    /// may be this server that is cut off.
    func withOwnData(
        _ resolution: Resolution, _ observations: [(address: String, observation: Observation)], elapsedSeconds: Int
    ) -> Verdict {
        let fuller = observations.compactMap { excess(at: $0.address, $0.observation) }
        if !fuller.isEmpty { return block(fuller) }
        let open = observations.compactMap { entry in
            reasonOpen(entry.observation).map { (address: entry.address, reason: $0, observation: entry.observation) }
        }
        let dark = unknown(resolution)
        let first = open.first.flatMap {
            unknown(at: $0.address, $0.observation) ?? away(at: $0.address, $0.observation)
        }
        guard let first = first ?? dark.first else { return .start(note: ownDataNote) }
        if elapsedSeconds < timeoutSeconds { return .askAgain(why: "\(first); it may be a master by now") }
        let isCutOff = !observations.contains { isSignOfLife($0.observation) }
        let blocking = open.filter {
            isCutOff || mayTakeWrites($0.observation) || isFollowed($0.address, by: observations)
        }
        let time = "within \(timeoutSeconds) s"
        if !blocking.isEmpty || isCutOff {
            let words = blocking.map { entry in
                "\(entry.address) did not answer \(time) (\(entry.reason)), and "
                    + (isFollowed(entry.address, by: observations)
                        ? "another server follows it: it was promoted"
                        : isCutOff ? "no other server did: this server may be cut off" : "it may be a master by now")
            }
            let cures = blocking.map { isFollowed($0.address, by: observations) ? Self.promotedCure : Self.unaskedCure }
            return block(
                zip(words, cures).map { "\($0). \($1)" } + (isCutOff ? dark : []).map { "\($0). \(Self.unaskedCure)" })
        }
        let gone = open.map { "\($0.address) (\($0.reason))" } + dark
        return .start(
            note: ownDataNote,
            warning: "no answer \(time) from \(gone.joined(separator: ", ")): counted as gone, and \(ownState). "
                + "A server there that was promoted would be a second master when it comes back")
    }

    /// Why a replica may have more than our RDB, where no offsets can be compared: after a restart from an append-only file it
    /// has its own history. nil where nothing speaks for it.
    ///
    /// More keys in the same database are a reason to ask a person, no reason to choose: keys that were deleted here since
    /// look the same.
    private func excess(at address: String, _ observation: Observation) -> String? {
        guard let database, case .replica(let replica) = observation, replica.follows != nil else { return nil }
        if case .snapshot(_, let id, _) = data, id == replica.replicationID || id == replica.secondReplicationID {
            return nil
        }
        guard let other = replica.databases.first(where: { $0.number == database.number }), other.keys > database.keys
        else { return nil }
        return
            "\(address) holds \(other.keys) keys in database \(other.number), and \(ownState), which has \(database.keys) "
            + "there. They share no history, so it is unknown which is newer, and the replica would be overwritten. To take "
            + "the replica's data, move the RDB out of the folder and set REDIS_ON_EMPTY=reseed; to start with the RDB, set "
            + "REDIS_ON_EMPTY=start for one start"
    }

    /// What a person can do about a server that may be a master.
    private static let unaskedCure =
        "Cure what keeps it from answering. If it is gone for good and was never promoted, take its address off the list; to "
        + "start all the same, set REDIS_ON_EMPTY=start for one start"

    /// About one that took writes: its replicas have them.
    private static let promotedCure =
        "Start it again. If it is gone for good, promote the server that follows it (REPLICAOF NO ONE), so that its data "
        + "stays: with REDIS_ON_EMPTY=reseed this server then comes back as its replica. To lose that data, set "
        + "REDIS_ON_EMPTY=start for one start"

    /// Why it is not known what a server is; nil where it answered. One that loads its data as a replica has.
    private func reasonOpen(_ observation: Observation) -> String? {
        switch observation {
        case .replica, .loading: nil
        case .refused: "nothing listens there"
        case .silent(let reason), .unreachable(let reason), .unauthenticated(let reason): reason
        case .loadingMaster: "it is loading its data, as a master"
        case .notPlain:
            "it does not answer in the clear: where it takes TLS only, set REDIS_TLS_ENABLED=yes and the TLS files on "
                + "this master too"
        }
    }

    /// Whether a server runs there whose role is not known.
    private func mayTakeWrites(_ observation: Observation) -> Bool {
        switch observation {
        case .silent, .unauthenticated, .notPlain, .loadingMaster: true
        case .replica, .loading, .refused, .unreachable: false
        }
    }

    /// Whether the network led to that machine.
    private func isSignOfLife(_ observation: Observation) -> Bool {
        if case .unreachable = observation { return false }
        return true
    }

    private func isFollowed(_ address: String, by observations: [(address: String, observation: Observation)]) -> Bool {
        observations.contains {
            guard case .replica(let replica) = $0.observation, replica.keys > 0 else { return false }
            return replica.follows?.description == address
        }
    }
}

/// Files that hold more than what redis-server would load.
extension StartupGuard {
    func strandedWords(_ files: [[UInt8]], _ reason: String) -> String {
        "redis-server would load nothing (\(reason)), but there is data in \(Self.list(files)), which it would overwrite. "
            + "Make it what redis-server loads (appendonly, dbfilename, appendfilename and appenddirname as they were, a "
            + "manifest that names the files). To go from an RDB to an append-only file, start once with appendonly no, send "
            + "CONFIG SET appendonly yes, and wait until INFO says aof_rewrite_in_progress:0. To start empty, move the files "
            + "out of the folder, or set REDIS_ON_EMPTY=start for one start"
    }

    func outdatedWords(_ path: [UInt8], _ newer: [[UInt8]]) -> String {
        "redis-server would load \(shownPath(path)), and \(Self.list(newer)) was written after that was made: appendonly is "
            + "off, so what came later would be lost. Set appendonly yes to load it. If the RDB is what you want, move the "
            + "append-only file out of the folder, or set REDIS_ON_EMPTY=start for one start"
    }
}
