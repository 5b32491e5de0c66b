import NIOCore

/// A channel that is given up for a large reply, and the one that takes its place.
extension RedisConnection {
    /// The channel is given up for a large reply.
    func displaced() {
        guard case .ready = machine.state, let handler else { return }
        handler.whenClosed = {}
        self.handler = nil
        tlsObserver = nil
        stalledSince = nil
        isCheckingHealth = false
        healthTimer?.cancel()
        ageTimer?.cancel()
        waiting = PipelineHandler(
            maximumReplyBytes: configuration.maximumReplyBytes, encodeInformation: configuration.encodeInformation,
            whenIdle: {})
        perform(machine.displaced())
    }

    /// Another channel has taken the place of one that was given up.
    ///
    /// - Parameter isLike: whether it leads to the same process, and what that is worth has not changed: then it gets what has
    ///   been submitted meanwhile; else that is asked once more, wherever it is served best.
    func replaced(isLike: Bool) {
        guard let waiting, let handler else { return }
        guard isLike else { return failWaiting(.displaced) }
        self.waiting = nil
        guard waiting.inFlight > 0 else { return }
        handler.takeOver(waiting)
        flusher.mark(self)
        if deadlineTimer == nil { armDeadline(after: configuration.stallTimeout) }
    }

    /// Fails what waits for a channel. It was surely not sent.
    func failWaiting(_ failure: RedisFailure) {
        guard let waiting else { return }
        self.waiting = nil
        chooseServing()
        waiting.close(failing: failure)
    }
}
