import Failover

extension Simulation {
    /// A command that the agent sent over the Unix socket.
    mutating func command(_ event: Event) {
        switch event {
        case .promote(let index, let start):
            guard nodes[index].id.start == start else { return }
            guard nodes[index].server.isAlive, now >= nodes[index].server.loadsUntil else {
                queue.add(.promoted(index, start: start, nil), at: now + 500)
                return
            }
            var server = nodes[index].server
            server.generation += 1
            server.role = .master
            server.isLinkUp = false
            server.takesWrites = settings.sabotage == .takesWritesAtOnce
            let start0 = server.data.offset
            server.data = SimulatedData(history: histories.new(from: server.data), offset: start0)
            historyNames.append("h\(server.data.history)")
            nodes[index].server = server
            dropReplicas(of: index)
            let history = (id: historyNames[server.data.history], start: start0, run: "\(server.starts)")
            queue.add(.promoted(index, start: start, history), at: now + 500)
        case .takeWrites(let index, let start, let generation):
            guard nodes[index].id.start == start, nodes[index].server.generation == generation else { return }
            nodes[index].server.takesWrites = true
        case .fence(let index, let start, let kills):
            guard nodes[index].id.start == start else { return }
            if kills { kill(index) } else { nodes[index].server.takesWrites = false }
            // Clients that wait for replicas are ended: the acknowledgement of a replica that comes later is void.
            if settings.sabotage != .leavesWaitingClients { pending.removeAll { $0.master == index } }
            queue.add(.fenced(index, start: start), at: now + 300)
        case .follow(let index, let start, let master):
            guard nodes[index].id.start == start, nodes[index].server.isAlive, now >= nodes[index].server.loadsUntil
            else { return }
            // As in Redis: what it does already is no order, and a copy that is under way goes on.
            if nodes[index].server.role == .replica(of: master) { return }
            nodes[index].server.generation += 1
            nodes[index].server.takesWrites = false
            nodes[index].server.role = .replica(of: master)
            nodes[index].server.isLinkUp = false
            dropReplicas(of: index)
            queue.add(.connect(index, generation: nodes[index].server.generation), at: now + delay())
        case .pause(let index, let start, let until):
            guard nodes[index].id.start == start else { return }
            nodes[index].server.pausedUntil = until
            queue.add(.paused(index, start: start), at: now + 300)
        case .resume(let index, let start):
            guard nodes[index].id.start == start else { return }
            nodes[index].server.pausedUntil = 0
        default: break
        }
    }

    /// The process is gone; its agent starts another one.
    mutating func kill(_ index: Int) {
        guard nodes[index].server.isAlive else { return }
        nodes[index].server.isAlive = false
        nodes[index].server.takesWrites = false
        nodes[index].server.generation += 1
        nodes[index].server.isLinkUp = false
        dropReplicas(of: index)
        queue.add(
            .serverStart(index, generation: nodes[index].server.generation), at: now + random.time(200_000...3_000_000))
    }

    mutating func dropReplicas(of master: Int) {
        for index in nodes.indices
        where nodes[index].server.role == .replica(of: master) && nodes[index].server.isLinkUp {
            nodes[index].server.isLinkUp = false
            queue.add(.connect(index, generation: nodes[index].server.generation), at: now + 1_000_000)
        }
    }

    /// What happens between servers.
    mutating func replicate(_ event: Event) {
        switch event {
        case .stream, .acknowledgement: break
        default: say("\(event)")
        }
        switch event {
        case .serverStart(let index, let generation):
            guard nodes[index].server.generation == generation, nodes[index].isUp else { return }
            // It comes up refusing writes, as a master without replicas, and loads its data first.
            nodes[index].server.isAlive = true
            nodes[index].server.starts += 1
            nodes[index].server.role = .master
            nodes[index].server.pausedUntil = 0
            nodes[index].server.loadsUntil = now + random.time(10_000...2_000_000)
        case .connect(let index, let generation):
            guard nodes[index].server.generation == generation, nodes[index].server.isAlive,
                case .replica(let master) = nodes[index].server.role, !nodes[index].server.isLinkUp
            else { return }
            let source = nodes[master].server
            guard isConnected[index][master], source.isAlive, source.role == .master, now >= source.loadsUntil else {
                queue.add(event, at: now + 1_000_000)
                return
            }
            if histories.contains(source.data, nodes[index].server.data) {
                nodes[index].server.isLinkUp = true
                nodes[index].server.isCopying = false
                queue.add(.stream(index, generation: generation, source.data), at: now + delay())
            } else {
                nodes[index].server.isCopying = true
                queue.add(
                    .copied(index, generation: generation, source.data), at: now + random.time(100_000...3_000_000))
            }
        case .copied(let index, let generation, let data):
            guard nodes[index].server.generation == generation, nodes[index].server.isAlive,
                case .replica(let master) = nodes[index].server.role
            else { return }
            let source = nodes[master].server
            guard isConnected[index][master], source.isAlive, source.role == .master,
                source.data.history == data.history
            else {
                // What came is thrown away.
                nodes[index].server.isCopying = false
                queue.add(.connect(index, generation: generation), at: now + 1_000_000)
                return
            }
            nodes[index].server.data = data
            nodes[index].server.isCopying = false
            nodes[index].server.isLinkUp = true
            queue.add(.stream(index, generation: generation, source.data), at: now + delay())
        case .stream(let index, let generation, let data):
            guard nodes[index].server.generation == generation, nodes[index].server.isLinkUp,
                case .replica(let master) = nodes[index].server.role
            else { return }
            guard isConnected[index][master], nodes[master].server.data.history == data.history else {
                nodes[index].server.isLinkUp = false
                queue.add(.connect(index, generation: generation), at: now + 1_000_000)
                return
            }
            let own = nodes[index].server.data
            if own.history != data.history || own.offset < data.offset { nodes[index].server.data = data }
            queue.add(
                .acknowledgement(master, of: index, data, masterGeneration: nodes[master].server.generation),
                at: now + delay())
        case .acknowledgement(let master, let replica, let data, let generation):
            guard nodes[master].server.generation == generation, isConnected[master][replica] else { return }
            for position in pending.indices.reversed()
            where pending[position].master == master && pending[position].generation == generation
                && pending[position].data.history == data.history && pending[position].data.offset <= data.offset
                && pending[position].holders & (1 << replica) == 0
            {
                pending[position].holders |= 1 << replica
                if pending[position].holders.nonzeroBitCount >= settings.writeQuorum {
                    noteAcknowledged(byQuorum: true, pending[position].data)
                    pending.remove(at: position)
                }
            }
        default: break
        }
    }
}
