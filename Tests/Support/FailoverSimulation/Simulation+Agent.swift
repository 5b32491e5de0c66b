import Failover

extension Simulation {
    func clock(_ index: Int) -> Duration {
        .microseconds(nodes[index].clockStart + Int64(Double(now) * nodes[index].rate))
    }

    /// How long a message is on its way.
    mutating func delay() -> Int64 {
        let usual = random.time(200...3_000) * slowness
        return random.isOneIn(40) ? usual + random.time(0...1_500_000) : usual
    }

    mutating func isLost() -> Bool { !isCalm && random.isOneIn(60) }

    /// Whether this event is for a process that is there, and not frozen; what comes for a frozen one waits.
    private mutating func reaches(_ index: Int, _ start: UInt64, _ event: Event) -> Bool {
        guard nodes[index].isUp, nodes[index].id.start == start else { return false }
        guard nodes[index].isFrozen else { return true }
        nodes[index].waiting.append(event)
        return false
    }

    mutating func handle(_ event: Event) {
        switch event {
        case .tick(let index, let start):
            guard nodes[index].isUp, nodes[index].id.start == start else { return }
            queue.add(event, at: now + random.time(100_000...200_000))
            guard !nodes[index].isFrozen else { return }
            perform(nodes[index].machine.tick(at: clock(index)), index)
        case .lookAtServer(let index, let start):
            guard nodes[index].isUp, nodes[index].id.start == start else { return }
            queue.add(event, at: now + random.time(150_000...250_000))
            guard !nodes[index].isFrozen else { return }
            let observation = observation(of: nodes[index].server, by: index, askedAt: clock(index))
            perform(nodes[index].machine.see(local: observation, at: clock(index)), index)
        case .leaseRequest(let index, let start, let askedAt, let write): store(index, start, askedAt, write)
        case .leaseRead(let index, let start, let askedAt, let found):
            guard reaches(index, start, event) else { return }
            perform(
                nodes[index].machine.see(
                    lease: found, askedAt: settings.sabotage == .believesOldReads ? clock(index) : askedAt,
                    at: clock(index)), index)
        case .told(let index, let start):
            guard reaches(index, start, event), nodes[index].machine.storeTold(at: clock(index)) else { return }
            perform([.readLease], index)
        case .leaseReply(let index, let start, let number, let isWritten):
            guard reaches(index, start, event), !writes[number].isOver else { return }
            writes[number].isOver = true
            let write = writes[number]
            if isWritten, let version = write.version {
                perform(
                    nodes[index].machine.leaseWritten(write.record, version, sentAt: write.sentAt, at: clock(index)),
                    index)
            } else {
                perform(nodes[index].machine.leaseNotWritten(isConflict: true, at: clock(index)), index)
            }
        case .leaseTimeout(let index, let start, let number):
            guard reaches(index, start, event), !writes[number].isOver else { return }
            writes[number].isOver = true
            perform(nodes[index].machine.leaseNotWritten(isConflict: false, at: clock(index)), index)
        case .question(let index, let start, let peer, let askedAt):
            guard isConnected[index][peer], nodes[peer].isUp, !isLost() else { return }
            queue.add(.answer(index, start: start, of: peer, askedAt: askedAt, nodes[peer].server), at: now + delay())
        case .answer(let index, let start, let peer, let askedAt, let server):
            guard reaches(index, start, event) else { return }
            var observation = observation(of: server, by: index, askedAt: askedAt)
            // Each says that it has nothing.
            if settings.sabotage == .ignoresPeers { observation.position = nil }
            nodes[index].machine.see(peer: nodes[peer].id.name, observation)
        case .silence(let index, let start, let peer, let askedAt):
            guard reaches(index, start, event) else { return }
            if let known = nodes[index].machine.peers[nodes[peer].id.name], known.askedAt >= askedAt { return }
            nodes[index].machine.see(
                peer: nodes[peer].id.name, NodeObservation(role: .away, position: nil, askedAt: askedAt))
        case .agreementQuestion(let index, let start, let peer, let term, let askedAt):
            guard isConnected[index][peer] else { return }
            guard reaches(peer, nodes[peer].id.start, event) else { return }
            var machine = nodes[peer].machine
            guard machine.agrees(to: nodes[index].id, term: term, at: clock(peer)) else { return }
            if settings.sabotage != .breaksPromises { nodes[peer].machine = machine }
            guard !isLost() else { return }
            queue.add(.agreement(index, start: start, of: peer, askedAt: askedAt), at: now + delay())
        case .agreement(let index, let start, let peer, let askedAt):
            guard reaches(index, start, event) else { return }
            perform(nodes[index].machine.agreed(nodes[peer].id.name, askedAt: askedAt), index)
        case .promoted(let index, let start, let history):
            guard reaches(index, start, event) else { return }
            perform(nodes[index].machine.promoted(history, at: clock(index)), index)
        case .fenced(let index, let start):
            guard reaches(index, start, event) else { return }
            perform(nodes[index].machine.fenced(at: clock(index)), index)
        case .paused(let index, let start):
            guard reaches(index, start, event) else { return }
            perform(nodes[index].machine.writesPaused(at: clock(index)), index)
        case .promote, .takeWrites, .fence, .follow, .pause, .resume: command(event)
        case .connect, .copied, .stream, .acknowledgement, .serverStart: replicate(event)
        case .agentStart, .deadMan, .thaw, .write, .trouble, .calm: happen(event)
        case .end: break
        }
    }

    /// What a node makes of a server's words: the term comes from the lease that it knows.
    private func observation(of server: SimulatedServer, by index: Int, askedAt: Duration) -> NodeObservation {
        guard server.isAlive else { return NodeObservation(role: .away, position: nil, askedAt: askedAt) }
        var data = server.data
        var term: UInt64 = 0
        if case .present(let lease) = nodes[index].machine.lease {
            // In a history that the lease does not name no write was taken.
            while lease.record.term(of: historyNames[data.history]) == nil, let parent = histories.parents[data.history]
            {
                data = SimulatedData(history: parent.history, offset: min(parent.offset, data.offset))
            }
            term = lease.record.term(of: historyNames[data.history]) ?? 0
        }
        if settings.sabotage == .ignoresTerms { term = 0 }
        let position = DataPosition(
            term: term, history: settings.sabotage == .ignoresTerms ? "" : historyNames[data.history],
            offset: data.offset)
        let role: NodeObservation.Role =
            if now < server.loadsUntil {
                .incomplete(.loading)
            } else if server.isCopying {
                .incomplete(.copying)
            } else {
                switch server.role {
                case .master: .master(isTakingWrites: server.takesWrites)
                case .replica(let master): .replica(of: nodes[master].id.name, isLinkUp: server.isLinkUp)
                }
            }
        return NodeObservation(role: role, position: position, run: "\(server.starts)", askedAt: askedAt)
    }

    mutating func perform(_ actions: [FailoverMachine.Action], _ index: Int) {
        let start = nodes[index].id.start
        for action in actions {
            switch action {
            case .readLease, .askPeers: break
            default: say("\(nodes[index].id.name) \(nodes[index].machine.state): \(action)")
            }
            if case .writeLease = action, case .taking = nodes[index].machine.state {
                say(
                    "  clock \(clock(index)) local \(String(describing: nodes[index].machine.local)) peers \(nodes[index].machine.peers) lease \(String(describing: nodes[index].machine.lease)) SERVERS \(nodes.map(\.server))"
                )
            }
            switch action {
            case .readLease:
                if !isLost() {
                    queue.add(.leaseRequest(index, start: start, askedAt: clock(index), write: nil), at: now + delay())
                }
            case .writeLease(let record, let version):
                writes.append(Write(record: record, replacing: version, sentAt: clock(index)))
                let number = writes.count - 1
                if !isLost() {
                    queue.add(
                        .leaseRequest(index, start: start, askedAt: clock(index), write: number), at: now + delay())
                }
                queue.add(.leaseTimeout(index, start: start, write: number), at: now + 800_000)
            case .askPeers:
                for peer in nodes.indices where peer != index {
                    let askedAt = clock(index)
                    if !isLost() {
                        queue.add(.question(index, start: start, of: peer, askedAt: askedAt), at: now + delay())
                    }
                    queue.add(.silence(index, start: start, of: peer, askedAt: askedAt), at: now + 700_000)
                }
            case .askForAgreement(let term):
                for peer in nodes.indices where peer != index && !isLost() {
                    queue.add(
                        .agreementQuestion(index, start: start, of: peer, term: term, askedAt: clock(index)),
                        at: now + delay())
                }
            case .promote: addCommand(.promote(index, start: start), index)
            case .takeWrites:
                // The connection ended with the process. The next process is a replica of nothing, and refuses writes.
                guard nodes[index].server.isAlive else { break }
                addCommand(.takeWrites(index, start: start, generation: nodes[index].server.generation), index)
            case .publish: break
            case .fence:
                // A server that does not obey in time is killed.
                let kills = random.isOneIn(5)
                if kills {
                    queue.add(.fence(index, start: start, kills: true), at: now + 900_000)
                } else {
                    addCommand(.fence(index, start: start, kills: false), index)
                }
            case .follow(let name, _):
                if let master = nodes.firstIndex(where: { $0.id.name == name }) {
                    addCommand(.follow(index, start: start, master: master), index)
                }
            case .pauseWrites(let time):
                let microseconds = time.components.seconds * 1_000_000
                addCommand(.pause(index, start: start, until: now + microseconds), index)
            case .resumeWrites: addCommand(.resume(index, start: start), index)
            case .tell(.goesOnByAgreement): noteAgreement()
            case .tell(.fencing(.handover)): noteSwitchover()
            case .tell: break
            }
        }
    }

    /// Commands reach the server in order.
    private mutating func addCommand(_ event: Event, _ index: Int) {
        let time =
            max(nodes[index].commandsUntil, now)
            + (random.isOneIn(50) ? random.time(0...700_000) : random.time(100...5_000))
        nodes[index].commandsUntil = time
        queue.add(event, at: time)
    }

    private mutating func store(_ index: Int, _ start: UInt64, _ askedAt: Duration, _ number: Int?) {
        guard isStoreUp, nodes[index].reachesStore else { return }
        guard let number else {
            queue.add(.leaseRead(index, start: start, askedAt: askedAt, lease), at: now + delay())
            return
        }
        let isWritten = lease?.version == writes[number].replacing
        if isWritten {
            revisions += 1
            let version = LeaseVersion(String(revisions))
            lease = (writes[number].record, version)
            writes[number].version = version
            // Each has a watch, which may be broken.
            for other in nodes.indices where nodes[other].reachesStore && !random.isOneIn(10) {
                queue.add(.told(other, start: nodes[other].id.start), at: now + delay())
            }
        }
        if !isLost() {
            queue.add(.leaseReply(index, start: start, write: number, isWritten: isWritten), at: now + delay())
        }
    }
}
