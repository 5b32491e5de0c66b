public import NIOCore

extension RedisLoop {
    /// Sends a write to the master, as ``RedisConnection/submit(_:replies:awaitsInformation:_:)`` does.
    ///
    /// - Throws: ``RedisFailure/readOnly`` where the server that is configured as the master is a replica, else what
    ///   `submit` throws; the write was surely not sent.
    public func submitWrite(
        _ receiver: ReplyReceiver, replies: Int, awaitsInformation: Bool = false, _ encode: (inout ByteBuffer) -> Void
    ) throws(RedisFailure) {
        guard master.isReadyForWrites || !master.isLookingForMaster else { throw .readOnly }
        try master.submit(receiver, replies: replies, awaitsInformation: awaitsInformation, encode)
    }

    /// Waits for the master after a write was answered with -READONLY, which means that it was not applied.
    ///
    /// - Parameter resume: called once: with `true` as soon as the master is found, with `false` after a second without.
    /// - Returns: `false` where too many wait already; `resume` is then not called.
    public func waitForMaster(_ resume: @escaping (_ isFound: Bool) -> Void) -> Bool {
        !isShutDown && waitingWrites.append(resume)
    }
}
