import FailoverAgent
import LocalTopology
import RegisterHistory
import SystemPackage
import Testing

/// One key under several clients that pass their tokens on, while the leader changes.
@Suite("What clients with tokens see of one key over changes of the leader is linearizable", .serialized)
struct HistoryTests {
    static let servers = RedisServer.representatives

    @Test("planned changes", arguments: servers)
    func planned(server: String) async throws {
        try await LeaderWithAgentsTests.run(server) { cluster, _, endpoint in
            let record = try await RegisterClients.run(to: endpoint) { clients in
                for _ in 0..<LeaderWithAgentsTests.rounds + 1 {
                    let leader = try await cluster.settled()
                    let target = try #require(cluster.nodes.map(\.name).first { $0 != leader })
                    try await Self.wait(cluster, clients)
                    try await cluster.agent(leader).switchOver(to: target)
                    try await cluster.wait(until: "\(target) leads") { try await cluster.leader() == target }
                    try await cluster.settled()
                    try await Self.wait(cluster, clients)
                }
            }
            #expect(record.others.filter { $0.key.hasPrefix("write") } == [:])
            try record.history.check()
            Self.show(record, "planned changes", server, lost: 0)
        }
    }

    @Test("killed leaders, once what was reported as lost is left out", arguments: servers)
    func killed(server: String) async throws {
        try await LeaderWithAgentsTests.run(server) { cluster, app, endpoint in
            var record = try await RegisterClients.run(to: endpoint) { clients in
                let leader = try await cluster.settled()
                // A replica that loses its master during a pause forgets how far its data go.
                try await Self.wait(cluster, clients, lagging: false)
                try await cluster.servers.kill(leader)
                try await cluster.settled()
                try await Self.wait(cluster, clients, lagging: false)
            }
            // Every acknowledged write is there, was overwritten, or is reported as lost.
            var lost: Set<Int> = []
            for write in record.acknowledged {
                let read = try await app.getValue("register", after: write.token)
                if read.code == "replication-lost" { lost.insert(write.value) }
            }
            record.history.operations.removeAll { operation in
                switch operation.action {
                case .write(let value): lost.contains(value)
                case .read(let value): value.map(lost.contains) ?? false
                }
            }
            try record.history.check()
            Self.show(record, "a killed leader", server, lost: lost.count)
        }
    }

    @Test("without tokens it is not: a replica that lags gives older values")
    func plain() async throws {
        try await LeaderWithAgentsTests.run(try Harness.redisServer.string) { cluster, _, endpoint in
            let record = try await RegisterClients.run(to: endpoint, passingTokens: false) { clients in
                for _ in 0..<5 { try await Self.wait(cluster, clients) }
            }
            #expect(throws: RegisterHistory.Fault.self) { try record.history.check() }
        }
    }

    /// Some more operations, while the replicas stand still again and again.
    private static func wait(
        _ cluster: FailoverCluster, _ clients: RegisterClients, lagging: Bool = true
    ) async throws {
        let before = clients.count
        try await cluster.wait(until: "the clients get answers") {
            let leader = try await cluster.leader()
            for node in cluster.nodes where lagging && node.name != leader {
                // It serves reads, and applies nothing of its master's for that time; 6.0 does not know WRITE.
                _ = try await cluster.servers.redis(node.name, "CLIENT", "PAUSE", "20", "WRITE")
            }
            return clients.count > before + 100
        }
    }

    private static func show(_ record: RegisterClients.Record, _ fault: String, _ server: String, lost: Int) {
        print(
            "one key over \(fault), \(server): \(record.history.operations.count) operations, linearizable; \(lost) writes lost "
                + "and reported; other answers: \(record.others)")
    }
}
