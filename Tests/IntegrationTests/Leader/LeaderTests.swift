import Hiredis
import LocalTopology
import SystemPackage
import Testing

/// Real servers are promoted beside an app that knows all nodes, and no master. It has two event loops, which have to agree.
@Suite("The leader is found among all nodes")
struct LeaderTests {
    static let servers = RedisServer.representatives

    private static func value(_ number: Int) -> [UInt8] { Array("\(number)".utf8) }

    @Test("whichever of them it is, and reads go to the others", arguments: servers)
    func found(server: String) async throws {
        let system = try NodesCluster(server: FilePath(server))
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilLeads: system.nodes[0].endpoint, servers: 3)
            let answer = try await cluster.putValue("k", "v")
            #expect(answer.status == 201, "\(answer.text)")
            #expect(answer.header("Served-By") == "\(system.nodes[0].endpoint)")
            let token = try #require(answer.header("Replication-Token"))
            // A replica may get the write a moment later.
            var readers: Set<String> = []
            let end = ContinuousClock.now + .seconds(20)
            while readers.count < 2, ContinuousClock.now < end {
                let read = try await cluster.getValue("k", after: token)
                #expect(read.text == "v")
                #expect(read.header("Replication-Verdict") == "satisfied")
                readers.insert(read.header("Served-By") ?? "")
            }
            #expect(readers.count > 1)
        }
    }

    @Test("a killed leader: the write waits for the next one, and nothing is refused", arguments: servers)
    func killed(server: String) async throws {
        let system = try NodesCluster(server: FilePath(server), environment: ["WRITE_HOLD_MILLISECONDS": "30000"])
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilLeads: system.nodes[0].endpoint, servers: 3)
            #expect(try await cluster.putValue("k", "old").status == 201)
            for node in system.nodes {
                try await cluster.wait(until: "\(node.name) has it", of: node.name) {
                    Observation(try await cluster.redis(node.name, "GET", "k").text == "old", else: "")
                }
            }
            try await cluster.kill("node-0")
            try await cluster.wait(untilReadinessSays: "there is no leader")
            async let write = cluster.putValue("k", "new")
            try await cluster.wait(until: "the write waits", of: "app") {
                let metrics = try await cluster.http("app", .get("/metrics"))[0].text
                return Observation(metrics.contains("kvapp_redis_waiting_writes 1"), else: metrics)
            }
            for _ in 0..<10 { #expect(try await cluster.getValue("k").text == "old", "reads go on meanwhile") }
            try await cluster.promote(system.nodes[1], followers: [system.nodes[2]])
            let answer = try await write
            #expect(answer.status == 204, "\(answer.text)")
            #expect(answer.header("Served-By") == "\(system.nodes[1].endpoint)")
            #expect(try await cluster.redis("node-1", "GET", "k").text == "new")
            let log = try await cluster.log(of: "app")
            #expect(log.contains("there is no leader"))
            #expect(log.contains("leads and takes writes, after "))
            let topology = try await cluster.http("app", .get("/v1/topology"))[0].text
            let leads = #""leader":{"endpoint":"\#(system.nodes[1].endpoint)","takes_writes":true,"trouble":null"#
            #expect(topology.contains(leads), "\(topology)")
            #expect(topology.contains(#""waiting_writes":0,"waited_writes":1}"#), "\(topology)")
            let history = try await cluster.http("app", .get("/v1/topology/history"))[0].text
            #expect(history.contains("without a leader that does; 1 write(s) waited for it"), "\(history)")
        }
    }

    @Test("a planned change under writers: no write fails, and each is carried out once", arguments: servers)
    func planned(server: String) async throws {
        let system = try NodesCluster(server: FilePath(server), environment: ["WRITE_HOLD_MILLISECONDS": "30000"])
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilLeads: system.nodes[0].endpoint, servers: 3)
            try await withThrowingTaskGroup { group in
                for writer in 0..<4 {
                    group.addTask {
                        for number in 0..<150 {
                            let answer = try await cluster.putValue("w\(writer)", "\(number)")
                            #expect(answer.status == (number == 0 ? 201 : 204), "\(answer.text)")
                        }
                    }
                }
                try await cluster.wait(until: "they write", of: "node-0") {
                    let value = try await cluster.redis("node-0", "GET", "w0").text.flatMap { Int($0) } ?? 0
                    return Observation(value > 20, else: "\(value)")
                }
                try await cluster.handOver(from: system.nodes[0], to: system.nodes[1], other: system.nodes[2])
                try await group.waitForAll()
            }
            for writer in 0..<4 { #expect(try await cluster.redis("node-1", "GET", "w\(writer)").text == "149") }
        }
    }

    @Test("a leader that refuses writes for a moment: they wait, with and without the right to ask", arguments: servers)
    func refusing(server: String) async throws {
        for mayAsk in [true, false] {
            let system = try NodesCluster(server: FilePath(server), environment: ["WRITE_HOLD_MILLISECONDS": "30000"])
            try await withLocalCluster(system.spec) { cluster in
                if !mayAsk { _ = try await cluster.redis("node-0", "ACL", "SETUSER", "default", "-config|get") }
                try await cluster.wait(untilLeads: system.nodes[0].endpoint, servers: 3)
                // Over the connection of the test, which has more rights than the app's would have.
                _ = try await cluster.redis("node-0", "CONFIG", "SET", "min-replicas-to-write", "2147483647")
                async let first = cluster.putValue("k", "1")
                try await cluster.wait(until: "the write waits", of: "app") {
                    let metrics = try await cluster.http("app", .get("/metrics"))[0].text
                    return Observation(metrics.contains("kvapp_redis_waiting_writes 1"), else: metrics)
                }
                if mayAsk { try await cluster.wait(untilReadinessSays: "takes no writes") }
                _ = try await cluster.redis("node-0", "CONFIG", "SET", "min-replicas-to-write", "0")
                #expect(try await first.status == 201)
            }
        }
    }

    @Test("a former leader that was frozen and takes writes again gets none", arguments: servers)
    func frozen(server: String) async throws {
        let system = try NodesCluster(server: FilePath(server), environment: ["WRITE_HOLD_MILLISECONDS": "30000"])
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilLeads: system.nodes[0].endpoint, servers: 3)
            #expect(try await cluster.putValue("k", "old").status == 201)
            try await cluster.wait(until: "node-1 has it", of: "node-1") {
                Observation(try await cluster.redis("node-1", "GET", "k").text == "old", else: "")
            }
            try await cluster.pause("node-0")
            try await cluster.promote(system.nodes[1], followers: [system.nodes[2]])
            try await cluster.wait(untilLeads: system.nodes[1].endpoint)
            let written = try await cluster.putValue("k", "new")
            #expect(written.status == 204, "\(written.text)")
            try await cluster.resume("node-0")
            try await cluster.wait(untilReadinessSays: #"\#(system.nodes[0].endpoint)","state":"is a master beside"#)
            for number in 0..<20 {
                let answer = try await cluster.putValue("k", "\(number)")
                #expect(answer.header("Served-By") == "\(system.nodes[1].endpoint)")
                #expect(try await cluster.getValue("k", after: answer.header("Replication-Token")).text == "\(number)")
            }
            #expect(try await cluster.redis("node-0", "GET", "k").text == "old")
        }
    }

    @Test(
        "two of which neither continues the other: no write goes to either, and the answer names them",
        arguments: servers)
    func two(server: String) async throws {
        let system = try NodesCluster(server: FilePath(server), environment: ["WRITE_HOLD_MILLISECONDS": "30000"])
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilLeads: system.nodes[0].endpoint, servers: 3)
            try await cluster.kill("node-0")
            try await cluster.promote(system.nodes[1])
            try await cluster.promote(system.nodes[2])
            try await cluster.wait(untilReadinessSays: "there is no single master")
            let answer = try await cluster.putValue("k", "v")
            #expect(answer.status == 503 && answer.code == "no-single-master", "\(answer.text)")
            #expect(
                answer.text.contains("\(system.nodes[1].endpoint)")
                    && answer.text.contains("\(system.nodes[2].endpoint)"))
            for node in ["node-1", "node-2"] { #expect(try await cluster.redis(node, "EXISTS", "k") == .integer(0)) }
            _ = try await cluster.redis(
                "node-2", "REPLICAOF", system.nodes[1].endpoint.host, "\(system.nodes[1].endpoint.port)")
            try await cluster.wait(untilLeads: system.nodes[1].endpoint)
            #expect(try await cluster.putValue("k", "v").status == 201)
        }
    }

    @Test("no leader at all: a write waits for its time, and fails as one that was surely not carried out")
    func none() async throws {
        let system = try NodesCluster(environment: ["WRITE_HOLD_MILLISECONDS": "300"])
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilLeads: system.nodes[0].endpoint, servers: 3)
            _ = try await cluster.redis("node-0", "REPLICAOF", "127.0.0.1", "0")
            try await cluster.wait(untilReadinessSays: "there is no leader")
            let began = ContinuousClock.now
            let answer = try await cluster.putValue("k", "v")
            #expect(answer.status == 503 && answer.code == "redis-unavailable", "\(answer.text)")
            #expect(ContinuousClock.now - began >= .milliseconds(300))
            try await cluster.promote(system.nodes[2])
            try await cluster.wait(untilLeads: system.nodes[2].endpoint)
            #expect(try await cluster.putValue("k", "v").status == 201)
        }
    }

    @Test("tokens over two changes: what was lost is reported, what the next leader has is found", arguments: servers)
    func tokens(server: String) async throws {
        let system = try NodesCluster(server: FilePath(server), environment: ["WRITE_HOLD_MILLISECONDS": "30000"])
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilLeads: system.nodes[0].endpoint, servers: 3)
            let early = try #require(try await cluster.putValue("k", "early").header("Replication-Token"))
            for node in system.nodes.dropFirst() {
                try await cluster.wait(until: "\(node.name) has it", of: node.name) {
                    Observation(try await cluster.redis(node.name, "GET", "k").text == "early", else: "")
                }
                _ = try await cluster.redis(node.name, "REPLICAOF", "127.0.0.1", "0")
            }
            let late = try #require(try await cluster.putValue("k", "late").header("Replication-Token"))
            try await cluster.kill("node-0")
            try await cluster.promote(system.nodes[1], followers: [system.nodes[2]])
            try await cluster.wait(untilLeads: system.nodes[1].endpoint)
            for _ in 0..<10 {
                let lost = try await cluster.getValue("k", after: late)
                #expect(lost.status == 409 && lost.code == "replication-lost", "\(lost.text)")
                let found = try await cluster.getValue("k", after: early)
                #expect(found.text == "early" && found.header("Replication-Verdict") == "satisfied", "\(found.text)")
            }
            let second = try #require(try await cluster.putValue("k", "second").header("Replication-Token"))
            try await cluster.wait(until: "the other replica follows", of: "node-2") {
                Observation(try await cluster.redis("node-2", "GET", "k").text == "second", else: "")
            }
            try await cluster.kill("node-1")
            try await cluster.promote(system.nodes[2])
            try await cluster.wait(untilLeads: system.nodes[2].endpoint)
            for _ in 0..<10 {
                let found = try await cluster.getValue("k", after: second)
                #expect(found.text == "second" && found.header("Replication-Verdict") == "satisfied")
                // A server remembers one history before its own.
                let old = try await cluster.getValue("k", after: late)
                #expect(old.text == "second" && old.header("Replication-Verdict") == "unknown")
            }
        }
    }
}
