import Hiredis
import LocalTopology
import SystemPackage
import Testing

/// Two real masters, and an app that is not to lose what either of them was written.
@Suite("Which of two masters is meant is not certain")
struct UncertainMasterTests {
    private static func write(_ key: String) -> LoopbackHTTP.Request { .set(#"{"key":"\#(key)","value":"v"}"#) }

    private func fill(_ cluster: LocalCluster, _ name: String, keys: Int) async throws {
        for reply in try await cluster.redis(name, (0..<keys).map { ["SET", "own-\($0)", "v"] }) {
            try #require(reply.errorText == nil)
        }
    }

    private func wait(untilRefused cluster: LocalCluster) async throws {
        try await cluster.wait(until: "writes are refused", of: "app", within: .seconds(20)) {
            let answer = try await cluster.http("app", Self.write("refused"))[0]
            return Observation(answer.code == "no-single-master", else: "\(answer.status) \(answer.text)")
        }
    }

    private func wait(untilRefusedOrServed cluster: LocalCluster) async throws -> Int {
        try await cluster.wait(until: "writes are refused or served", of: "app", within: .seconds(20)) {
            let answer = try await cluster.http("app", Self.write("refused"))[0]
            let isDecided = answer.status == 200 || answer.code == "no-single-master"
            return Observation(isDecided, else: "\(answer.status) \(answer.text)")
        }
        return try await cluster.http("app", Self.write("refused"))[0].status
    }

    /// The master's name leads to `a`; the others are known by their addresses.
    private func withMasters(
        replicas: [String], _ body: (LocalCluster, NodeSpec, [NodeSpec]) async throws -> Void
    ) async throws {
        let ports = try Loopback.freePorts(3 + replicas.count)
        let server = try Harness.redisServer
        let a = NodeSpec.redis("a", server: server, at: Endpoint(host: "127.0.0.2", port: ports[0]))
        let b = NodeSpec.redis("b", server: server, at: Endpoint(host: "127.0.0.3", port: ports[1]))
        let followers = replicas.enumerated().map { index, name in
            NodeSpec.redis(
                name, server: server, at: Endpoint(host: "127.0.0.\(index + 4)", port: ports[index + 3]),
                replicaOf: b.endpoint)
        }
        var app = DirectCluster.app(
            at: Endpoint(port: ports[2]), master: a.endpoint, replicas: [b.endpoint] + followers.map(\.endpoint),
            program: try Programs.built("KVApp"), loops: 2)
        app.readiness = .http(path: "/livez")
        try await withLocalCluster(ClusterSpec([a, b] + followers + [app]), starts: false) { cluster in
            for node in [a, b] + followers { try await cluster.start(node.name) }
            try await body(cluster, a, followers)
        }
    }

    @Test("a new process writes to no master that all replicas left: not before a replica follows it")
    func unfollowed() async throws {
        try await withMasters(replicas: ["c", "d"]) { cluster, a, followers in
            try await fill(cluster, "b", keys: 50)
            for follower in followers {
                try await cluster.wait(until: "it has the keys", of: follower.name) {
                    Observation(try await cluster.redis(follower.name, "DBSIZE") == .integer(50), else: "not yet")
                }
            }
            try await cluster.start("app")
            for number in 0..<20 {
                let answer = try await cluster.http("app", Self.write("k-\(number)"))[0]
                #expect(answer.status == 503, "\(answer.text)")
            }
            try await wait(untilRefused: cluster)
            #expect(try await cluster.redis("a", "DBSIZE") == .integer(0))
            for name in ["c", "d"] {
                _ = try await cluster.redis(name, "REPLICAOF", a.endpoint.host, "\(a.endpoint.port)")
            }
            try await cluster.wait(untilServed: Self.write("k"), within: .seconds(30))
            #expect(try await cluster.redis("a", "EXISTS", "k") == .integer(1))
        }
    }

    @Test(
        "the newer one of two ends, or hangs: writes stay refused, with the cure, until it is a replica",
        arguments: [false, true])
    func blink(hangs: Bool) async throws {
        let system = try DirectCluster(replicaLines: [[]], loops: 2)
        var app = system.app
        app.readiness = .http(path: "/livez")
        try await withLocalCluster(ClusterSpec([system.master] + system.replicas + [app]), starts: false) { cluster in
            try await cluster.start("master")
            try await cluster.start("replica-1")
            try await cluster.wait(until: "the link is up", of: "replica-1") {
                let link = try await cluster.info("replica-1", section: "replication")["master_link_status"]
                return Observation(link == "up", else: "\(link ?? "")")
            }
            try await cluster.kill("master")
            _ = try await cluster.redis("replica-1", "REPLICAOF", "NO", "ONE")
            try await fill(cluster, "replica-1", keys: 100)
            try await cluster.start("master")
            // A process that meets the newer one first takes that. This is about one that has met both.
            var isRefused = false
            for _ in 0..<20 where !isRefused {
                try await cluster.start("app")
                isRefused = try await wait(untilRefusedOrServed: cluster) == 503
                if !isRefused {
                    #expect(try await cluster.redis("replica-1", "EXISTS", "refused") == .integer(1))
                    _ = try await cluster.terminate("app")
                }
            }
            try #require(isRefused)
            if hangs { try await cluster.pause("replica-1") } else { try await cluster.kill("replica-1") }
            let away = "\(system.replicas[0].endpoint), not reached now"
            let end = ContinuousClock.now + .seconds(7)
            try await cluster.wait(until: "seven seconds are over", of: "app", within: .seconds(30)) {
                let answer = try await cluster.http("app", Self.write("lost"))[0]
                #expect(answer.status == 503, "\(answer.text)")
                return Observation(ContinuousClock.now > end, else: "not yet")
            }
            #expect(try await cluster.redis("master", "DBSIZE") == .integer(0))
            let readiness = try await cluster.readiness().text
            #expect(readiness.contains(away) && readiness.contains("give the other one a replica"), "\(readiness)")
            if hangs { try await cluster.resume("replica-1") } else { try await cluster.start("replica-1") }
            // One that was killed comes back as a replica, by its own configuration.
            for _ in 0..<10 where hangs {
                let answer = try await cluster.http("app", Self.write("lost"))[0]
                #expect(answer.status == 503, "\(answer.text)")
            }
            let master = system.master.endpoint
            _ = try await cluster.redis("replica-1", "REPLICAOF", master.host, "\(master.port)")
            try await cluster.wait(untilServed: Self.write("k"), within: .seconds(30))
            #expect(try await cluster.redis("master", "EXISTS", "k") == .integer(1))
        }
    }

    @Test("connections to the name are cut, and it leads to a stray, too: nothing is acknowledged on both")
    func cut() async throws {
        let ports = try Loopback.freePorts(3)
        let server = try Harness.redisServer
        let a = NodeSpec.redis("a", server: server, at: Endpoint(host: "127.0.0.2", port: ports[0]))
        let b = NodeSpec.redis(
            "b", server: server, at: Endpoint(host: "127.0.0.3", port: ports[1]), replicaOf: a.endpoint)
        try await withLoopbackProxy(to: [a.endpoint]) { proxy in
            let app = DirectCluster.app(
                at: Endpoint(port: ports[2]), master: proxy.endpoint, replicas: [b.endpoint],
                program: try Programs.built("KVApp"), loops: 2)
            try await withLocalCluster(ClusterSpec([a, b, app])) { cluster in
                try await cluster.store("k", "v", on: [b])
                _ = try await cluster.redis("b", "REPLICAOF", "NO", "ONE")
                // Else nothing would be lost by following it.
                _ = try await cluster.redis("a", "SET", "since", "v")
                try await cluster.wait(untilReadinessSays: #"\#(b.endpoint)","state":"is a master beside"#)
                try await cluster.store("k", "w", on: [])
                proxy.retarget([b.endpoint, a.endpoint])
                proxy.cutAll()
                var refusals = 0
                var number = 0
                let end = ContinuousClock.now + .seconds(30)
                while refusals < 12, ContinuousClock.now < end {
                    let answer = try await cluster.http("app", Self.write("k-\(number)"))[0]
                    refusals = answer.status == 503 ? refusals + 1 : 0
                    if answer.status < 300 {
                        #expect(try await cluster.redis("a", "EXISTS", "k-\(number)") == .integer(1))
                    }
                    number += 1
                }
                #expect(refusals == 12, "it is refused in the end")
                #expect(try await cluster.redis("b", "DBSIZE") == .integer(1), "nothing went to the stray")
                #expect(try await cluster.readiness().text.contains("servers that say they are the master"))
            }
        }
    }
}
