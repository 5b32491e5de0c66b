import NIOCore

extension HTTPConnection {
    /// Ends with the answer to what was asked last; what has been asked nothing is asked once more.
    func beginDraining() {
        guard state.isOpen else { return }
        endWithLast(hasMore: undecoded.readableBytes > 0)
        finishStreams()
    }

    /// Has the answer to the last request close the connection, unless a further request has come with it. Only the last may:
    /// those before it are owed their answers too.
    func endWithLast(hasMore: Bool) {
        guard !state.isReceiving, !hasMore, let last = handlers.last else { return }
        last.keepsAlive = false
        state.set(.noMore, true)
    }

    /// Answers what has been asked, then closes.
    func drain() {
        guard state.isOpen else { return }
        guard let last = handlers.last else { return closeNow() }
        last.keepsAlive = false
        state.set(.noMore, true)
        finishStreams()
    }

    /// Ends the answers that would go on.
    private func finishStreams() {
        for handler in handlers { (handler as? StreamHandler)?.finish() }
    }

    /// Whether nothing is asked on it, nor owed.
    var isIdle: Bool { state.isOpen && handlers.isEmpty && chargedBytes == 0 }

    func closeNow() { context?.close(promise: nil) }

    /// Called once a second.
    func look(at now: Int64) {
        guard state.phase != .closed else { return }
        let situation = ClientPace.Situation(
            owesAnswers: state.isOpen && !handlers.isEmpty, isReadingHeldBack: readIsHeldBack || state.owesContinue,
            taken: lookAtTaking())
        switch pace.look(at: now, situation, http.paceLimits) {
        case .goOn: if state.holds.contains(.paused) { unpause() }
        case .refuse where state.isOpen: refuseSlowRequest()
        case .refuse, .close: if chargedBytes > 0 { abort() } else { closeNow() }
        }
    }

    /// Of the request that does not come to its end, body or head.
    private func refuseSlowRequest() {
        if state.isReceiving, let last = handlers.last { return last.bodyTimedOut() }
        refuseHead(.requestTimeout)
    }

    /// Answers a head that is not whole, and takes no more.
    func refuseHead(_ problem: Problem) {
        let handler = RequestHandler(connection: self)
        append(handler)
        handler.respondAndClose(problem)
    }
}
