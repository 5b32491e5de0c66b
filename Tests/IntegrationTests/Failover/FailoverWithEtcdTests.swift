import Failover
import FailoverAgent
import LocalTopology
import SystemPackage
import Testing

/// Real servers, and the lease in a real etcd.
@Suite("Three nodes with agents and etcd", .serialized)
struct FailoverWithEtcdTests {
    @Test("replace a killed leader, and lose nothing of the quorum", arguments: RedisServer.representatives)
    func serverKilled(server: String) async throws {
        try await EtcdServer.with { etcd in
            try await FailoverCluster.run(server: FilePath(server), store: { try await etcd.store("kill") }) {
                cluster in
                let writers = Writers(cluster.nodes)
                for _ in 0..<3 {
                    let leader = try await cluster.settled()
                    let before = writers.notes.acknowledged.count
                    try await cluster.wait(until: "writes are acknowledged") {
                        writers.notes.acknowledged.count > before + 20
                    }
                    let killedAt = ContinuousClock.now
                    try await cluster.servers.kill(leader)
                    try await cluster.wait(until: "another server takes writes") {
                        writers.notes.acknowledged.contains { $0.server != leader && $0.sentAt > killedAt }
                    }
                    let first = try #require(
                        writers.notes.acknowledged.filter { $0.server != leader && $0.sentAt > killedAt }
                            .min { $0.receivedAt < $1.receivedAt })
                    print("leader's server killed, lease in etcd, \(server): \(first.receivedAt - killedAt)")
                    try await cluster.settled()
                    #expect(writers.notes.overlap(of: leader, with: first.server, after: killedAt) == 0)
                }
                let notes = try await writers.stop()
                #expect(try await cluster.lost(notes) == [])
            }
        }
    }

    @Test(
        "go on while etcd is killed or stands still, and when it is back: no write is refused",
        arguments: [RedisServer.representatives.last!])
    func etcdAway(server: String) async throws {
        try await EtcdServer.with { etcd in
            try await FailoverCluster.run(server: FilePath(server), store: { try await etcd.store("away") }) {
                cluster in
                let leader = try await cluster.settled()
                let writers = Writers(cluster.nodes.filter { $0.name == leader })
                let term = try #require(try await cluster.agent(leader).status().lease).term
                let agreed = { @Sendable in
                    cluster.events(of: leader).count { $0 == .machine(.goesOnByAgreement(term: term)) }
                }
                try await etcd.kill()
                try await cluster.wait(until: "the leader went on by agreement for long") { agreed() >= 12 }
                try await etcd.start()
                let renewals = try #require(try await cluster.agent(leader).status().lease).renewals
                try await cluster.wait(until: "the lease is renewed") {
                    try await cluster.agent(leader).status().lease?.renewals ?? 0 > renewals
                }
                let before = agreed()
                try await etcd.freeze()
                try await cluster.wait(until: "the leader went on by agreement again") { agreed() >= before + 12 }
                try await etcd.thaw()
                let notes = try await writers.stop()
                #expect(notes.refused == [:])
                #expect(try await cluster.settled() == leader)
                #expect(try await cluster.agent(leader).status().lease?.term == term)
            }
        }
    }
}
