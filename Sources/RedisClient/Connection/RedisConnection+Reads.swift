import Logging

/// The connection that takes the reads of another one, which is left to the writes.
extension RedisConnection {
    /// Has reads go over a connection of their own, which begins and ends with this one. Called before ``start()``.
    func separateReads() {
        var silent = logger
        // What happens to it happens to this one, which tells of it.
        silent.logLevel = .critical
        let reads = RedisConnection(
            endpoint: endpoint, name: name, wantsMaster: wantsMaster, configuration: configuration,
            eventLoop: eventLoop, flusher: flusher, logger: silent, counters: counters)
        reads.writes = self
        self.reads = reads
    }

    /// Notes whether the connection for reads has met the same process as this one, and has it look again where it has not.
    func compareProcesses() {
        guard let reads else {
            writes?.compareProcesses()
            return
        }
        isOfSameProcess = reads.runID == runID
    }

    /// Has the connection for reads look for the process that this one has met.
    func alignReads() {
        guard let reads, isReady, reads.isReadyForWrites, !isOfSameProcess else { return }
        reads.perform(reads.machine.writeRefused(commandsInFlight: reads.ownInFlight > 0))
    }

    func count(_ trouble: RedisTrouble) {
        // What happens to both connections to a server is counted once.
        if writes == nil || trouble == .timeout || trouble == .unreadable || trouble == .overloaded {
            server.count(trouble)
        }
    }
}
