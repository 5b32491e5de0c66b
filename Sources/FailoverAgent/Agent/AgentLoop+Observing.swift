import Failover
import NIOCore
import RedisClient
import RedisCore
import ReplicaAgent
import ReplicaReconciler

extension AgentLoop {
    // MARK: The server beside it

    func look() {
        guard !isStopped else { return }
        guard !isLooking else {
            looksAgain = true
            return
        }
        isLooking = true
        let askedAt = now
        lookedAt = askedAt
        server.ask(ServerAnswer.commands, within: configuration.answerLimit) { reply in
            self.isLooking = false
            self.see(reply, askedAt: askedAt)
            if self.looksAgain {
                self.looksAgain = false
                self.look()
            }
        }
    }

    private func see(_ reply: ServerConnection.Reply, askedAt: Duration) {
        guard !isStopped else { return }
        switch reply {
        case .success(let values):
            guard let answer = ServerAnswer(values) else {
                tell(.serverRefused(Self.reason(values)))
                return away(askedAt)
            }
            self.answer = answer
            answeredAt = askedAt
            prepare(answer)
            noteReplacement(answer)
            let observation = NodeObservation(
                answer, context, statement: statement(for: answer), isVouched: isVouched(answer), askedAt: askedAt)
            let actions = machine.see(local: observation, at: now)
            advance(actions)
            notePosition()
            changesBefore = answer.changes
            noteDoubt()
        case .failure(let failure):
            // A server that is busy for a while is not away: its agent could not fence it but by SIGKILL.
            if failure.isRefused || now - answeredAt >= configuration.answerLimit { return away(askedAt) }
            // The connection ended: a new one shows at once whether the server is there.
            if now - askedAt < configuration.lookInterval {
                isolatedLoop.scheduleTask(in: .milliseconds(10)) { self.look() }
            }
        }
    }

    private static func reason(_ values: [RedisValue]) -> String {
        values.lazy.compactMap(\.refusalWords).first ?? "gives an answer to INFO that cannot be read"
    }

    private func away(_ askedAt: Duration) {
        answer = nil
        changesBefore = nil
        isContinuous = false
        let actions = machine.see(local: NodeObservation(role: .away, position: nil, askedAt: askedAt), at: now)
        advance(actions)
    }

    /// What the server has to do differently while an agent watches it; asked again of each process of it.
    private func prepare(_ answer: ServerAnswer) {
        guard preparedRun != answer.run, !answer.isLoading else { return }
        preparedRun = answer.run
        let settings = [
            // So that silence says something.
            ("repl-ping-replica-period", "1"),
            // A master without replicas that gives up its backlog changes its history's name.
            ("repl-backlog-ttl", "0"),
        ]
        server.ask(settings.map { command("CONFIG", "SET", $0, $1) }, within: .seconds(1)) { reply in
            guard case .success(let values) = reply, values.allSatisfy(\.isOK) else {
                self.preparedRun = nil
                return
            }
        }
    }

    // MARK: Positions

    /// Whether a copy has replaced the data that the process began with. One that ended before it was loaded has not: a
    /// replica without a link changes no key, so their number tells.
    private func noteReplacement(_ answer: ServerAnswer) {
        guard let begun, begun.run == answer.run else {
            if !answer.isLoading { begun = (answer.run, answer.information.keys) }
            return
        }
        if answer.isLoading || answer.information.replication.masterLink?.isUp == true
            || answer.information.keys != begun.keys
        {
            replacedRun = answer.run
        }
    }

    var lease: LeaseRecord? {
        guard case .present(let lease) = machine.lease else { return nil }
        return lease.record
    }

    var context: ObservationContext {
        ObservationContext(
            lease: lease, members: configuration.members, silenceLimit: configuration.silenceLimit,
            last: latest?.position)
    }

    /// Where the data of an earlier process ended, if this one has them still.
    func statement(for answer: ServerAnswer) -> PositionStatement? {
        guard let latest, latest.run != answer.run, replacedRun != answer.run else { return nil }
        return PositionStatement(
            run: answer.run, position: latest.position, endedInOrder: latest.state == .stopped)
    }

    /// Without a position file nothing says whether a server that keeps no append-only file came back with all it had.
    private func isVouched(_ answer: ServerAnswer) -> Bool { answer.isAppendOnly || latest != nil }

    /// What the others cannot see of this node's data, if it counts them itself.
    private var countedPosition: (run: String, position: DataPosition)? {
        guard let local = machine.local, machine.isCurrent(local.askedAt, at: now), let position = local.position,
            position.term > 0
        else { return nil }
        return local.role.counts ? (local.run, position) : nil
    }

    /// The position that the disk may be said to have; `nil` where there is none.
    func storablePosition(_ state: StoredPosition.State) -> StoredPosition? {
        guard let answer, !answer.hasLostData(context, statement(for: answer)),
            let term = lease?.term(of: answer.information.replication.replicationID),
            case .known(let position) = answer.position(context, nil), position.term == term
        else { return nil }
        let observation = NodeObservation(answer, context, isVouched: isVouched(answer), askedAt: .zero)
        guard observation.role.counts else { return nil }
        // After a copy the append-only file on disk is the old one until its rewrite ends.
        if answer.rewritesAppendOnlyFile, !isContinuous || latest?.run != answer.run { return nil }
        return StoredPosition(position: position, run: answer.run, state: state)
    }

    var storedState: StoredPosition.State {
        if case .leading = machine.state { return .leading }
        if case .replica(_, isLinkUp: true) = machine.local?.role { return .following }
        return .fenced
    }

    /// How long a server puts off to write its append-only file, at the most (redis/redis `src/aof.c`, flushAppendOnlyFile).
    private static let longestDelay = Duration.seconds(3)

    /// Of the positions that the server said, the newest one that is on the disk.
    private func written(_ position: StoredPosition, _ changes: DataChanges?) -> (StoredPosition, DataChanges?)? {
        guard let answer, answer.hasUnwrittenCommands else {
            unwritten = []
            return (position, changes)
        }
        unwritten.append((answeredAt, position, changes))
        guard let index = unwritten.lastIndex(where: { answeredAt - $0.at >= Self.longestDelay }) else {
            if unwritten.count > 256 { unwritten.removeFirst() }
            return nil
        }
        let old = unwritten[index]
        unwritten.removeFirst(index + 1)
        return old.position.run == position.run ? (old.position, old.changes) : nil
    }

    private func notePosition() {
        guard let said = storablePosition(storedState) else {
            isContinuous = false
            return
        }
        isContinuous = said.state != .fenced
        // Counted before the position: what changed in between is not behind it.
        guard let (position, changes) = written(said, changesBefore) else { return }
        latest = position
        let pace = PositionPace(
            of: position, answer?.changes, after: writer.written, writtenChanges,
            interval: configuration.positionInterval)
        guard let pace, positionWrittenAt.map({ now - $0 >= pace.interval }) ?? true else { return }
        positionWrittenAt = now
        writer.write(position) { error in
            if let error { self.tell(.positionFailed(error.description)) } else { self.writtenChanges = changes }
        }
    }

    // MARK: The lease

    /// Once for each doubt.
    func noteDoubt() {
        if let latest { machine.hear(term: latest.position.term) }
        guard machine.lease != nil, let latest else { return }
        let doubt = LeaseDoubt(lease, position: latest.position)
        guard doubt != leaseDoubt else { return }
        leaseDoubt = doubt
        if let doubt { tell(.leaseDoubted(doubt)) }
    }

    // MARK: The others

    /// Once the target has been asked: what is known of it may be old.
    func switchOver(to name: String) {
        guard peers.contains(where: { $0.name == name }) else { return advance(machine.switchOver(to: name, at: now)) }
        switchover = (name, now)
        askPeers()
    }

    func askPeers() {
        guard !isStopped else { return }
        for peer in peers where !peer.isBeingAsked {
            peer.isBeingAsked = true
            let askedAt = now
            peer.connection.ask(ServerAnswer.commands, within: configuration.peerLimit) { reply in
                peer.isBeingAsked = false
                self.see(reply, of: peer, askedAt: askedAt)
                if let wanted = self.switchover, wanted.target == peer.name { self.askPeers() }
            }
        }
    }

    private func see(_ reply: ServerConnection.Reply, of peer: PeerServer, askedAt: Duration) {
        guard !isStopped else { return }
        guard case .success(let values) = reply, let answer = ServerAnswer(values) else {
            tellTrouble(with: peer, reply)
            machine.see(peer: peer.name, NodeObservation(role: .away, position: nil, askedAt: askedAt))
            if let wanted = switchover, wanted.target == peer.name, askedAt >= wanted.since {
                switchover = nil
                perform(machine.switchOver(to: peer.name, at: now))
            }
            return advance()
        }
        peer.troubles = []
        peer.server = answer.server
        // Its agent may know more: until it says so, it counts as a node whose position is not known.
        let observation = NodeObservation(answer, context, isVouched: false, askedAt: askedAt)
        let isKnown = peer.counted.map { $0.run == answer.run && machine.isCurrent($0.askedAt, at: now) } ?? false
        // What its agent said of this process a moment ago holds until it says more, or grows old.
        if !observation.role.isUnknown || !isKnown { machine.see(peer: peer.name, observation) }
        if let wanted = switchover, wanted.target == peer.name, askedAt >= wanted.since {
            switchover = nil
            perform(machine.switchOver(to: peer.name, at: now))
        }
        if !answer.isLoading, answer.position(context, nil) == .unknown || observation.role.isUnknown {
            ask(peer, .position(answer), askedAt: askedAt) { .tellPosition(nonce: $0, to: peer.name) }
        }
        advance()
    }

    /// Why another node counts as away, once: a login or TLS that is wrong looks like a dead server otherwise.
    private func tellTrouble(with peer: PeerServer, _ reply: ServerConnection.Reply) {
        let reason: String
        switch reply {
        case .failure(let failure):
            if failure.isRefused { return }
            reason = failure.description
        case .success(let values): reason = Self.reason(values)
        }
        // Each reason once, until it answers.
        guard peer.troubles.insert(reason).inserted else { return }
        tell(.peerFails(peer.name, reason))
    }

    func askForAgreement(term: UInt64) {
        let askedAt = now
        for peer in peers {
            ask(peer, .agreement(term: term), askedAt: askedAt) {
                .agree(nonce: $0, to: peer.name, leader: self.configuration.settings.node, term: term)
            }
        }
    }

    private func ask(
        _ peer: PeerServer, _ kind: Question.Kind, askedAt: Duration, _ message: (String) -> AgentMessage
    ) {
        guard questions.count < 64 else { return }
        let nonce = AgentMessage.nonce()
        questions[nonce] = Question(peer: peer.name, askedAt: askedAt, kind: kind)
        peer.publish(message(nonce), within: configuration.peerLimit)
    }

    /// - Parameter name: on whose server it was heard.
    func hear(answer message: AgentMessage, from name: String) {
        guard !isStopped else { return }
        switch message {
        case .agreed(let nonce, let from, let term):
            guard from == name, let question = questions[nonce], question.peer == name,
                case .agreement(term) = question.kind
            else { return }
            questions[nonce] = nil
            advance(machine.agreed(name, askedAt: question.askedAt))
        case .position(let nonce, let from, let run, let position):
            guard from == name, let question = questions[nonce], question.peer == name,
                case .position(let answer) = question.kind
            else { return }
            questions[nonce] = nil
            machine.hear(term: position.term)
            // A position of no process is what its file says: its server has other data.
            guard answer.run == run else { return }
            peers.first { $0.name == name }?.counted = (run, question.askedAt)
            let statement = PositionStatement(run: run, position: position)
            machine.see(
                peer: name,
                NodeObservation(answer, context, statement: statement, askedAt: question.askedAt))
            advance()
        case .agree, .tellPosition: return
        }
    }

    /// What another agent asks through the server beside this one.
    func hear(question message: AgentMessage) {
        guard !isStopped else { return }
        let own = configuration.settings.node.name
        switch message {
        case .agree(let nonce, own, let leader, let term):
            guard machine.agrees(to: leader, term: term, at: now) else { return }
            publish(.agreed(nonce: nonce, from: own, term: term))
        case .tellPosition(let nonce, own):
            if let counted = countedPosition {
                publish(.position(nonce: nonce, from: own, run: counted.run, counted.position))
            } else if let latest {
                publish(.position(nonce: nonce, from: own, run: AgentMessage.noRun, latest.position))
            }
        case .agree, .tellPosition, .agreed, .position: return
        }
    }

    private func publish(_ answer: AgentMessage) {
        server.ask([command("PUBLISH", AgentMessage.answers, answer.text)], within: configuration.peerLimit) { _ in }
    }
}
