import Hiredis
import LocalTopology
import Testing

/// A new image, node by node as a StatefulSet does it: the highest ordinal first, the next one once this one is ready.
@Suite("A new server version", .serialized)
struct UpgradeTests {
    struct Step: Sendable, CustomTestStringConvertible {
        var old: RedisServer
        var new: RedisServer

        var testDescription: String {
            "\(old.path.split(separator: "/").last!) to \(new.path.split(separator: "/").last!)"
        }
    }

    /// From the oldest server to the newest Redis, and from the newest Redis that Valkey can follow to Valkey.
    static let steps: [Step] = {
        let servers = RedisServer.representatives.compactMap { try? RedisServer($0) }.sorted { $0.number < $1.number }
        guard let oldest = servers.first, let newest = servers.last(where: { !$0.isValkey }) else { return [] }
        var steps = [Step(old: oldest, new: newest)]
        if let valkey = servers.last(where: \.isValkey),
            let old = servers.last(where: { !$0.isValkey && !$0.has(7, 2) })
        {
            steps.append(Step(old: old, new: valkey))
        }
        return steps
    }()

    @Test(
        "loses and refuses no write; the leader moves to a node that is not replaced yet, and last of all",
        arguments: steps)
    func upgrade(step: Step) async throws {
        try await SupervisedNodes.run(server: step.old.path) { system in
            // The worst case: the node that is replaced first leads.
            if try await system.settled() != "redis-2" {
                #expect(
                    try await system.order("switchover", "--to", "redis-2", on: try await system.settled()).code
                        == .exited(0))
            }
            #expect(try await system.settled() == "redis-2")
            let endpoint = Endpoint(port: try Loopback.freePorts(1)[0])
            let app = NodesCluster.app(
                at: endpoint, nodes: system.nodes.map(\.endpoint), program: try Programs.built("KVApp"),
                environment: ["WRITE_HOLD_MILLISECONDS": "30000"])
            try await withLocalCluster(ClusterSpec([app])) { app in
                var leaders: [String] = []
                let writes = try await HTTPWriters.run(to: endpoint) { writers in
                    for name in ["redis-2", "redis-1", "redis-0"] {
                        let before = writers.writes.count
                        try await system.wait(until: "writes are answered") { writers.writes.count > before + 20 }
                        try system.setServer(step.new.path, of: name)
                        #expect(try await system.cluster.terminate(name) == .exited(code: 0))
                        try await system.cluster.start(name)
                        leaders.append(try await system.settled())
                    }
                }
                #expect(leaders.prefix(2) == ["redis-0", "redis-0"] && leaders[2] != "redis-0", "\(leaders)")
                let failed = writes.filter { !$0.isAcknowledged }
                #expect(failed.isEmpty, "\(failed)")
                for node in system.nodes {
                    #expect(try await system.cluster.redis(node.name, "DBSIZE") == .integer(Int64(writes.count)))
                }
                print("\(step.testDescription): \(writes.count) writes, longest \(writes.map(\.time).max()!)")
            }
        }
    }

    @Test("can be taken back while the leader has the old one: a node with an empty volume copies all data")
    func wayBack() async throws {
        guard let step = Self.steps.first else { return }
        try await SupervisedNodes.run(server: step.old.path) { system in
            let leader = try await system.settled()
            let other = try #require(SupervisedNodes.names.first { $0 != leader })
            #expect(try await system.cluster.redis(leader, "SET", "k", "v").text == "OK")
            for server in [step.new, step.old] {
                #expect(try await system.cluster.terminate(other) == .exited(code: 0))
                try system.setServer(server.path, of: other)
                // An older server cannot read what a newer one has written.
                if server.path == step.old.path { try system.emptyVolume(of: other) }
                try await system.cluster.start(other)
                #expect(try await system.settled() == leader)
                #expect(try await system.cluster.redis(other, "GET", "k").text == "v")
            }
        }
    }

    @Test("is no way back once the leader has it: an older server is not ready, and the leader stays")
    func back() async throws {
        guard let step = Self.steps.first, step.old.number < step.new.number else { return }
        try await SupervisedNodes.run(server: step.new.path) { system in
            let leader = try await system.settled()
            let other = try #require(SupervisedNodes.names.first { $0 != leader })
            #expect(try await system.cluster.redis(leader, "SET", "k", "v").text == "OK")
            try system.setServer(step.old.path, of: other)
            #expect(try await system.cluster.terminate(other) == .exited(code: 0))
            // Its server may end again and again: it cannot read its own files, or the leader's.
            try? await system.cluster.start(other)
            for _ in 0..<20 {
                try await system.wait(until: "\(other) says whether it is ready") {
                    guard let answer = try? await system.get("/readyz", of: other) else { return false }
                    #expect(answer.status == 503, "\(answer.text)")
                    return true
                }
                #expect(try await system.leader() == leader)
                #expect(try await system.cluster.redis(leader, "SET", "k", "w").text == "OK")
            }
            _ = try await system.cluster.terminate(other)
            try system.setServer(step.new.path, of: other)
            try await system.cluster.start(other)
            #expect(try await system.settled() == leader)
            #expect(try await system.cluster.redis(other, "GET", "k").text == "w")
        }
    }
}
