import NIOCore
import RedisCore

extension RedisConnection {
    /// Draws the conclusions from an error reply to a command: what it says of the server, rather than of the command, is
    /// known from now on, not only from the next health check.
    ///
    /// - Parameter text: the error without its `-`.
    public func observe(error text: Span<UInt8>) {
        let code = text.prefix(upTo: UInt8(ascii: " "))
        let known = RedisErrorCode(of: text)
        switch known {
        case .loading: health = .loading
        case .masterDown:
            refusesStaleReads = true
            readSuitability = .unusable(.refusesStaleReads)
        case .readOnly where wantsMaster:
            count(.readOnly)
            isLookingForMaster = true
            perform(machine.writeRefused(commandsInFlight: ownInFlight > 0))
        case .busy: health = .refused(known?.words ?? "")
        case .outOfMemory:
            count(.outOfMemory)
            complain(code)
        case .cannotSave:
            count(.cannotSave)
            complain(code)
        case .needsPermission: complain(Complaints.command(in: text).map { "NOPERM \($0)" } ?? code)
        default: complain(code)
        }
    }

    /// Closes the connection after a reply of a kind that its command never gets: replies and commands are out of step, and
    /// each further reply would go to a request that did not ask for it. What is in flight fails now, and so does the
    /// submission that the reply was for.
    public func distrust() {
        if let reads, reads.handler?.isReading == true { return reads.distrust() }
        health = .unknown
        note(trouble: "gave a reply of a kind that the command never gets")
        handler?.distrust()
    }

    /// Closes the connection under a command that has taken too long by its caller's measure.
    func giveUp() {
        health = .unknown
        note(trouble: "did not answer in time")
        handler?.close(failing: .timedOut)
    }

    /// Takes no more commands, since another server is the master. Writes under way may still be answered for a moment: a server
    /// that has become a replica says READONLY, and then they can be sent again. After that the connection is made again.
    ///
    /// - Parameter patience: how long a server may stay silent that owes an answer.
    func leave(within patience: TimeAmount = .milliseconds(200)) {
        guard machine.state == .ready else { return }
        health = .unknown
        isLookingForMaster = true
        note(trouble: "is no longer the master")
        perform(machine.writeRefused(commandsInFlight: ownInFlight > 0))
        guard let left = handler, left.inFlight > 0 else { return }
        isolatedLoop.scheduleTask(in: patience) { left.close(failing: .timedOut) }
    }

    /// Errors may come by the ten thousand a second: the same one again does not get as far as the lock.
    private func complain(_ code: String) {
        let now = flusher.begin()
        let isKnown = code == complaint && now - complainedAt < Complaints.quietTime
        complaint = code
        complainedAt = now
        if !isKnown { configuration.complaints?.note(code, from: endpoint, at: now) }
    }
}
