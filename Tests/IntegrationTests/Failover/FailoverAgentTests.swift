import Failover
import FailoverAgent
import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

/// Real servers, a lease in memory, and agents in this process.
@Suite("Three nodes with agents", .serialized)
struct FailoverAgentTests {
    static let servers = RedisServer.representatives

    @Test("elect one of three empty nodes, which takes writes that all have", arguments: servers)
    func coldStart(server: String) async throws {
        try await FailoverCluster.run(server: FilePath(server)) { cluster in
            let leader = try await cluster.settled()
            let replies = try await cluster.servers.redis(leader, [["SET", "k", "v"], ["WAIT", "2", "5000"]])
            #expect(replies == [.simple(Array("OK".utf8)), .integer(2)])
            let record = try #require(try await cluster.agent(leader).status().lease)
            let history = try await cluster.servers.info(leader)["master_replid"]
            #expect(record.holder?.name == leader && record.newestHistory?.id == history)
        }
    }

    @Test(
        "have another one take writes when the leader's server is killed, and lose nothing of the quorum",
        arguments: servers)
    func serverKilled(server: String) async throws {
        try await FailoverCluster.run(server: FilePath(server)) { cluster in
            let rounds = getenv("FAILOVER_ROUNDS").flatMap { Int(String(cString: $0)) } ?? 2
            var times: [Duration] = []
            var overlaps = 0
            let writers = Writers(cluster.nodes)
            for _ in 0..<rounds {
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
                let notes = writers.notes
                let first = try #require(
                    notes.acknowledged.filter { $0.server != leader && $0.sentAt > killedAt }
                        .min { $0.receivedAt < $1.receivedAt })
                times.append(first.receivedAt - killedAt)
                try await cluster.settled()
                overlaps += writers.notes.overlap(of: leader, with: first.server, after: killedAt)
            }
            let notes = try await writers.stop()
            #expect(overlaps == 0)
            #expect(try await cluster.lost(notes) == [])
            times.sort()
            print(
                "leader's server killed, \(server): \(rounds) rounds, median \(times[times.count / 2]), most \(times.last!), "
                    + "\(notes.acknowledged.count) acknowledged, \(notes.acknowledged.count { $0.byQuorum }) by two")
        }
    }

    @Test(
        "replace a leader whose server is stopped; the stopped one takes no write when it goes on", arguments: servers)
    func serverStopped(server: String) async throws {
        try await FailoverCluster.run(server: FilePath(server)) { cluster in
            let leader = try await cluster.settled()
            let writers = Writers(cluster.nodes)
            try await cluster.wait(until: "writes are acknowledged") { writers.notes.acknowledged.count > 20 }
            let stoppedAt = ContinuousClock.now
            try await cluster.servers.pause(leader)
            try await cluster.wait(until: "another server takes writes") {
                writers.notes.acknowledged.contains { $0.server != leader && $0.sentAt > stoppedAt }
            }
            // It was killed, or goes on now.
            try? await cluster.servers.resume(leader)
            let new = try await cluster.settled(but: leader)
            let notes = try await writers.stop()
            #expect(notes.overlap(of: leader, with: new, after: stoppedAt) == 0)
            #expect(try await cluster.lost(notes) == [])
        }
    }

    @Test("go on without the store as long as all agree: no write is refused", arguments: servers)
    func storeStopped(server: String) async throws {
        try await FailoverCluster.run(server: FilePath(server)) { cluster in
            let leader = try await cluster.settled()
            let writers = Writers(cluster.nodes.filter { $0.name == leader })
            cluster.connectStore(false)
            // Four durations of the lease, as each agreement is renewed after two intervals at the latest.
            try await cluster.wait(until: "the leader went on by agreement for long") {
                cluster.events(of: leader).count { $0 == .machine(.goesOnByAgreement(term: 1)) } >= 12
            }
            cluster.connectStore(true)
            let count = cluster.events(of: leader).count
            try await cluster.wait(until: "the lease is renewed") {
                if case .leading = try await cluster.agent(leader).status().state { count > 0 } else { false }
            }
            let notes = try await writers.stop()
            #expect(notes.refused == [:])
            #expect(try await cluster.leader() == leader)
            #expect(try await cluster.agent(leader).status().lease?.term == 1)
        }
    }

    @Test(
        "have the leader refuse writes where the store is away and one node does not answer", arguments: [servers.last!]
    )
    func storeStoppedAndNodeAway(server: String) async throws {
        try await FailoverCluster.run(server: FilePath(server)) { cluster in
            let leader = try await cluster.settled()
            let other = try #require(cluster.nodes.first { $0.name != leader })
            let writers = Writers(cluster.nodes)
            try await cluster.servers.pause(other.name)
            cluster.connectStore(false)
            try await cluster.wait(until: "the leader's server refuses writes") {
                writers.notes.refused[leader] ?? 0 > 0
            }
            try await cluster.servers.resume(other.name)
            cluster.connectStore(true)
            try await cluster.settled()
            let notes = try await writers.stop()
            #expect(try await cluster.lost(notes) == [])
        }
    }

    @Test(
        "have the leader refuse writes where the answers that it gets are to other questions",
        arguments: [servers.last!])
    func falseAgreement(server: String) async throws {
        try await FailoverCluster.run(server: FilePath(server)) { cluster in
            let leader = try await cluster.settled()
            let others = cluster.nodes.map(\.name).filter { $0 != leader }
            let silent = try #require(others.first)
            try await cluster.agent(silent).stop()
            let writers = Writers(cluster.nodes)
            cluster.connectStore(false)
            // As one that repeats what was said before, or speaks for another node.
            let answers = others.map { AgentMessage.agreed(nonce: "1-2", from: $0, term: 1).text }
            try await cluster.wait(until: "the leader's server refuses writes") {
                for answer in answers {
                    let heard = try await cluster.servers.redis(silent, "PUBLISH", AgentMessage.answers, answer)
                    // The leader's agent and the third one listen.
                    #expect(heard == .integer(2))
                }
                return writers.notes.refused[leader] ?? 0 > 0
            }
            _ = try await writers.stop()
            #expect(!cluster.events(of: leader).contains(.machine(.goesOnByAgreement(term: 1))))
        }
    }

    @Test("change the leader as planned: no acknowledged write is lost", arguments: servers)
    func switchover(server: String) async throws {
        try await FailoverCluster.run(server: FilePath(server)) { cluster in
            let writers = Writers(cluster.nodes, waits: false)
            var leader = try await cluster.settled()
            for _ in 0..<3 {
                let target = try #require(cluster.nodes.first { $0.name != leader }).name
                let before = writers.notes.acknowledged.count
                try await cluster.wait(until: "writes are acknowledged") {
                    writers.notes.acknowledged.count > before + 50
                }
                let beganAt = ContinuousClock.now
                try await cluster.agent(leader).switchOver(to: target)
                try await cluster.wait(until: "\(target) takes writes") {
                    writers.notes.first(of: target, after: beganAt) != nil
                }
                let notes = writers.notes
                #expect(notes.overlap(of: leader, with: target, after: beganAt) == 0)
                let last = notes.acknowledged.filter { $0.server == leader }.map(\.receivedAt).max() ?? beganAt
                let first = try #require(notes.first(of: target, after: beganAt)).receivedAt
                print("planned change, \(server): \(first - last) from the last write to the first one")
                #expect(try await cluster.settled() == target)
                leader = target
            }
            let notes = try await writers.stop()
            let present = try await cluster.numbers(on: leader)
            #expect(notes.acknowledged.filter { !present.contains($0.number) }.map(\.number) == [])
        }
    }

    @Test("elect again after all servers were killed together, and lose nothing of the quorum", arguments: servers)
    func allKilled(server: String) async throws {
        // With everysec a server answers before it writes, and SIGKILL loses that on all nodes.
        try await FailoverCluster.run(server: FilePath(server), lines: ["appendfsync always"]) { cluster in
            let leader = try await cluster.settled()
            let writers = Writers(cluster.nodes)
            try await cluster.wait(until: "writes are acknowledged") { writers.notes.acknowledged.count > 200 }
            let notes = try await writers.stop()
            // What came after the last observation of a server is not in its position.
            try await cluster.wait(until: "all agents know how far the data go") {
                let end = try await cluster.servers.info(leader)["master_repl_offset"].flatMap { Int64($0) }
                for node in cluster.nodes {
                    let known = try await cluster.agent(node.name).status().stored?.position.offset
                    guard let end, let known, known >= end else { return false }
                }
                return true
            }
            let before = try await cluster.runs()
            for node in cluster.nodes { try await cluster.servers.kill(node.name) }
            try await cluster.wait(until: "all agents see new processes") {
                let now = try await cluster.runs()
                return !zip(before, now).contains { $0 == $1 || $1.isEmpty }
            }
            #expect(try await cluster.lost(notes) == [])
        }
    }
}
