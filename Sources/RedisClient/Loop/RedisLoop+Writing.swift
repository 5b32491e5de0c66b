public import NIOCore
import ServerSelection

extension RedisLoop {
    /// Sends a write to the master, as ``RedisConnection/submit(_:replies:information:_:)`` does.
    ///
    /// - Throws: ``RedisFailure/noSingleMaster`` where several servers claim to be it, ``RedisFailure/notConnected`` while that
    ///   is being found out, ``RedisFailure/readOnly`` where the
    ///   server that is configured as the master is a replica,
    ///   ``RedisFailure/denied`` where it refuses the credentials, else what `submit` throws; the write was surely not sent.
    public func submitWrite(
        _ receiver: ReplyReceiver, replies: Int, information: InformationForm? = nil,
        _ encode: (inout ByteBuffer) -> Void
    ) throws(RedisFailure) {
        try checkMaster()
        try master.submitWrite(receiver, replies: replies, information: information, encode)
    }

    func checkMaster() throws(RedisFailure) {
        // A process that stood still may not know of another master yet: it looks before it writes.
        if Int64(clamping: (flusher.begin() - master.healthSeenAt).nanoseconds) > MasterObservations.staleNanoseconds,
            master.isReadyForWrites
        {
            apply(selector.review())
        }
        guard takesWrites else {
            if decision.doubt != nil { throw .noSingleMaster }
            throw master.isDenied && !master.isReadyForWrites ? .denied : .notConnected
        }
        guard !master.isReadyForWrites else { return }
        if master.isLookingForMaster, !findsLeader { throw .readOnly }
        if master.isDenied { throw .denied }
    }

    /// Sends a write over a connection that nothing else uses meanwhile: one that ends with a WAIT, or a transaction.
    ///
    /// The replies to a phase may take its wait and ``RedisConnectionConfiguration/commandTimeout``, once a connection is free;
    /// which may take the latter, too.
    ///
    /// - Parameters:
    ///   - phase: is encoded once, maybe later.
    ///   - next: called after the last reply of a phase without INFO: what is sent behind it, over the same connection;
    ///     `nil` where that was all. The indices of its replies begin at 0 again.
    /// - Throws: what ``submitWrite(_:replies:information:_:)`` throws; ``RedisFailure/overloaded`` where too many wait.
    public func submitExclusiveWrite(
        _ receiver: ReplyReceiver, _ phase: ExclusivePhase, next: @escaping () -> ExclusivePhase? = { nil }
    ) throws(RedisFailure) {
        try checkMaster()
        guard master.isReadyForWrites else { throw .notConnected }
        try acknowledgedWrites.submit(receiver, phase, next: next)
    }

    /// Waits for the master with a write that was surely not applied: it was answered with -READONLY, or not sent because
    /// the connection was lost a moment ago.
    ///
    /// - Parameters:
    ///   - startedAt: when the write came: those that came earlier go on earlier.
    ///   - deadline: until when it waits at the most; `nil`: for ``RedisConnectionConfiguration/writeHold`` from now on.
    ///   - resume: called once: with `true` as soon as the master is there, with `false` after that time without; where a master is
    ///     configured, also once connecting has failed twice.
    /// - Returns: until when it waits; `nil` where too many wait already: `resume` is then not called.
    public func waitForMaster(
        startedAt: NIODeadline, deadline: NIODeadline? = nil, _ resume: @escaping (_ isFound: Bool) -> Void
    ) -> NIODeadline? {
        guard !isShutDown,
            let end = waitingWrites.append(startedAt: startedAt, deadline: deadline, resume)
        else { return nil }
        if findsLeader, takesWrites, master.isReadyForWrites { tryAgainSoon() }
        return end
    }

    /// The leader refused a write, for a reason that may pass without a word: after a while the writes that wait are sent again.
    private func tryAgainSoon() {
        isLeaderRefusing = true
        takesWrites = false
        for connection in [master] + replicas { connection.checkHealth() }
        nextTry = eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(20)) {
            self.nextTry = nil
            guard !self.isShutDown else { return }
            self.isLeaderRefusing = false
            self.takesWrites = self.decision.doubt == nil && !self.decision.holdsWrites
            guard self.takesWrites, self.master.isReadyForWrites else { return self.lookCloser() }
            self.waitingWrites.resumeAll(isMasterFound: true)
            self.acknowledgedWrites.serve()
        }
    }
}
