import Failover

extension Simulation {
    mutating func happen(_ event: Event) {
        switch event {
        case .write:
            queue.add(.write, at: now + random.time(50_000...400_000))
            for index in nodes.indices where nodes[index].server.acknowledges(at: now) {
                nodes[index].server.data.offset += 1
                let data = nodes[index].server.data
                let generation = nodes[index].server.generation
                noteAcknowledged(byQuorum: false, data)
                pending.append((data, index, generation, 1 << index))
                if pending.count > 64 { pending.removeFirst(pending.count - 64) }
                for replica in nodes.indices
                where nodes[replica].server.role == .replica(of: index) && nodes[replica].server.isLinkUp {
                    queue.add(
                        .stream(replica, generation: nodes[replica].server.generation, data), at: now + delay())
                }
            }
        case .trouble:
            guard !isCalm else { return }
            queue.add(.trouble, at: now + random.time(200_000...5_000_000))
            makeTrouble()
        case .calm:
            isCalm = true
            slowness = 1
            isStoreUp = true
            for index in nodes.indices {
                nodes[index].reachesStore = true
                for other in nodes.indices { isConnected[index][other] = true }
            }
        case .agentStart(let index): startAgent(index)
        case .deadMan(let index, let freeze):
            guard nodes[index].isFrozen, nodes[index].freezes == freeze else { return }
            // As the kernel does at the end of PID 1, but for the agent itself, which is frozen.
            kill(index)
        case .thaw(let index, let freeze):
            guard nodes[index].isFrozen, nodes[index].freezes == freeze else { return }
            nodes[index].isFrozen = false
            let waiting = nodes[index].waiting
            nodes[index].waiting = []
            for event in waiting { queue.add(event, at: now) }
        default: break
        }
    }

    private mutating func startAgent(_ index: Int) {
        guard !nodes[index].isUp else { return }
        nodes[index].isUp = true
        nodes[index].isFrozen = false
        nodes[index].waiting = []
        nodes[index].id.start += 1
        let names = nodes.map(\.id.name)
        nodes[index].machine = FailoverMachine(machineSettings(nodes[index].id, names))
        nodes[index].commandsUntil = now
        let start = nodes[index].id.start
        queue.add(.tick(index, start: start), at: now)
        queue.add(.lookAtServer(index, start: start), at: now)
        queue.add(
            .serverStart(index, generation: nodes[index].server.generation), at: now + random.time(1_000...1_000_000))
    }

    private mutating func makeTrouble() {
        let index = random.below(nodes.count)
        let kind = random.below(10)
        say("TROUBLE \(kind) \(index)")
        switch kind {
        case 0: kill(index)
        case 1: stop(index)
        case 2: freeze(index)
        case 3: nodes[index].reachesStore.toggle()
        case 4:
            let other = random.below(nodes.count)
            guard other != index else { return }
            let connects = !isConnected[index][other]
            isConnected[index][other] = connects
            if random.isOneIn(2) { isConnected[other][index] = connects }
        case 5:
            // Cut off from all others, or back.
            let connects = !nodes[index].reachesStore
            nodes[index].reachesStore = connects
            for other in nodes.indices where other != index {
                isConnected[index][other] = connects
                isConnected[other][index] = connects
            }
        case 6: isStoreUp.toggle()
        case 7: slowness = random.isOneIn(2) ? 1 : random.time(1...100)
        case 8:
            let target = nodes[random.below(nodes.count)].id.name
            guard nodes[index].isUp, !nodes[index].isFrozen else { return }
            perform(nodes[index].machine.switchOver(to: target, at: clock(index)), index)
        default:
            // All at once.
            for node in nodes.indices { stop(node) }
        }
    }

    /// The container ends: agent and server.
    private mutating func stop(_ index: Int) {
        guard nodes[index].isUp else { return }
        kill(index)
        nodes[index].isUp = false
        queue.add(.agentStart(index), at: now + random.time(500_000...8_000_000))
    }

    private mutating func freeze(_ index: Int) {
        guard nodes[index].isUp, !nodes[index].isFrozen else { return }
        nodes[index].isFrozen = true
        nodes[index].freezes += 1
        let freeze = nodes[index].freezes
        queue.add(.deadMan(index, freeze: freeze), at: now + (settings.sabotage == .slowDeadMan ? 4_000_000 : 800_000))
        queue.add(.thaw(index, freeze: freeze), at: now + random.time(100_000...12_000_000))
    }
}
