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
    func checkDeadline() {
        guard let context, http.now >= deadline else { return }
        switch phase {
        case .open where isReceiving: exchanges.last?.respondAndClose(.requestTimeout)
        case .open where !exchanges.isEmpty: deadline = http.idleDeadline
        case .open where isInHead: refuseSlowHead()
        case .open, .finishing, .lingering: context.close(promise: nil)
        case .closed: break
        }
    }

    private func refuseSlowHead() {
        let exchange = Exchange(connection: self)
        exchanges.append(exchange)
        exchange.respondAndClose(.requestTimeout)
    }

    func closeWithin(_ deadline: NIODeadline) { self.deadline = deadline }
}
