import Logging
import NIOCore
import RedisClient
import RedisCore
import ReplicaReconciler

/// Follows Sentinel: the local server follows the master that Sentinel names.
extension Sidecar {
    /// The interval between two questions.
    static let sentinelInterval: TimeAmount = .seconds(1)
    /// The same while a change of master may be near.
    static let sentinelAlertInterval: TimeAmount = .milliseconds(250)

    func lookAtSentinels() {
        guard let sentinels, !isEnding else { return }
        sentinels.look {
            guard !self.isEnding else { return }
            self.seeSentinels(sentinels)
            self.stepWithSentinel()
        }
        // An old answer expires even if no new one has come.
        seeSentinels(sentinels)
        stepWithSentinel()
        let isNear: Bool =
            switch follower.state {
            case .awaits, .unknown(.masterDown), .acting: true
            default: sentinels.isFailingOver
            }
        let pace = isNear ? Self.sentinelAlertInterval : Self.sentinelInterval
        sentinelTimer = isolatedLoop.scheduleTask(in: pace) { self.lookAtSentinels() }
    }

    private func seeSentinels(_ sentinels: SentinelWatch) {
        let verdict = sentinels.verdict()
        follower.see(verdict, isFailingOver: sentinels.isFailingOver, at: now)
    }

    func stepWithSentinel() {
        guard sentinels != nil, !isEnding else { return }
        let before = follower.state
        let action = follower.step(at: now)
        tell(from: before)
        switch action {
        case nil: break
        case .lookAt(let address): lookAtNamed(address)
        case .perform(let move):
            perform(move) { failure in
                guard !self.isEnding else { return }
                let before = self.follower.state
                self.follower.performed(failure, at: self.now)
                if failure == nil { self.counters.follows += 1 } else { self.counters.failures += 1 }
                self.tell(from: before)
            }
        }
        perform(reconciler.see(sentinel: follower.state.rest, at: now))
    }

    private func lookAtNamed(_ address: MasterAddress) {
        guard !isLookingAtNamed else { return }
        isLookingAtNamed = true
        let asked = now
        master.look(atFollowed: address) { seen in
            self.isLookingAtNamed = false
            guard !self.isEnding else { return }
            if case .master(let information) = seen.standing,
                let token = ReplicationToken(of: information.replication)
            {
                self.masterOffsets.record(token, atNanoseconds: asked.nanoseconds)
            }
            self.follower.see(seen.standing, at: address, askedAt: seen.askedAt)
            self.stepWithSentinel()
        }
    }

    /// Once for each kind of state, and for each master that is named.
    private func tell(from before: SentinelFollower.State) {
        let state = follower.state
        guard state != before, state.code != before.code || state.master != before.master else { return }
        // An alarm is logged when it begins (`Reconciler`), unless it follows another one.
        if state.isAlarm, !before.isAlarm { return }
        switch state {
        case .acting, .failed: logger.warning("\(state)")
        default: logger.info("\(state)")
        }
    }

    /// Sends REPLICAOF if the server has not changed since the decision; then its clients find the new master.
    private func perform(_ move: SentinelFollower.Move, _ completion: @escaping (_ failure: String?) -> Void) {
        local.ask([Answers.command("ROLE")]) { result in
            switch result {
            case .failure(let failure): completion("the local server \(failure)")
            case .success(let values):
                if let objection = Self.objection(to: move, role: values[0]) { return completion(objection) }
                self.carryOut(move, completion)
            }
        }
    }

    private static let oddRole = "the local server gives an answer to ROLE that cannot be read"

    private static func objection(to move: SentinelFollower.Move, role: RedisValue) -> String? {
        if let refusal = role.refusal { return "the local server, asked for its ROLE, \(refusal.words)" }
        guard case .array(let words) = role, let first = words.first?.text else { return oddRole }
        let isMaster = first == "master"
        guard isMaster == (move.before == nil) else {
            return "the local server is a \(printable(first.utf8, limit: 32)) now"
        }
        guard let before = move.before else { return nil }
        guard words.count >= 3, let host = words[1].text, case .integer(let port) = words[2] else {
            return oddRole
        }
        let now = MasterAddress(host: host, port: Int(clamping: port))
        return now == before ? nil : "the local server follows \(now) now"
    }

    private func carryOut(_ move: SentinelFollower.Move, _ completion: @escaping (_ failure: String?) -> Void) {
        let address = move.master.address
        var commands = [Answers.command("REPLICAOF", address.host, "\(address.port)")]
        if move.before == nil {
            for kind in ["normal", "pubsub"] { commands.append(Answers.command("CLIENT", "KILL", "TYPE", kind)) }
        }
        local.ask(commands) { result in
            switch result {
            case .failure(let failure): completion("the local server \(failure)")
            case .success(let values):
                if let refusal = values[0].refusal { return completion("the local server \(refusal.words)") }
                if let refusal = values.dropFirst().compactMap(\.refusal).first {
                    self.logger.warning(
                        "the clients of the former master were not disconnected: the local server \(refusal.words)")
                }
                if let before = move.before { self.changeServerFile(from: before, to: address) }
                completion(nil)
            }
        }
    }
}

extension SentinelFollower.State {
    /// The one that is named.
    var master: SentinelMaster? {
        switch self {
        case .serverAway, .unknown: nil
        case .minority(let master), .leads(let master), .follows(let master), .connects(let master),
            .awaits(let master, _), .unusable(let master, _, _), .empty(let master, _):
            master
        case .acting(let move), .failed(let move, _), .rehearsed(let move): move.master
        }
    }
}
