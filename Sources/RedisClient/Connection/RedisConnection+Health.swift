import NIOCore
import RedisCore

extension RedisConnection {
    func sendHandshake() {
        var commands: [HealthReceiver.Command] = [.replication, .persistence, .server]
        if configuration.database != 0 { commands.insert(.select(database: configuration.database), at: 0) }
        if let credentials = configuration.credentials { commands.insert(.authenticate(credentials), at: 0) }
        ask(commands) { health, runID in
            let isLike = self.runID == runID && self.readSuitability == health.readSuitability
            self.runID = runID
            self.handshakeEnded(health, isLike: isLike)
        }
    }

    private func ask(
        _ commands: [HealthReceiver.Command], completion: @escaping (_ health: ServerHealth, _ runID: [UInt8]?) -> Void
    ) {
        guard let handler else { return }
        let askedAt = Int64(clamping: NIODeadline.now().uptimeNanoseconds)
        let receiver = HealthReceiver(commands) { health, runID in
            self.healthAskedAt = askedAt
            self.noteOffset(in: health, askedAt: askedAt)
            guard case .serving(let info) = health else { return completion(health, runID) }
            if info.isCopyIncomplete {
                self.askWhetherEmpty(info) { completion($0, runID) }
            } else if let good = info.goodReplicas, self.configuration.asksForRefusal {
                self.askWhetherRefusing(info, good: good) { completion($0, runID) }
            } else {
                completion(health, runID)
            }
        }
        send(receiver, replies: commands.count, through: handler) { buffer in
            for command in commands { buffer.write(command) }
        }
    }

    /// A copy that did not end may have left nothing, which only the keyspace tells.
    private func askWhetherEmpty(_ info: ReplicationInfo, completion: @escaping (_ health: ServerHealth) -> Void) {
        guard let handler, !isInTransaction else { return completion(.serving(info)) }
        let receiver = KeyspaceReceiver { holdsKeys in
            var info = info
            info.masterLink?.lostItsData = !holdsKeys
            completion(.serving(info))
        }
        send(receiver, replies: 1, through: handler) { $0.writeINFOKeyspace() }
    }

    /// A master that counts its replicas may have fewer than it needs for a write.
    private func askWhetherRefusing(
        _ info: ReplicationInfo, good: Int64, completion: @escaping (_ health: ServerHealth) -> Void
    ) {
        guard let handler, !isInTransaction else { return completion(.serving(info)) }
        let receiver = MinimumReplicasReceiver { minimum in
            var info = info
            info.refusesWrites = good < minimum
            completion(.serving(info))
        }
        send(receiver, replies: 1, through: handler) { $0.writeCONFIGGETMinimumReplicas() }
    }

    /// - Parameter askedAt: everything that was written before it is in the answer.
    private func noteOffset(in health: ServerHealth, askedAt: Int64) {
        guard wantsMaster, case .serving(let info) = health, info.role == .master,
            let token = ReplicationToken(of: info)
        else { return }
        offsets.record(token, atNanoseconds: askedAt)
    }

    /// - Parameter isLike: whether the server is the one that was met last, and as fit for reads.
    private func handshakeEnded(_ health: ServerHealth, isLike: Bool) {
        let isReplacement = machine.state == .replacing
        note(health)
        switch health {
        case .refused:
            count(.refused)
            perform(machine.handshakeFailed())
        case .denied:
            count(.denied)
            isDenied = true
            perform(machine.handshakeFailed())
        case .unknown, .loading, .serving:
            isDenied = false
            if writes == nil {
                server.connects += 1
                if hasBeenReady, !isReplacement { server.reconnects += 1 }
            }
            hasBeenReady = true
            let action = machine.handshakeSucceeded(isMisplaced: isMisplaced)
            replaced(isLike: isLike)
            perform(action)
            scheduleHealthCheck()
            beginToAge()
            alignReads()
            tellIfReady()
        }
    }

    private func scheduleHealthCheck() {
        healthTimer = isolatedLoop.scheduleTask(in: .init(configuration.healthInterval)) {
            self.checkHealthAtInterval()
        }
    }

    func checkHealthAtInterval() {
        isHealthCheckDue = isInTransaction
        guard isReady, !isInTransaction else { return }
        ask([.replication, .persistence]) { health, _ in
            self.healthChecked(health)
            if self.isReady { self.scheduleHealthCheck() }
        }
    }

    /// Asks the server for its health now, besides the checks once a second, unless such an answer is owed already.
    func checkHealth() {
        guard isReady, !isCheckingHealth, !isInTransaction else { return }
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
        perform(machine.roleSeen(isMisplaced: isMisplaced, commandsInFlight: ownInFlight > 0))
        alignReads()
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
    ///
    /// The time does not count in which replies come fast enough, up to a bound.
    func armDeadline(after delay: Duration) {
        progress.begin(receivedBytes: handler?.receivedBytes ?? 0, at: .now())
        let due = NIODeadline.now() + .init(delay)
        deadlineTimer = isolatedLoop.scheduleTask(in: .init(delay)) {
            self.deadlineTimer = nil
            guard let oldest = self.oldest else { return }
            let now = NIODeadline.now()
            let late = now - due
            let configuration = self.configuration
            if let handler = self.handler {
                self.progress.look(
                    receivedBytes: handler.receivedBytes, isPaused: handler.isPaused, at: now,
                    minimumRate: configuration.minimumReplyRate)
            }
            self.progress.excuse(late, since: oldest)
            let waited = self.progress.silence(since: oldest, at: now)
            let timeout = configuration.commandTimeout
            let stall = configuration.stallTimeout
            let isTooLong =
                configuration.isShared && late <= DeadlineTimer.tolerance
                && Duration(now - oldest) >= max(configuration.longestCommand, timeout)
            if waited >= timeout || isTooLong {
                self.note(
                    trouble: self.tlsObserver?.isHandshakeComplete == false
                        ? "did not answer to the TLS handshake within \(timeout): does this port speak TLS?"
                        : "did not answer within \(timeout)")
                // Before those that waited are notified, since they look for another server at once.
                self.health = .unknown
                self.handler?.close(failing: .timedOut)
                self.failWaiting(.timedOut)
            } else if waited >= stall {
                self.stalledSince = oldest
                self.armDeadline(after: min(stall, timeout - waited))
            } else {
                self.armDeadline(after: stall - waited)
            }
        }
    }
}
