import RedisCore

extension RedisLoop {
    /// A server for a read.
    public struct Reader {
        public let connection: RedisConnection
        /// The server lost its master, and its answer may be old.
        public let isStale: Bool
    }

    /// What has become of a replica's data since it lost its master.
    public enum ReaderData: Equatable, Sendable {
        /// It has the data that it had, or none that it ever had.
        case kept
        /// A copy of the master's data failed, and the replica was emptied for it.
        case lost
        /// It has a master again, and maybe other data.
        case replaced
        /// It does not answer.
        case unknown
    }

    /// The server to ask: a replica that is in step, the one with the fewest commands in flight and in turn among equals;
    /// else the master; else one of these that has not answered for a moment; else a replica that lost its master.
    ///
    /// - Parameter tried: servers that have failed this read, and are not asked again.
    /// - Returns: `nil` where no server can serve a read.
    public func reader(excluding tried: ReadAttempts = ReadAttempts()) -> Reader? {
        turn = turn &+ 1
        let fresh =
            replica(.fresh, isStalled: false, excluding: tried) ?? master(isStalled: false, excluding: tried)
            ?? replica(.fresh, isStalled: true, excluding: tried) ?? master(isStalled: true, excluding: tried)
        if let fresh { return Reader(connection: fresh, isStale: false) }
        let stale =
            replica(.stale, isStalled: false, excluding: tried) ?? replica(.stale, isStalled: true, excluding: tried)
        return stale.map { Reader(connection: $0, isStale: true) }
    }

    /// The connection to one process of a server, if reads are served there.
    ///
    /// - Parameter runID: see ``RedisConnection/runID``.
    public func reader(runID: [UInt8]) -> Reader? {
        for connection in replicas + [master] where connection.isReady && connection.runID == runID {
            switch connection.readSuitability {
            case .fresh: return Reader(connection: connection, isStale: false)
            case .stale: return Reader(connection: connection, isStale: true)
            case .unusable, nil: break
            }
        }
        return nil
    }

    /// A replica that is in step and does not let others wait, each in turn: for a read that is asked again and again.
    ///
    /// - Parameter isWanted: which of them may be taken.
    public func replicaInStep(where isWanted: (RedisConnection) -> Bool) -> Reader? {
        turn = turn &+ 1
        for offset in 0..<replicas.count {
            let candidate = replicas[(offset &+ turn) % replicas.count]
            if candidate.isFit(for: .fresh, isStalled: false), isWanted(candidate) {
                return Reader(connection: candidate, isStale: false)
            }
        }
        return nil
    }

    /// The master for a read that has to be asked there; `nil` while it cannot be.
    public var masterReader: Reader? {
        guard decision.doubt == nil else { return nil }
        return master.isReady && master.readSuitability == .fresh ? Reader(connection: master, isStale: false) : nil
    }

    /// Why there is no ``reader(excluding:)``.
    public var readFailure: RedisFailure {
        master.isDenied || replicas.contains { $0.isDenied } ? .denied : .notConnected
    }

    private func replica(
        _ wanted: ReadSuitability, isStalled: Bool, excluding tried: ReadAttempts
    ) -> RedisConnection? {
        var best: RedisConnection?
        var fewest = Int.max
        let count = replicas.count
        for offset in 0..<count {
            let candidate = replicas[(offset &+ turn) % count]
            let inFlight = candidate.inFlight
            if inFlight < fewest, candidate.isFit(for: wanted, isStalled: isStalled), !tried.include(candidate) {
                best = candidate
                fewest = inFlight
            }
        }
        return best
    }

    private func master(isStalled: Bool, excluding tried: ReadAttempts) -> RedisConnection? {
        master.isFit(for: .fresh, isStalled: isStalled) && !tried.include(master) ? master : nil
    }
}

extension RedisLoop.Reader {
    /// Asks a replica without its master whether it still has its data: a failed copy may have emptied it since it was asked
    /// last, and then a key that it does not find may exist.
    ///
    /// - Parameter completion: called once, maybe at once.
    public func confirmData(_ completion: @escaping (RedisLoop.ReaderData) -> Void) {
        guard isStale else { return completion(.kept) }
        do {
            try connection.submit(DataReceiver(completion: completion), replies: 2) {
                $0.writeINFOReplication()
                $0.writeINFOKeyspace()
            }
        } catch {
            completion(.unknown)
        }
        connection.checkHealth()
    }
}

extension RedisConnection {
    fileprivate func isFit(for wanted: ReadSuitability, isStalled: Bool) -> Bool {
        isReady && readSuitability == wanted && self.isStalled == isStalled
    }
}
