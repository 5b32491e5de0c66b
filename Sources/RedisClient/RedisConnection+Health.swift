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
        self.health = health
        if case .refused(let reason) = health {
            note(trouble: reason)
            perform(machine.handshakeFailed())
        } else {
            perform(machine.handshakeSucceeded())
            note(trouble: nil)
            scheduleHealthCheck()
        }
    }

    private func scheduleHealthCheck() {
        healthTimer = isolatedLoop.scheduleTask(in: .init(configuration.healthInterval)) {
            guard self.machine.state == .ready, let handler = self.handler else { return }
            let receiver = HealthReceiver(authenticates: false) { [weak self] health in
                guard let self, self.machine.state == .ready else { return }
                self.health = health
                self.scheduleHealthCheck()
            }
            self.send(receiver, replies: 2, through: handler) { buffer in
                buffer.writeINFOReplication()
                buffer.writeINFOPersistence()
            }
        }
    }

    /// One timer a connection, for its oldest command: commands are answered in order, so no younger one is due earlier.
    func armDeadline(after delay: Duration) {
        deadlineTimer = isolatedLoop.scheduleTask(in: .init(delay)) {
            self.deadlineTimer = nil
            guard let handler = self.handler, let oldest = handler.oldest else { return }
            let waited = Duration(NIODeadline.now() - oldest)
            if waited >= self.configuration.commandTimeout {
                self.note(trouble: "did not answer within \(self.configuration.commandTimeout)")
                // Before those that waited are told, since they look for another server at once.
                self.health = .unknown
                handler.close(failing: .timedOut)
            } else {
                self.armDeadline(after: self.configuration.commandTimeout - waited)
            }
        }
    }
}
