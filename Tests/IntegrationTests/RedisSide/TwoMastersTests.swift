import Hiredis
import LocalTopology
import SystemPackage
import Testing

/// One address in front of two masters, as a Service's is after a fail-over without the old master's end: each connection of the
/// app may lead to another one.
@Suite("Two masters behind the master's name")
struct TwoMastersTests {
    private static let servers = RedisServer.representatives
    private static let refusal = "no-single-master"

    /// Every kind of write, each with a connection of its own kind.
    private static func writes(_ number: Int) -> [LoopbackHTTP.Request] {
        let long = Array(repeating: UInt8(ascii: "x"), count: 1 << 20)
        return [
            .set(#"{"key":"set-\#(number)","value":"v"}"#),
            .init("PUT", "/v1/keys/put-\(number)", body: Array("v".utf8)),
            .init("PUT", "/v1/keys/wait-\(number)?replicas=1&within=10ms", body: Array("v".utf8)),
            .init("PUT", "/v1/keys/if-\(number)", headers: ["If-None-Match: *"], body: Array("v".utf8)),
            .init("PUT", "/v1/keys/expiring-\(number)?ttl=3600s", body: Array("v".utf8)),
            .init("PUT", "/v1/keys/long-\(number)", body: long),
        ]
    }

    /// The keys that they leave, in their order.
    private static func keys(_ number: Int) -> [String] {
        ["set", "put", "wait", "if", "expiring", "long"].map { "\($0)-\(number)" }
    }

    /// Two masters that know nothing of each other, and an app that reaches them through one address.
    private func withTwo(
        _ server: String, loops: Int = 2, _ body: (LocalCluster, LoopbackProxy, [NodeSpec]) async throws -> Void
    ) async throws {
        let ports = try Loopback.freePorts(3)
        let masters = (0..<2).map { index in
            NodeSpec.redis(
                "m\(index + 1)", server: FilePath(server),
                at: Endpoint(host: "127.0.0.\(index + 2)", port: ports[index]))
        }
        try await withLoopbackProxy(to: masters.map(\.endpoint)) { proxy in
            var app = DirectCluster.app(
                at: Endpoint(port: ports[2]), master: proxy.endpoint, replicas: [],
                program: try Programs.built("KVApp"), loops: loops)
            // It is not ready once it has seen both.
            app.readiness = .http(path: "/livez")
            try await withLocalCluster(ClusterSpec(masters + [app])) { try await body($0, proxy, masters) }
        }
    }

    @Test("a new process takes no write of any kind: 503, and nothing is applied", arguments: servers)
    func newProcess(server: String) async throws {
        try await withTwo(server) { cluster, _, masters in
            for number in 0..<5 {
                for request in Self.writes(number) {
                    let answer = try await cluster.http("app", request)[0]
                    #expect(answer.status == 503, "\(request.path): \(answer.text)")
                    #expect(answer.text.contains(Self.refusal), "\(request.path): \(answer.text)")
                }
            }
            for master in masters { #expect(try await cluster.redis(master.name, "DBSIZE") == .integer(0)) }
            let log = try await cluster.log(of: "app")
            // Once, not with each of the 30 requests. A slow machine may take another moment to hear both masters.
            let doubts = log.split(separator: "\n").compactMap { line in
                line.firstRange(of: "there is no single master: ").map { line[$0.lowerBound...] }
            }
            #expect((1...2).contains(doubts.count) && Set(doubts).count == doubts.count, "\(log)")
            let runs = try await [cluster.info("m1", section: "server"), cluster.info("m2", section: "server")]
            let readiness = try await cluster.readiness().text
            for run in runs { #expect(readiness.contains(try #require(run["run_id"])), "\(readiness)") }
            let metrics = try Exposition(try await cluster.http("app", .get("/metrics"))[0].text)
            #expect(metrics.value("kvapp_redis_masters") == 2)
            let topology = try await cluster.http("app", .get("/v1/topology"))[0].text
            #expect(topology.contains(#""writes":{"accepted":false"#), "\(topology)")
            let refused = try await cluster.http("app", .set(#"{"key":"k","value":"v"}"#))[0].text
            #expect(refused.contains("(one behind ") && refused.contains("REPLICAOF"), "\(refused)")
            #expect(topology.contains("servers that say they are the master"), "\(topology)")
        }
    }

    @Test("it is over once one of them is a replica of the other, or is gone", arguments: [false, true])
    func ends(byDeath: Bool) async throws {
        try await withTwo(try Harness.redisServer.string) { cluster, proxy, masters in
            try await cluster.wait(untilReadinessSays: "there is no single master: ")
            if byDeath {
                try await cluster.kill("m1")
                proxy.retarget([masters[1].endpoint])
            } else {
                let other = masters[1].endpoint
                _ = try await cluster.redis("m1", "REPLICAOF", other.host, "\(other.port)")
            }
            try await cluster.wait(untilServed: .set(#"{"key":"k","value":"v"}"#), within: .seconds(30))
            #expect(try await cluster.redis("m2", "GET", "k").text == "v")
            try await cluster.wait(until: "one master is counted", of: "app") {
                let metrics = try Exposition(try await cluster.http("app", .get("/metrics"))[0].text)
                return Observation(metrics.value("kvapp_redis_masters") == 1, else: "another number")
            }
            #expect(try await cluster.log(of: "app").contains("there is a single master again"))
        }
    }

    @Test(
        "a master that hung goes on beside the promoted one: from then on nothing is acknowledged", arguments: servers)
    func oldMasterGoesOn(server: String) async throws {
        let ports = try Loopback.freePorts(3)
        let old = NodeSpec.redis("old", server: FilePath(server), at: Endpoint(port: ports[0]))
        let new = NodeSpec.redis(
            "new", server: FilePath(server), at: Endpoint(host: "127.0.0.2", port: ports[1]), replicaOf: old.endpoint)
        try await withLoopbackProxy(to: [old.endpoint]) { proxy in
            // The promoted one is known by the address alone.
            let app = DirectCluster.app(
                at: Endpoint(port: ports[2]), master: proxy.endpoint, replicas: [],
                program: try Programs.built("KVApp"), loops: 2)
            try await withLocalCluster(ClusterSpec([old, new, app])) { cluster in
                try await cluster.wait(untilServed: .set(#"{"key":"k","value":"before"}"#))
                try await cluster.wait(until: "the replica has it", of: "new") {
                    Observation(try await cluster.redis("new", "GET", "k").text == "before", else: "not yet")
                }
                try await cluster.pause("old")
                _ = try await cluster.redis("new", "REPLICAOF", "NO", "ONE")
                proxy.retarget([new.endpoint])
                // Before the promotion the old master may have been sent what it carries out when it goes on.
                try await cluster.wait(untilServed: .set(#"{"key":"first","value":"v"}"#), within: .seconds(30))
                proxy.retarget([old.endpoint, new.endpoint])
                try await cluster.resume("old")
                var acknowledged: [String] = []
                var number = 0
                var refusals = 0
                let end = ContinuousClock.now + .seconds(60)
                while refusals < 6, ContinuousClock.now < end {
                    refusals = 0
                    for (request, key) in zip(Self.writes(number), Self.keys(number)) {
                        let answer = try await cluster.http("app", request)[0]
                        if answer.text.contains(Self.refusal) { refusals += 1 }
                        if answer.status < 300 { acknowledged.append(key) }
                    }
                    number += 1
                }
                #expect(refusals == 6, "writes are refused")
                for key in acknowledged {
                    #expect(try await cluster.redis("new", "EXISTS", key) == .integer(1), "\(key) is acknowledged")
                }
                let sizes = try await [cluster.redis("old", "DBSIZE"), cluster.redis("new", "DBSIZE")]
                for number in 1000..<1005 {
                    for request in Self.writes(number) {
                        let answer = try await cluster.http("app", request)[0]
                        #expect(answer.status == 503 && answer.text.contains(Self.refusal), "\(answer.text)")
                    }
                }
                #expect(try await [cluster.redis("old", "DBSIZE"), cluster.redis("new", "DBSIZE")] == sizes)
                _ = try await cluster.redis("old", "REPLICAOF", new.endpoint.host, "\(new.endpoint.port)")
                try await cluster.wait(untilServed: .set(#"{"key":"k","value":"again"}"#), within: .seconds(30))
            }
        }
    }

    @Test("the headless name shows them where the master's name leads to one of them alone")
    func headlessName() async throws {
        try await withTestNetwork { network in
            let first = try await network.addHost("first")
            let second = try await network.addHost("second")
            let host = try await network.addHost("app")
            try network.setNames(
                ["redis-master": [first.address], "redis-master-nodes": [first.address, second.address]], on: host)
            let server = try Harness.redisServer
            let masters = [
                NodeSpec.redis("m1", server: server, at: first.endpoint()).running(on: first),
                NodeSpec.redis("m2", server: server, at: second.endpoint()).running(on: second),
            ]
            var app = DirectCluster.app(
                at: host.endpoint(8080), master: Endpoint(host: "redis-master", port: 6379), replicas: [],
                program: try Programs.built("KVApp"), environment: ["REDIS_MASTER_NODES_HOST": "redis-master-nodes"],
                loops: 2)
            app = app.running(on: host)
            try await withLocalCluster(ClusterSpec(masters + [app])) { cluster in
                for request in Self.writes(0) {
                    let answer = try await cluster.http("app", request)[0]
                    #expect(answer.status == 503 && answer.text.contains(Self.refusal), "\(answer.text)")
                    for place in [first.address, second.address] {
                        #expect(answer.text.contains("\(place):6379"), "\(answer.text)")
                    }
                }
                for master in masters { #expect(try await cluster.redis(master.name, "DBSIZE") == .integer(0)) }
                let readiness = try await cluster.readiness().text
                for place in [first.address, second.address] {
                    #expect(readiness.contains("\(place):6379"), "\(readiness)")
                }
                _ = try await cluster.redis("m2", "REPLICAOF", first.address, "6379")
                try await cluster.wait(untilServed: .set(#"{"key":"k","value":"v"}"#), within: .seconds(30))
                // And when it happens later.
                _ = try await cluster.redis("m2", "REPLICAOF", "NO", "ONE")
                try await cluster.wait(untilReadinessSays: "there is no single master: ")
                let answer = try await cluster.http("app", .set(#"{"key":"k","value":"lost"}"#))[0]
                #expect(answer.status == 503)
                #expect(try await cluster.redis("m1", "GET", "k").text == "v")
            }
        }
    }

    @Test("one master behind a name of many addresses, restarted and moved, is never taken for two")
    func oneMaster() async throws {
        let ports = try Loopback.freePorts(2)
        let master = NodeSpec.redis("master", server: try Harness.redisServer, at: Endpoint(port: ports[0]))
        try await withLoopbackProxy(to: [master.endpoint, master.endpoint]) { proxy in
            let app = DirectCluster.app(
                at: Endpoint(port: ports[1]), master: proxy.endpoint, replicas: [],
                program: try Programs.built("KVApp"), loops: 2)
            try await withLocalCluster(ClusterSpec([master, app])) { cluster in
                for round in 0..<5 {
                    try await cluster.wait(untilServed: .set(#"{"key":"k","value":"\#(round)"}"#))
                    try await cluster.restart("master")
                }
                try await cluster.wait(untilServed: .set(#"{"key":"k","value":"last"}"#))
                #expect(!(try await cluster.log(of: "app").contains("there is no single master")))
            }
        }
    }

    /// The same app once more, which begins later.
    private static func second(of app: NodeSpec, port: Int) -> NodeSpec {
        var second = app
        second.name = "app-2"
        second.environment["HOSTNAME"] = "app-2"
        second.endpoint = Endpoint(port: port)
        second.arguments = second.arguments.map { $0 == "\(app.endpoint.port)" ? "\(port)" : $0 }
        second.readiness = .http(path: "/livez", hostname: "app-2")
        return second
    }

    /// Has both apps write, and checks where the writes went.
    ///
    /// - Returns: how many writes each has acknowledged.
    private func writeByBoth(_ cluster: LocalCluster, to right: String, not wrong: String, from first: Int = 0)
        async throws -> [Int]
    {
        let before = try await cluster.redis(wrong, "DBSIZE")
        var acknowledged = [0, 0]
        for number in first..<(first + 10) {
            for (place, app) in ["app", "app-2"].enumerated() {
                for (request, key) in zip(Self.writes(number + 100 * place), Self.keys(number + 100 * place)) {
                    let answer = try await cluster.http(app, request)[0]
                    guard answer.status < 300 else {
                        #expect(answer.text.contains(Self.refusal), "\(app): \(answer.text)")
                        continue
                    }
                    acknowledged[place] += 1
                    #expect(
                        try await cluster.redis(right, "EXISTS", key) == .integer(1), "\(app) has acknowledged \(key)")
                }
            }
        }
        #expect(try await cluster.redis(wrong, "DBSIZE") == before, "nothing went to \(wrong)")
        return acknowledged
    }

    @Test(
        "the name moves to a copy while the old master hangs, which wakes at its own address: all apps write to the copy"
    )
    func nameMoved() async throws {
        let ports = try Loopback.freePorts(4)
        let server = try Harness.redisServer
        let old = NodeSpec.redis("old", server: server, at: Endpoint(host: "127.0.0.2", port: ports[0]))
        let new = NodeSpec.redis("new", server: server, at: Endpoint(host: "127.0.0.3", port: ports[1]))
        try await withLoopbackProxy(to: [old.endpoint]) { proxy in
            let app = DirectCluster.app(
                at: Endpoint(port: ports[2]), master: proxy.endpoint, replicas: [old.endpoint],
                program: try Programs.built("KVApp"), loops: 2)
            let second = Self.second(of: app, port: ports[3])
            try await withLocalCluster(ClusterSpec([old, new, app, second]), starts: false) { cluster in
                for name in ["old", "new", "app"] { try await cluster.start(name) }
                try await cluster.wait(untilServed: .set(#"{"key":"k","value":"before"}"#))
                try await cluster.wait(untilServersUp: 2)
                try await cluster.pause("old")
                proxy.retarget([new.endpoint])
                try await cluster.wait(untilServed: .set(#"{"key":"k","value":"after"}"#), within: .seconds(30))
                #expect(try await cluster.redis("new", "GET", "k").text == "after")
                try await cluster.resume("old")
                try await cluster.start("app-2")
                for name in ["app", "app-2"] {
                    try await cluster.wait(until: "both masters are counted", of: name) {
                        let metrics = try Exposition(try await cluster.http(name, .get("/metrics"))[0].text)
                        return Observation(metrics.value("kvapp_redis_masters") == 2, else: "another number")
                    }
                    try await cluster.wait(untilServed: .set(#"{"key":"k","value":"both"}"#), by: name)
                }
                let acknowledged = try await writeByBoth(cluster, to: "new", not: "old")
                #expect(acknowledged.allSatisfy { $0 > 0 }, "\(acknowledged)")
            }
        }
    }

    @Test("a stray at a replica's address, and no replica any more: an app that begins now writes where the others do")
    func strayAlone() async throws {
        let system = try DirectCluster(loops: 2)
        var app = system.app
        app.readiness = .http(path: "/livez")
        let second = Self.second(of: app, port: try Loopback.freePorts(1)[0])
        let nodes = [system.master] + system.replicas + [app, second]
        try await withLocalCluster(ClusterSpec(nodes), starts: false) { cluster in
            for node in nodes where node.name != "app-2" { try await cluster.start(node.name) }
            try await cluster.store("k", "v", on: system.replicas)
            try await cluster.wait(untilServersUp: 3)
            _ = try await cluster.redis("replica-1", "REPLICAOF", "NO", "ONE")
            try await cluster.wait(untilReadinessSays: #"\#(system.replicas[0].endpoint)","state":"is a master beside"#)
            try await cluster.store("k", "w", on: [system.replicas[1]])
            try await cluster.kill("replica-2")
            try await cluster.start("app-2")
            try await cluster.wait(untilServed: .set(#"{"key":"k","value":"x"}"#), by: "app-2", within: .seconds(30))
            let acknowledged = try await writeByBoth(cluster, to: "master", not: "replica-1")
            #expect(acknowledged.allSatisfy { $0 > 0 }, "\(acknowledged)")
            // And the other way: another client writes to the stray.
            _ = try await cluster.redis("replica-1", "SET", "stray", "1")
            let again = try await writeByBoth(cluster, to: "master", not: "replica-1", from: 10)
            #expect(again.allSatisfy { $0 > 0 }, "\(again)")
        }
    }
}
