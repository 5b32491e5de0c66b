import Failover
import RedisClient
import RedisCore
import ReplicaReconciler

extension AgentLoop {
    func perform(_ actions: [FailoverMachine.Action]) {
        for action in actions { perform(action) }
    }

    private func perform(_ action: FailoverMachine.Action) {
        switch action {
        case .readLease: readLease()
        case .writeLease(let record, let version): writeLease(record, replacing: version)
        case .askPeers:
            askPeers()
            // A planned change compares this node's position, too.
            if case .handingOver = machine.state { look() }
        case .askForAgreement(let term): askForAgreement(term: term)
        case .promote: promote()
        case .takeWrites:
            control.takeWrites(within: commandLimit) { error in
                if let error { self.tell(.serverRefused(error.description)) }
                self.look()
            }
        case .publish(let term):
            let publish = configuration.publish
            Task { await publish(term) }
        case .fence: fence()
        case .follow(let name, let term): follow(name, term: term)
        case .pauseWrites(let time):
            control.pauseWrites(for: time, within: commandLimit) { error in
                if let error { return self.tell(.serverRefused(error.description)) }
                self.advance(self.machine.writesPaused(at: self.now))
                self.look()
            }
        case .resumeWrites:
            control.resumeWrites(within: commandLimit) { error in
                if let error { self.tell(.serverRefused(error.description)) }
            }
        case .tell(let event): tell(.machine(event))
        }
    }

    /// Half of the time for fencing: the other half is for SIGKILL.
    private var commandLimit: Duration { configuration.settings.fenceTime / 2 }

    private func promote() {
        // Where the new history branches off from the one before.
        let start = machine.local?.position?.offset ?? 0
        control.promote(within: configuration.settings.duration / 2) { result in
            switch result {
            case .success(let promotion):
                self.advance(
                    self.machine.promoted((id: promotion.history, start: start, run: promotion.run), at: self.now))
                self.look()
            case .failure(let error):
                self.tell(.serverRefused(error.description))
                self.advance(self.machine.promoted(nil, at: self.now))
            }
        }
    }

    private func fence() {
        control.fence(within: commandLimit) { outcome in
            if case .killed(let reason) = outcome { self.tell(.killedServer(reason)) }
            self.advance(self.machine.fenced(at: self.now))
            self.look()
        }
    }

    // MARK: Following

    private func follow(_ name: String, term: UInt64) {
        guard !isFollowing, let leader = configuration.members.first(where: { $0.name == name }),
            let answer, !answer.isLoading, now - answeredAt < configuration.answerLimit, let lease
        else { return }
        let link = answer.information.replication.masterLink
        if let link, link.port == leader.port, link.host.lowercased() == leader.host.lowercased() { return }
        isFollowing = true
        var position: DataPosition?
        var isExact = true
        if case .known(let known) = answer.position(context, statement(for: answer)) {
            position = known
            isExact = answer.isOwnPosition(known)
        }
        guard
            let file = RollbackFile.needed(for: position, isExact: isExact, keys: answer.information.keys, in: lease)
        else { return replicate(from: leader, term: term) }
        rollback.keep(file) { result in
            switch result {
            case .success(let path):
                self.tell(.kept(file, path: path))
                self.replicate(from: leader, term: term)
            case .failure(let error):
                self.isFollowing = false
                self.tell(
                    .notKept(
                        "The server \(error), so \(self.configuration.settings.node.name) does not follow "
                            + "\(name): a full copy would replace what only this node has. Free space or mend the volume"
                    ))
            }
        }
    }

    private func replicate(from leader: FailoverMember, term: UInt64) {
        // Much may have happened since: this node may lead now.
        guard case .following = machine.state, lease?.term == term, lease?.holder?.name == leader.name,
            machine.isLeaderCurrent(at: now), !isStopped
        else {
            isFollowing = false
            return
        }
        control.follow(host: leader.host, port: leader.port, within: commandLimit) { error in
            self.isFollowing = false
            if let error { return self.tell(.serverRefused(error.description)) }
            self.tell(.follows(leader.name))
            self.look()
        }
    }
}
