internal import ArgumentParser
internal import LocalTopology
internal import SystemPackage

struct RunFailover: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run nodes that elect their leader, an etcd and the apps, until Ctrl-C.")

    @OptionGroup var layout: FailoverLayout

    func run() async throws {
        _ = try await Lifetime(layout, target: "run-failover").live { [layout] cluster in
            let commands = try CommandSocket(name: ServerCommand.socketName(redisPort: layout.redisPort))
            try await cluster.start { Story.tell("Starting \($0.name) on \($0.endpoint)") }
            let leader = try await cluster.waitForLeader(layout)
            async let served: Void = commands.serve { await cluster.perform($0) }
            Story.tell(layout.welcome(leader: leader))
            for await death in cluster.unexpectedEndings {
                Story.complain("\(death.node) \(death.ending), though kv-local did not end it.\n\(death.log)")
            }
            await served
        }
    }
}

extension LocalCluster {
    /// The node that leads, as the agents say; `nil` where none does, or two do.
    nonisolated func leader(_ layout: FailoverLayout) async -> String? {
        var leaders: [String] = []
        for (name, agent) in zip(layout.names, layout.agents) {
            let answers = try? await LoopbackHTTP.exchange([.get("/readyz")], with: agent, timeout: .seconds(1))
            if let answer = answers?.first, answer.text.hasPrefix("ready: leads") { leaders.append(name) }
        }
        return leaders.count == 1 ? leaders[0] : nil
    }

    /// Waits until one node leads, all others that run follow it, and an app takes writes.
    @discardableResult
    nonisolated func waitForLeader(_ layout: FailoverLayout) async throws -> String {
        try await wait(until: "one node leads, and the others follow it", within: .seconds(90)) {
            guard let leader = await self.leader(layout) else { return .notYet("no node leads, or two do") }
            for (name, agent) in zip(layout.names, layout.agents) where await self.isRunning(name) && name != leader {
                let answers = try? await LoopbackHTTP.exchange([.get("/readyz")], with: agent, timeout: .seconds(1))
                let text = answers?.first?.text ?? "does not answer"
                guard text.hasPrefix("ready: replicates from \(leader)") else { return .notYet("\(name) is \(text)") }
            }
            return .satisfied
        }
        guard let leader = await leader(layout) else { return try await waitForLeader(layout) }
        return leader
    }
}

extension FailoverLayout {
    func welcome(leader: String) -> String {
        let base = "http://127.0.0.1:\(port)"
        let other = names.first { $0 != leader } ?? leader
        return """

            \(leader) leads, \(nodes - 1) nodes replicate from it, \(apps) apps are behind port \(port).
            The page is at \(base)/ . Try, in another terminal:

              curl -X PUT -d value_1 \(base)/v1/keys/key_1
              curl \(base)/v1/keys/key_1

              curl 'http://127.0.0.1:\(sidecarPort)/status?table'
                who leads, terms, offsets, and what blocks a promotion

            Kill the leader: its redis-server and its agent. Another node leads within the lease (\(leaseSeconds) s), and \
            writes wait for it. Start it again, and it comes back as a replica.

              \(command("kill \(leader)"))
              \(command("start \(leader)"))

            Kill only its redis-server, as a crash would, and another node leads within some milliseconds:

              redis-cli -h 127.0.0.\(1 + (names.firstIndex(of: leader) ?? 0)) -p \(redisPort) debug segfault

            `make drill-failover` plays it, and counts. \(other) and the others can be killed, too.
            Ctrl-C stops everything.
            """
    }

    private func command(_ words: String) -> String {
        let port = redisPort == Layout.defaultRedisPort ? "" : " --redis-port \(redisPort)"
        return "\(Programs.running.string.quotedForShell) \(words)\(port)"
    }
}
