public import NIOCore

extension RedisLoop {
    /// Sends a write to the master, as ``RedisConnection/submit(_:replies:information:_:)`` does.
    ///
    /// - Throws: ``RedisFailure/noSingleMaster`` where several servers claim to be it, ``RedisFailure/readOnly`` where the
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
        if decision.doubt != nil { throw .noSingleMaster }
        guard !master.isReadyForWrites else { return }
        if master.isLookingForMaster { throw .readOnly }
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
    /// - Parameter resume: called once: with `true` as soon as the master is there, with `false` after a second without, or
    ///   once connecting has failed twice.
    /// - Returns: `false` where too many wait already; `resume` is then not called.
    public func waitForMaster(_ resume: @escaping (_ isFound: Bool) -> Void) -> Bool {
        !isShutDown && waitingWrites.append(resume)
    }
}
