import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

/// The whole program: supervisor, dead-man process, agent, etcd, and what a person types.
@Suite("redis-replica-sidecar supervise with a lease store", .serialized)
struct SupervisedNodesTests {
    private static var server: String { get throws { try Harness.redisServer.string } }

    private static func acknowledged(_ writers: Writers, otherThan leader: String, since: ContinuousClock.Instant)
        -> Bool
    {
        writers.notes.acknowledged.contains { $0.server != leader && $0.sentAt > since }
    }

    private static func lost(_ nodes: SupervisedNodes, _ notes: Writers.Notes) async throws -> [Int] {
        let leader = try await nodes.settled()
        let reply = try await nodes.cluster.redis(leader, "SMEMBERS", Writers.key, timeout: .seconds(20))
        guard case .array(let members) = reply else { throw Spawned.Failure(description: "\(reply)") }
        let present = Set(members.compactMap { $0.text.flatMap { Int($0) } })
        return notes.acknowledged.filter { $0.byQuorum && !present.contains($0.number) }.map(\.number)
    }

    @Test("a planned change refuses no write for long, loses none, and the leader's end hands over by itself")
    func planned() async throws {
        try await SupervisedNodes.run(server: try Self.server) { nodes in
            var leader = try await nodes.settled()
            let follower = try #require(SupervisedNodes.names.first { $0 != leader })
            let refusal = try await nodes.order("switchover", on: follower)
            #expect(refusal.code == .exited(1) && refusal.text.contains("\(leader) leads: give the order there"))
            #expect(
                try await nodes.order("switchover", "--to", "redis-7", on: leader).text.contains("there is no node"))

            let writers = Writers(nodes.nodes)
            try await nodes.wait(until: "writes are acknowledged") { writers.notes.acknowledged.count > 50 }
            var begin = ContinuousClock.now
            let done = try await nodes.order("switchover", "--to", follower, on: leader)
            #expect(done.code == .exited(0) && done.text == "\(follower) leads\n", "\(done)")
            try await nodes.wait(until: "the other one takes writes") {
                Self.acknowledged(writers, otherThan: leader, since: begin)
            }
            #expect(writers.notes.overlap(of: leader, with: follower, after: begin) == 0)
            leader = try await nodes.settled()
            #expect(leader == follower)

            // As when its pod is deleted.
            begin = .now
            let ending = try await nodes.cluster.terminate(leader)
            #expect(ending == .exited(code: 0))
            #expect(try await nodes.cluster.log(of: leader).contains("handed over to"))
            try await nodes.wait(until: "another one takes writes") {
                Self.acknowledged(writers, otherThan: leader, since: begin)
            }
            let first = try #require(
                writers.notes.acknowledged.filter { $0.server != leader && $0.sentAt > begin }
                    .min { $0.receivedAt < $1.receivedAt })
            #expect(writers.notes.overlap(of: leader, with: first.server, after: begin) == 0)
            print("leader told to end: first write elsewhere after \(first.receivedAt - begin)")
            try await nodes.cluster.launch(leader)
            let notes = try await writers.stop()
            #expect(try await Self.lost(nodes, notes) == [])
        }
    }

    @Test("a killed server, a killed agent and a frozen one are replaced, with nothing lost and no overlap")
    func unplanned() async throws {
        try await SupervisedNodes.run(server: try Self.server) { nodes in
            let writers = Writers(nodes.nodes)
            for fault in ["server killed", "agent killed", "agent frozen"] {
                let leader = try await nodes.settled()
                let before = writers.notes.acknowledged.count
                try await nodes.wait(until: "writes are acknowledged") {
                    writers.notes.acknowledged.count > before + 20
                }
                let server = try await nodes.server(of: leader)
                let agent = try await nodes.cluster.processIdentifier(of: leader)
                let begin = ContinuousClock.now
                switch fault {
                case "server killed": kill(server, SIGKILL)
                case "agent killed": kill(agent, SIGKILL)
                default: kill(agent, SIGSTOP)
                }
                try await nodes.wait(until: "another one takes writes after: \(fault)") {
                    Self.acknowledged(writers, otherThan: leader, since: begin)
                }
                let first = try #require(
                    writers.notes.acknowledged.filter { $0.server != leader && $0.sentAt > begin }
                        .min { $0.receivedAt < $1.receivedAt })
                print("\(fault): first write elsewhere after \(first.receivedAt - begin)")
                #expect(writers.notes.overlap(of: leader, with: first.server, after: begin) == 0, "\(fault)")
                if fault != "server killed" { #expect(SupervisedRun.waitUntilDead(server), "\(fault)") }
                switch fault {
                case "agent killed": try await nodes.cluster.launch(leader)
                case "agent frozen": kill(agent, SIGCONT)
                default: break
                }
            }
            let notes = try await writers.stop()
            #expect(try await Self.lost(nodes, notes) == [])
        }
    }

    @Test("a pause keeps all others from taking over; a forced fail-over says first what it would lose")
    func pausedAndForced() async throws {
        try await SupervisedNodes.run(server: try Self.server) { nodes in
            let leader = try await nodes.settled()
            let others = SupervisedNodes.names.filter { $0 != leader }
            let early = try await nodes.order("failover", "--force", on: others[0])
            #expect(early.code == .exited(1) && early.text.contains("\(leader) leads and renews its lease"), "\(early)")
            #expect(try await nodes.order("pause", on: others[0]).code == .exited(0))
            try await nodes.wait(until: "all know of the pause") {
                for name in SupervisedNodes.names {
                    guard try await nodes.status(of: name).contains("PAUSED") else { return false }
                }
                return true
            }
            kill(try await nodes.server(of: leader), SIGKILL)
            try await nodes.wait(until: "the pause blocks") {
                try await nodes.status(of: others[1]).contains("blocked: Automatic fail-over is paused")
            }
            #expect(try await nodes.order("resume", on: others[1]).code == .exited(0))
            let second = try await nodes.settled()

            // One node alone is not promoted by itself.
            let last = try #require(SupervisedNodes.names.first { $0 != second })
            for name in SupervisedNodes.names where name != last { try await nodes.cluster.kill(name) }
            try await nodes.wait(until: "the rule about answers blocks") {
                try await nodes.status(of: last).contains("blocked: Only 1 of the 2 nodes needed")
            }
            let question = try await nodes.order("failover", on: last)
            #expect(question.code == .exited(1))
            for name in SupervisedNodes.names where name != last {
                #expect(question.text.contains("- \(name) does not answer"), "\(question.text)")
            }
            let forced = try await nodes.order("failover", "--force", on: last)
            #expect(forced.code == .exited(0) && forced.text == "\(last) leads\n", "\(forced)")
            #expect(try await nodes.cluster.redis(last, "SET", "k", "1").text == "OK")
            for name in SupervisedNodes.names where name != last { try await nodes.cluster.launch(name) }
            #expect(try await nodes.settled() == last)
        }
    }

    @Test("after the lease was wiped, a node with old data that starts first does not lead")
    func wipedLease() async throws {
        try await SupervisedNodes.run(server: try Self.server) { nodes in
            let leader = try await nodes.settled()
            let old = try #require(SupervisedNodes.names.first { $0 != leader })
            #expect(try await nodes.cluster.redis(leader, "SET", "early", "1").text == "OK")
            _ = try await nodes.cluster.terminate(old)
            for number in 0..<200 {
                #expect(try await nodes.cluster.redis(leader, "SADD", Writers.key, "\(number)") == .integer(1))
            }
            for name in SupervisedNodes.names where name != old { _ = try await nodes.cluster.terminate(name) }
            try await nodes.wipeLease()
            try await nodes.cluster.launch(old)
            try await nodes.wait(until: "it asks for the others") {
                try await nodes.status(of: old).contains("blocked: Only 1 of the 2 nodes needed")
            }
            for name in SupervisedNodes.names where name != old { try await nodes.cluster.launch(name) }
            let next = try await nodes.settled()
            #expect(next != old)
            for name in SupervisedNodes.names {
                #expect(try await nodes.cluster.redis(name, "SCARD", Writers.key) == .integer(200), "\(name)")
            }
        }
    }

    @Test("without append-only files, nodes that all came back with less than they had wait for a person")
    func lostData() async throws {
        let flags = ["REDIS_EXTRA_FLAGS": "--appendonly no --save '3600 1'"]
        try await SupervisedNodes.run(server: try Self.server, environment: flags) { nodes in
            let leader = try await nodes.settled()
            #expect(try await nodes.cluster.redis(leader, "SET", "k", "1").text == "OK")
            let written = ContinuousClock.now
            // Until each position file has it, which is written once a second.
            try await nodes.wait(until: "positions are written") { ContinuousClock.now - written > .seconds(2.5) }
            for name in SupervisedNodes.names { kill(try await nodes.server(of: name), SIGKILL) }
            try await nodes.wait(until: "all wait for a person") {
                for name in SupervisedNodes.names {
                    let text = try await nodes.status(of: name)
                    let isBlocked = text.contains("came back with less data") || text.contains("has no whole data")
                    guard text.contains("blocked:"), isBlocked else { return false }
                }
                return true
            }
            #expect(try await nodes.leader() == nil)
            // A replica may have nothing at all: its copy came without a file.
            var chosen: String?
            for name in SupervisedNodes.names {
                let text = try await nodes.status(of: name)
                if text.contains("blocked: The redis-server of this node came back with less data") { chosen = name }
            }
            let name = try #require(chosen)
            let forced = try await nodes.order("failover", "--force", on: name)
            #expect(forced.code == .exited(0), "\(forced)")
            #expect(try await nodes.settled() == name)
        }
    }

    @Test("settings that cannot work end the start with one line that names the cure", arguments: SettingsCase.all)
    func settings(_ settings: SettingsCase) throws {
        var run = try SupervisedRun(server: try Self.server)
        run.run.environment["REDIS_REPLICATION_MODE"] = nil
        let base = [
            "FAILOVER_STORE": "etcd", "ETCD_ENDPOINTS": "http://127.0.0.1:1", "FAILOVER_NODE": "a",
            "FAILOVER_NODES": "a=127.0.0.2:6379,b=127.0.0.3:6379,c=127.0.0.4:6379",
        ]
        run.run.environment.merge(base) { $1 }
        for (name, value) in settings.changes { run.run.environment[name] = value }
        let supervisor = try run.launch()
        #expect(supervisor.ended() == .exited(78), "\(supervisor.output)")
        #expect(supervisor.output.contains(settings.words), "\(supervisor.output)")
    }

    struct SettingsCase: Sendable, CustomTestStringConvertible {
        let changes: [String: String?]
        let words: String

        var testDescription: String { words }

        static let all = [
            SettingsCase(changes: ["FAILOVER_NODES": nil], words: "FAILOVER_NODES is not set, and a lease store is"),
            SettingsCase(
                changes: ["FAILOVER_NODES": "a=,b=c"], words: "FAILOVER_NODES has 'a=' in it; write NAME=HOST:PORT"),
            SettingsCase(
                changes: ["FAILOVER_NODES": "a=127.0.0.2:6379,a=127.0.0.3:6379"], words: "has the name 'a' twice"),
            SettingsCase(
                changes: ["FAILOVER_NODES": "a=127.0.0.2:6379,b=127.0.0.2:6379"],
                words: "has the address 127.0.0.2:6379 twice, for a and b"),
            SettingsCase(
                changes: ["FAILOVER_NODE": "x"],
                words: "this node is called 'x' (FAILOVER_NODE), and FAILOVER_NODES has only"),
            SettingsCase(
                changes: ["FAILOVER_WRITE_QUORUM": "4"], words: "FAILOVER_WRITE_QUORUM is 4, and there are 3 nodes"),
            SettingsCase(
                changes: ["SUPERVISE_SILENCE_MILLISECONDS": "4000"],
                words: "SUPERVISE_SILENCE_MILLISECONDS is 4000, and the lease lasts 5000 ms"),
            SettingsCase(
                changes: ["ETCD_ENDPOINTS": nil], words: "ETCD_ENDPOINTS is not set, and FAILOVER_STORE is etcd"),
            SettingsCase(changes: ["ETCD_ENDPOINTS": "ftp://x"], words: "etcd"),
            SettingsCase(changes: ["ETCD_USER": "u"], words: "an etcd user needs a password"),
            SettingsCase(
                changes: ["FAILOVER_STORE": "consul"], words: "FAILOVER_STORE is 'consul'; it takes kubernetes"),
            SettingsCase(
                changes: ["FAILOVER_STORE": "kubernetes"], words: "this is no pod of Kubernetes"),
            SettingsCase(
                changes: ["REDIS_REPLICATION_MODE": "master"], words: "unset REDIS_REPLICATION_MODE"),
        ]
    }
}
