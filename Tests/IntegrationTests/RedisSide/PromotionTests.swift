import Hiredis
import LocalTopology
import SystemPackage
import Testing

/// Real servers are promoted as an operator does it; the app has two event loops, which have to agree.
@Suite("A server that is promoted is followed")
struct PromotionTests {
    static let servers = RedisServer.representatives

    private static func cluster(_ server: String, replicas: Int = 2) throws -> DirectCluster {
        try DirectCluster(
            server: FilePath(server), replicaLines: Array(repeating: [], count: replicas), loops: 2)
    }

    private static func write(_ value: String) -> LoopbackHTTP.Request {
        .set(#"{"key":"k","value":"\#(value)"}"#)
    }

    @Test("manually, once the master is dead: at once, on every event loop, for each kind of write", arguments: servers)
    func masterDead(server: String) async throws {
        let system = try Self.cluster(server)
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.store("k", "old", on: system.replicas)
            try await cluster.kill("master")
            _ = try await cluster.redis("replica-1", "REPLICAOF", "NO", "ONE")
            let promoted = ContinuousClock.now
            try await cluster.wait(untilServed: Self.write("new"))
            // Noted, not bounded: the machine may be busy. About 0.2 s.
            print("accepted \(ContinuousClock.now - promoted) after the promotion")
            try await cluster.wait(
                untilReadinessSays: #""master":{"endpoint":"\#(system.replicas[0].endpoint)","state":"up""#)
            for round in 0..<20 {
                let answer = try await cluster.http("app", Self.write("new-\(round)"))[0]
                #expect(answer.status == 200, "\(answer.text)")
                let acknowledged = try await cluster.http(
                    "app", LoopbackHTTP.Request("PUT", "/v1/keys/w?replicas=1&within=100ms", body: Array("x".utf8)))[0]
                #expect(acknowledged.status < 300, "\(acknowledged.text)")
                let token = try #require(acknowledged.header("Replication-Token"))
                let read = try await cluster.http(
                    "app", LoopbackHTTP.Request("GET", "/v1/keys/w", headers: ["Replication-After: \(token)"]))[0]
                #expect(read.text == "x")
                #expect(read.header("Replication-Verdict") == "satisfied")
            }
            #expect(try await cluster.redis("replica-1", "GET", "k").text == "new-19")
            let log = try await cluster.log(of: "app")
            let told = "\(system.replicas[0].endpoint) is the master now, in place of \(system.master.endpoint)"
            #expect(log.split(separator: "\n").count { $0.contains(told) } == 1, "\(log)")
            let topology = try await cluster.http("app", .get("/v1/topology"))[0].text
            #expect(topology.contains(#""verdict":{"state":"degraded","writes":{"accepted":true"#), "\(topology)")
            let history = try await cluster.http("app", .get("/v1/topology/history"))[0].text
            #expect(history.contains(#""kind":"promotion""#))
        }
    }

    @Test("a stray master is left out of reads, named once in the log, and never written to", arguments: servers)
    func stray(server: String) async throws {
        let system = try Self.cluster(server)
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.store("k", "good", on: system.replicas)
            try await cluster.wait(untilServersUp: 3)
            _ = try await cluster.redis("replica-1", "REPLICAOF", "NO", "ONE")
            try await cluster.wait(untilReadinessSays: #"\#(system.replicas[0].endpoint)","state":"is a master beside"#)
            _ = try await cluster.redis("replica-1", "SET", "k", "stray")
            for round in 0..<40 {
                let answer = try await cluster.http("app", .get("/v1/keys/k"))[0]
                #expect(answer.header("Served-By") == "\(system.replicas[1].endpoint)")
                let expected = round == 0 ? "good" : "good-\(round - 1)"
                #expect(answer.text == expected)
                try await cluster.store("k", "good-\(round)", on: [system.replicas[1]])
            }
            #expect(try await cluster.redis("replica-1", "GET", "k").text == "stray")
            let log = try await cluster.log(of: "app")
            #expect(log.split(separator: "\n").count { $0.contains("is a master beside the one in use") } == 1)
            let metrics = try await cluster.http("app", .get("/metrics"))[0].text
            let excluded = #"kvapp_redis_excluded{endpoint="\#(system.replicas[0].endpoint)",reason="stray_master"} 1"#
            #expect(metrics.contains(excluded))
            let topology = try await cluster.http("app", .get("/v1/topology"))[0].text
            #expect(topology.contains(#""standing":"stray_master""#))
            // It serves again once it is a replica again.
            let master = system.master.endpoint
            _ = try await cluster.redis("replica-1", "REPLICAOF", master.host, "\(master.port)")
            try await cluster.wait(untilServersUp: 3)
        }
    }

    @Test("with the old master alive and taking writes, once the other replica follows it", arguments: servers)
    func masterAlive(server: String) async throws {
        let system = try Self.cluster(server)
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.store("k", "old", on: system.replicas)
            try await cluster.wait(untilServersUp: 3)
            let new = system.replicas[0].endpoint
            _ = try await cluster.redis("replica-1", "REPLICAOF", "NO", "ONE")
            _ = try await cluster.redis("replica-2", "REPLICAOF", new.host, "\(new.port)")
            try await cluster.wait(untilReadinessSays: #""master":{"endpoint":"\#(new)","state":"up""#)
            _ = try await cluster.redis("master", "SET", "k", "lost")
            for round in 0..<20 {
                try await cluster.store("k", "new-\(round)", on: [system.replicas[1]])
                let answer = try await cluster.http("app", .get("/v1/keys/k"))[0]
                #expect(answer.text == "new-\(round)", "the old master is not read")
            }
            try await cluster.wait(untilReadinessSays: #"\#(system.master.endpoint)","state":"is a master beside"#)
            #expect(try await cluster.log(of: "app").contains("\(system.master.endpoint) still takes writes"))
        }
    }

    @Test(
        "two of them: none is, and writes are refused with the reason, until one is a replica again", arguments: servers
    )
    func twoPromoted(server: String) async throws {
        let system = try Self.cluster(server)
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.store("k", "old", on: system.replicas)
            try await cluster.wait(untilServersUp: 3)
            try await cluster.kill("master")
            _ = try await cluster.redis("replica-1", "REPLICAOF", "NO", "ONE")
            _ = try await cluster.redis("replica-2", "REPLICAOF", "NO", "ONE")
            try await cluster.wait(untilReadinessSays: "there is no single master: ")
            try await cluster.wait(until: "writes are refused", of: "app") {
                let answer = try await cluster.http("app", Self.write("x"))[0]
                return Observation(answer.code == "no-single-master", else: answer.text)
            }
            let answer = try await cluster.http("app", Self.write("x"))[0]
            #expect(answer.status == 503)
            #expect(answer.header("Retry-After") == "1")
            let read = try await cluster.http("app", .get("/v1/keys/k"))[0]
            #expect(read.status == 200)
            #expect(read.header("Served-Stale") == "true")
            let new = system.replicas[1].endpoint
            _ = try await cluster.redis("replica-1", "REPLICAOF", new.host, "\(new.port)")
            try await cluster.wait(untilServed: Self.write("after"))
            #expect(try await cluster.redis("replica-2", "GET", "k").text == "after")
        }
    }

    @Test("a slow fail-over by an operator: the master is stopped a while after the promotion, the replicas stay")
    func slow() async throws {
        let system = try Self.cluster(Self.servers[0])
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.store("k", "old", on: system.replicas)
            try await cluster.wait(untilServersUp: 3)
            _ = try await cluster.redis("replica-1", "REPLICAOF", "NO", "ONE")
            try await cluster.wait(untilReadinessSays: #"\#(system.replicas[0].endpoint)","state":"is a master beside"#)
            let end = ContinuousClock.now + .seconds(8)
            try await cluster.wait(until: "eight seconds of writes to the old master are over", of: "app") {
                try await cluster.store("k", "lost", on: [system.replicas[1]])
                return Observation(ContinuousClock.now > end, else: "not yet")
            }
            #expect(try await cluster.redis("replica-1", "GET", "k").text == "old")
            try await cluster.kill("master")
            try await cluster.wait(untilServed: Self.write("new"), within: .seconds(30))
            #expect(try await cluster.redis("replica-1", "GET", "k").text == "new")
            let log = try await cluster.log(of: "app")
            #expect(log.contains("it does not have the last "), "\(log)")
        }
    }

    @Test("an app that stood still while a replica was promoted writes nothing to the old master when it goes on")
    func appStoodStill() async throws {
        let system = try Self.cluster(Self.servers[0])
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.store("k", "old", on: system.replicas)
            try await cluster.wait(untilServersUp: 3)
            let new = system.replicas[0].endpoint
            try await cluster.pause("app")
            _ = try await cluster.redis("replica-1", "REPLICAOF", "NO", "ONE")
            _ = try await cluster.redis("replica-2", "REPLICAOF", new.host, "\(new.port)")
            let answers = try await withThrowingTaskGroup { group in
                for number in 0..<8 {
                    group.addTask {
                        let request = LoopbackHTTP.Request.set(#"{"key":"late-\#(number)","value":"v"}"#)
                        return (number, try await cluster.http("app", request, timeout: .seconds(30))[0].status)
                    }
                }
                let end = ContinuousClock.now + .seconds(6)
                try await cluster.wait(until: "the app has stood still for six seconds", of: "replica-1") {
                    Observation(ContinuousClock.now > end, else: "not yet")
                }
                try await cluster.resume("app")
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(try await cluster.redis("master", "DBSIZE") == .integer(1), "nothing but k")
            for (number, status) in answers where status == 200 {
                #expect(try await cluster.redis("replica-1", "EXISTS", "late-\(number)") == .integer(1))
            }
            try await cluster.wait(untilServed: Self.write("new"))
            #expect(try await cluster.redis("replica-1", "GET", "k").text == "new")
        }
    }

    @Test(
        "the old master comes back as a second one, and then as a replica; the app is restarted meanwhile",
        arguments: servers)
    func oldMasterBack(server: String) async throws {
        let system = try Self.cluster(server)
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.store("k", "old", on: system.replicas)
            try await cluster.wait(untilServersUp: 3)
            try await cluster.kill("master")
            let new = system.replicas[0].endpoint
            _ = try await cluster.redis("replica-1", "REPLICAOF", "NO", "ONE")
            _ = try await cluster.redis("replica-2", "REPLICAOF", new.host, "\(new.port)")
            try await cluster.wait(untilServed: Self.write("new"))
            try await cluster.start("master")
            try await cluster.wait(untilReadinessSays: #"\#(system.master.endpoint)","state":"is a master beside"#)
            for restarts in 0...1 {
                if restarts == 1 {
                    try await cluster.kill("app")
                    try await cluster.start("app")
                    try await cluster.wait(untilReadinessSays: #""master":{"endpoint":"\#(new)","state":"up""#)
                }
                for round in 0..<10 {
                    #expect(try await cluster.http("app", Self.write("new-\(restarts)-\(round)"))[0].status == 200)
                }
                #expect(try await cluster.redis("replica-1", "GET", "k").text == "new-\(restarts)-9")
                #expect(try await cluster.redis("master", "GET", "k").text != "new-\(restarts)-9")
            }
            _ = try await cluster.redis("master", "REPLICAOF", new.host, "\(new.port)")
            try await cluster.wait(untilReadinessSays: #"{"endpoint":"\#(system.master.endpoint)","state":"up"}"#)
            // Fail-back: the configured one is promoted while the other is dead.
            try await cluster.kill("replica-1")
            _ = try await cluster.redis("master", "REPLICAOF", "NO", "ONE")
            try await cluster.wait(untilServed: Self.write("back"))
            #expect(try await cluster.redis("master", "GET", "k").text == "back")
        }
    }

    @Test("a replica that lost its data in a copy that it could not load serves nothing, with the master and without")
    func emptied() async throws {
        let old = try #require(
            Self.servers.map(RedisServer.init).filter { !$0.isValkey && !$0.has(7, 2) }.last)
        guard let new = try Self.servers.map(RedisServer.init).first(where: { !$0.isValkey && $0.has(8, 0) }) else {
            // A server of one version alone is on this machine: nothing to set under another.
            return
        }
        let system = try Self.cluster(old.path)
        let younger = NodeSpec.redis("younger", server: FilePath(new.path), at: system.master.endpoint)
        let nodes = [system.master] + system.replicas + [younger, system.app]
        try await withLocalCluster(ClusterSpec(nodes), starts: false) { cluster in
            try await cluster.start("master")
            for replica in system.replicas { try await cluster.start(replica.name) }
            try await cluster.start("app")
            try await cluster.store("k", "old", on: system.replicas)
            try await cluster.kill("master")
            try await cluster.start("younger")
            try await cluster.wait(until: "no replica holds data", of: "app") {
                let body = try await cluster.readiness().text
                let count = body.split(separator: #""state":"holds no data since a full copy"#).count - 1
                return Observation(count == system.replicas.count, else: body)
            }
            try await cluster.store("k", "new", on: [])
            // One event loop took the write; the read may come to the other one.
            try await cluster.wait(
                untilReadinessSays: #""master":{"endpoint":"\#(system.master.endpoint)","state":"up""#)
            let answer = try await cluster.http("app", .get("/v1/keys/k"))[0]
            #expect(answer.text == "new", "\(answer.status): \(answer.text)")
            try await cluster.kill("younger")
            try await cluster.wait(until: "reads are refused", of: "app") {
                let answer = try await cluster.http("app", .get("/v1/keys/k"))[0]
                #expect(answer.status != 404)
                return Observation(answer.status == 503, else: answer.text)
            }
            #expect(try await cluster.log(of: "app").contains("holds no data since a full copy"))
        }
    }

    @Test(
        "a replica that is emptied by a copy that it cannot load never says that a key is gone",
        arguments: [
            LoopbackHTTP.Request.get("/v1/keys/k"), .get("/get?key=k"), .get("/v1/keys"),
            .init("GET", "/v1/keys/k", headers: ["Replication-Token: want"]),
            .init(
                "POST", "/v1/batch", headers: ["Content-Type: application/json"],
                body: Array(#"{"operations":[{"get":"k"}]}"#.utf8)),
        ])
    func emptiedWithoutMaster(request: LoopbackHTTP.Request) async throws {
        let old = try #require(
            Self.servers.map(RedisServer.init).filter { !$0.isValkey && !$0.has(7, 2) }.last)
        guard let new = try Self.servers.map(RedisServer.init).first(where: { !$0.isValkey && $0.has(8, 0) }) else {
            // A server of one version alone is on this machine: nothing to set under another.
            return
        }
        let system = try Self.cluster(old.path, replicas: 1)
        let younger = NodeSpec.redis("younger", server: FilePath(new.path), at: system.master.endpoint)
        // The app never reaches the master, so each read is of a replica, and nothing tells that a copy began but the replica.
        let app = DirectCluster.app(
            at: system.app.endpoint, master: Endpoint(port: try Loopback.freePorts(1)[0]),
            replicas: system.replicas.map(\.endpoint), program: system.app.executable)
        let nodes = [system.master] + system.replicas + [younger, app]
        try await withLocalCluster(ClusterSpec(nodes), starts: false) { cluster in
            try await cluster.start("master")
            for replica in system.replicas { try await cluster.start(replica.name) }
            try await cluster.start("app")
            _ = try await cluster.redis("master", "SET", "k", "good")
            let isList = request.path == "/v1/keys"
            let expected = isList ? #"{"key":"k"}"# : "good"
            try await cluster.wait(until: "the app reads k", of: "app") {
                let answer = try await cluster.http("app", request)[0]
                return Observation(answer.status == 200 && answer.text.contains(expected), else: answer.text)
            }
            try await cluster.kill("master")
            let load = try await Load.run(request, on: app.endpoint, clients: 4, expecting: expected) { load in
                try await cluster.wait(until: "reads are marked as stale", of: "app") {
                    Observation(load.answers.keys.contains(where: \.isStale), else: "\(load.answers)")
                }
                try await cluster.start("younger")
                try await cluster.wait(until: "the replica holds no data", of: "app") {
                    let body = try await cluster.readiness().text
                    return Observation(body.contains(#""state":"holds no data since a full copy"#), else: body)
                }
                try await cluster.wait(forAnswers: 20, to: load)
            }
            #expect(load.answers.keys.allSatisfy { [200, 503].contains($0.status) }, "\(load.answers)")
            #expect(load.unexpected == [], "an empty answer of a replica that lost its data")
        }
    }
}
