import NIOCore
import Replication

extension RedisConnection {
    func sendHandshake() {
        var commands: [HealthReceiver.Command] = [.replication, .persistence, .server]
        if configuration.database != 0 { commands.insert(.select(database: configuration.database), at: 0) }
        if let credentials = configuration.credentials { commands.insert(.authenticate(credentials), at: 0) }
        ask(commands) { health, runID in
            self.runID = runID
            self.handshakeEnded(health)
        }
    }

    private func ask(
        _ commands: [HealthReceiver.Command], completion: @escaping (_ health: ServerHealth, _ runID: [UInt8]?) -> Void
    ) {
        guard let handler else { return }
        let askedAt = Int64(clamping: NIODeadline.now().uptimeNanoseconds)
        let receiver = HealthReceiver(commands) { health, runID in
            self.noteOffset(in: health, askedAt: askedAt)
            guard case .serving(let info) = health, info.isCopyIncomplete else { return completion(health, runID) }
            self.askWhetherEmpty(info) { completion($0, runID) }
        }
        send(receiver, replies: commands.count, through: handler) { buffer in
            for command in commands { buffer.write(command) }
        }
    }

    /// A copy that did not end may have left nothing, which only the keyspace tells.
    private func askWhetherEmpty(_ info: ReplicationInfo, completion: @escaping (_ health: ServerHealth) -> Void) {
        guard let handler else { return }
        let receiver = KeyspaceReceiver { holdsKeys in
            var info = info
            info.masterLink?.lostItsData = !holdsKeys
            completion(.serving(info))
        }
        send(receiver, replies: 1, through: handler) { $0.writeINFOKeyspace() }
    }

    /// - Parameter askedAt: everything that was written before it is in the answer.
    private func noteOffset(in health: ServerHealth, askedAt: Int64) {
        guard wantsMaster, case .serving(let info) = health, info.role == .master,
            let token = ReplicationToken(of: info)
        else { return }
        offsets.record(token, atNanoseconds: askedAt)
    }

    private func handshakeEnded(_ health: ServerHealth) {
        note(health)
        switch health {
        case .refused:
            server.count(.refused)
            perform(machine.handshakeFailed())
        case .denied:
            server.count(.denied)
            isDenied = true
            perform(machine.handshakeFailed())
        case .unknown, .loading, .serving:
            isDenied = false
            server.connects += 1
            if hasBeenReady { server.reconnects += 1 }
            hasBeenReady = true
            perform(machine.handshakeSucceeded(isMisplaced: isMisplaced))
            scheduleHealthCheck()
            beginToAge()
            tellIfReady()
        }
    }

    private func scheduleHealthCheck() {
        healthTimer = isolatedLoop.scheduleTask(in: .init(configuration.healthInterval)) {
            guard self.isReady else { return }
            self.ask([.replication, .persistence]) { health, _ in
                self.healthChecked(health)
                if self.isReady { self.scheduleHealthCheck() }
            }
        }
    }

    /// Asks the server for its health now, besides the checks once a second, unless such an answer is owed already.
    func checkHealth() {
        guard isReady, !isCheckingHealth else { return }
        isCheckingHealth = true
        ask([.replication, .persistence]) { health, _ in
            self.isCheckingHealth = false
            self.healthChecked(health)
        }
    }

    private func healthChecked(_ health: ServerHealth) {
        guard isReady else { return }
        note(health)
        let wasReadyForWrites = isReadyForWrites
        perform(machine.roleSeen(isMisplaced: isMisplaced, commandsInFlight: inFlight > 0))
        if !wasReadyForWrites { tellIfReady() }
    }

    private var isMisplaced: Bool { wantsMaster && health.isReplica }

    private func note(_ health: ServerHealth) {
        healthSeenAt = .now()
        self.health = health
        if isMisplaced { isLookingForMaster = true }
        switch health {
        case .refused(let reason), .denied(let reason): note(trouble: reason)
        case .unknown, .loading, .serving:
            note(trouble: isMisplaced ? "is a replica, and the master is looked for: it gets no writes" : nil)
        }
    }

    /// Has ``whenAged`` called after the maximum age, with a fifth more or less: not all connections shall go at once.
    func beginToAge() {
        ageTimer?.cancel()
        guard whenAged != nil, let age = configuration.maximumAge else { return }
        ageTimer = isolatedLoop.scheduleTask(in: .init(age * Double.random(in: 0.8...1.2))) { self.whenAged?(self) }
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
