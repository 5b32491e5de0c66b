import Replication

extension RedisLoop {
    /// A server for a read.
    public struct Reader {
        public let connection: RedisConnection
        /// The server lost its master, and its answer may be old.
        public let isStale: Bool
    }

    /// The server to ask: a replica that is in step, the one with the fewest commands in flight and in turn among equals;
    /// else the master; else a replica that lost its master.
    ///
    /// - Parameter tried: servers that have failed this read, and are not asked again.
    /// - Returns: `nil` where no server can serve a read.
    public func reader(excluding tried: ReadAttempts = ReadAttempts()) -> Reader? {
        turn = turn &+ 1
        if let fresh = replica(.fresh, excluding: tried) { return Reader(connection: fresh, isStale: false) }
        if isFit(master, .fresh, excluding: tried) { return Reader(connection: master, isStale: false) }
        return replica(.stale, excluding: tried).map { Reader(connection: $0, isStale: true) }
    }

    private func replica(_ wanted: ReadSuitability, excluding tried: ReadAttempts) -> RedisConnection? {
        var best: RedisConnection?
        var fewest = Int.max
        let count = replicas.count
        for offset in 0..<count {
            let candidate = replicas[(offset &+ turn) % count]
            let inFlight = candidate.inFlight
            if inFlight < fewest, isFit(candidate, wanted, excluding: tried) {
                best = candidate
                fewest = inFlight
            }
        }
        return best
    }

    private func isFit(
        _ candidate: RedisConnection, _ wanted: ReadSuitability, excluding tried: ReadAttempts
    ) -> Bool {
        candidate.isReady && candidate.readSuitability == wanted && !tried.include(candidate)
    }
}
