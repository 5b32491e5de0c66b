import NIOCore

extension HTTPConnection {
    /// Ends with the answer to what was asked last; what has been asked nothing is asked once more.
    func beginDraining() {
        guard phase == .open else { return }
        endWithLast(hasMore: undecoded.readableBytes > 0)
        finishStreams()
    }

    /// Has the answer to the last request close the connection, unless a further request has come with it. Only the last may:
    /// those before it are owed their answers too.
    func endWithLast(hasMore: Bool) {
        guard !isReceiving, !hasMore, let last = exchanges.last else { return }
        last.keepsAlive = false
        takesNoMore = true
    }

    /// Answers what has been asked, then closes.
    func drain() {
        guard phase == .open else { return }
        guard let last = exchanges.last else { return closeNow() }
        last.keepsAlive = false
        takesNoMore = true
        finishStreams()
    }

    /// Ends the answers that would go on.
    private func finishStreams() {
        for exchange in exchanges { (exchange as? StreamExchange)?.finish() }
    }

    func closeNow() { context?.close(promise: nil) }

    /// Called once a second.
    func look(at now: Int64) {
        guard phase != .closed else { return }
        let situation = ClientPace.Situation(
            owesAnswers: phase == .open && !exchanges.isEmpty, isReadingHeldBack: readIsHeldBack || owesContinue,
            taken: lookAtTaking())
        switch pace.look(at: now, situation, http.paceLimits) {
        case .goOn: if isPaused { unpause() }
        case .refuse where phase == .open: refuseSlowRequest()
        case .refuse, .close: if chargedBytes > 0 { abort() } else { closeNow() }
        }
    }

    /// Of the request that does not come to its end, body or head.
    private func refuseSlowRequest() {
        if isReceiving, let last = exchanges.last { return last.bodyTimedOut() }
        refuseHead(.requestTimeout)
    }

    /// Answers a head that is not whole, and takes no more.
    func refuseHead(_ problem: Problem) {
        let exchange = Exchange(connection: self)
        exchanges.append(exchange)
        exchange.respondAndClose(problem)
    }
}
