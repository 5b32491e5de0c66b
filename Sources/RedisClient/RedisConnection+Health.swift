import NIOCore

extension RedisConnection {
    func sendHandshake() {
        guard let handler else { return }
        let credentials = configuration.credentials
        let receiver = HealthReceiver(authenticates: credentials != nil) { [weak self] in self?.handshakeEnded($0) }
        send(receiver, replies: credentials == nil ? 2 : 3, through: handler) { buffer in
            if let credentials { buffer.writeAUTH(credentials) }
            buffer.writeINFOReplication()
            buffer.writeINFOPersistence()
        }
    }

    private func handshakeEnded(_ health: ServerHealth) {
        note(health)
        if case .refused = health {
            perform(machine.handshakeFailed())
        } else {
            perform(machine.handshakeSucceeded(isMisplaced: isMisplaced))
            scheduleHealthCheck()
            tellIfReady()
        }
    }

    private func scheduleHealthCheck() {
        healthTimer = isolatedLoop.scheduleTask(in: .init(configuration.healthInterval)) {
            guard self.isReady, let handler = self.handler else { return }
            let receiver = HealthReceiver(authenticates: false) { [weak self] in self?.healthChecked($0) }
            self.send(receiver, replies: 2, through: handler) { buffer in
                buffer.writeINFOReplication()
                buffer.writeINFOPersistence()
            }
        }
    }

    private func healthChecked(_ health: ServerHealth) {
        guard isReady else { return }
        note(health)
        let wasReadyForWrites = isReadyForWrites
        perform(machine.roleSeen(isMisplaced: isMisplaced, commandsInFlight: inFlight > 0))
        if isReady { scheduleHealthCheck() }
        if !wasReadyForWrites { tellIfReady() }
    }

    private var isMisplaced: Bool { wantsMaster && health.isReplica }

    private func note(_ health: ServerHealth) {
        self.health = health
        if isMisplaced { isLookingForMaster = true }
        if case .refused(let reason) = health {
            note(trouble: reason)
        } else {
            note(trouble: isMisplaced ? "is a replica, and the master is looked for: it gets no writes" : nil)
        }
    }

    private func tellIfReady() {
        guard isReadyForWrites else { return }
        isLookingForMaster = false
        whenReady?()
    }

    /// One timer a connection, for its oldest command: commands are answered in order, so no younger one is due earlier.
    func armDeadline(after delay: Duration) {
        deadlineTimer = isolatedLoop.scheduleTask(in: .init(delay)) {
            self.deadlineTimer = nil
            guard let handler = self.handler, let oldest = handler.oldest else { return }
            let waited = Duration(NIODeadline.now() - oldest)
            let timeout = self.configuration.commandTimeout
            let stall = self.configuration.stallTimeout
            if waited >= timeout {
                self.note(
                    trouble: self.tlsObserver?.isHandshakeComplete == false
                        ? "did not answer to the TLS handshake within \(timeout): does this port speak TLS?"
                        : "did not answer within \(timeout)")
                // Before those that waited are told, since they look for another server at once.
                self.health = .unknown
                handler.close(failing: .timedOut)
            } else if waited >= stall {
                self.stalledSince = oldest
                self.armDeadline(after: min(stall, timeout - waited))
            } else {
                self.armDeadline(after: stall - waited)
            }
        }
    }
}
