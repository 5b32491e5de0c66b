import Hiredis
import LocalTopology
import SystemPackage
import Testing

@Suite("A sidecar keeps its server with the master that Sentinel names")
struct SentinelSidecarTests {
    private static let sentinels = ["s1", "s2", "s3"]

    @Test(
        "a planned change, there and back, and a silent Sentinel: the former master follows, and none is fought over",
        arguments: SentinelScene.servers)
    func planned(server: String) async throws {
        let scene = try SentinelScene(FilePath(server), names: ["a", "b"])
        let (a, b) = (try #require(scene.servers["a"]), try #require(scene.servers["b"]))
        let nodes = [try scene.node("a", isMaster: true), try scene.node("b", isMaster: false)]
        let ports = try Loopback.freePorts(2, host: "127.0.0.7")
        let program = FilePath(try scene.sidecar)
        let sidecars = zip(nodes, ports).map { node, port in
            var sidecar = NodeSpec.sidecar(
                "\(node.name)-sidecar", program: program, at: Endpoint(host: "127.0.0.7", port: port), beside: node)
            sidecar.environment["LOG_LEVEL"] = "debug"
            return sidecar
        }
        // A Sentinel closes a connection that is silent for half of down-after, and loses the order to promote that waits in it:
        // with half a second, on a busy machine, a planned change is given up.
        let sentinels = try scene.sentinelNodes(downAfter: .seconds(5), failoverTimeout: .seconds(20))
        let spec = ClusterSpec(nodes + sidecars + sentinels)
        try await withLocalCluster(spec, starts: false) { cluster in
            for name in ["a", "b"] + Self.sentinels { try await cluster.start(name) }
            _ = try await cluster.redis("a", "SET", "k", "v")
            try await cluster.wait(untilReplicasOf: "a", are: 1)
            try await cluster.wait(untilSentinels: Self.sentinels, know: 1)
            for name in ["a-sidecar", "b-sidecar"] { try await cluster.start(name) }
            try await cluster.wait(untilSentinelStateIs: "leads", of: "a-sidecar")
            try await cluster.wait(untilSentinelStateIs: "follows", of: "b-sidecar")
            #expect(try await cluster.status("state", of: "a-sidecar") == "follows-sentinel")
            try await cluster.pause("s3")
            var isPlain = try await Self.failOver(cluster, ["s1", "s2"], to: b)
            try await cluster.wait(until: "a", isLinkedTo: "b")
            // By the sidecar, and not by Sentinel, which takes ten seconds for that.
            if isPlain {
                let log = try await cluster.log(of: "a-sidecar")
                let changes = try await cluster.changes(of: "a-sidecar")
                #expect(changes == 1, "\(log)")
                #expect(try await cluster.changes(of: "b-sidecar") == 0)
            }
            try await cluster.wait(untilSentinelStateIs: "leads", of: "b-sidecar")
            // The one that was silent, and names the former master when it wakes, changes nothing.
            try await cluster.resume("s3")
            try await cluster.wait(untilSentinels: Self.sentinels, name: b)
            try await cluster.wait(untilSentinels: Self.sentinels, know: 1)
            // And back.
            if try await !Self.failOver(cluster, Self.sentinels, to: a) { isPlain = false }
            try await cluster.wait(until: "b", isLinkedTo: "a")
            if isPlain {
                #expect(try await cluster.changes(of: "b-sidecar") == 1)
                #expect(try await cluster.changes(of: "a-sidecar") == 1)
            }
            #expect(try await cluster.info("a")["role"] == "master")
            // It asks once a second.
            try await cluster.wait(until: "the former master's sidecar has heard all three") {
                let epoch = try await cluster.metric("redis_replica_sidecar_sentinel_epoch", of: "a-sidecar")
                let count = try await cluster.metric("redis_replica_sidecar_sentinels_answering", of: "a-sidecar")
                return Observation(epoch >= 2 && count == 3, else: "epoch \(epoch), \(count) answer")
            }
        }
    }

    /// Gives the order until the fail-over ends well: on a busy machine Sentinel gives one up (`-failover-abort-slave-timeout`).
    /// That no sidecar has undone a promotion is checked by the number of its changes.
    ///
    /// - Returns: whether the first order was enough: a sidecar undoes a promotion that Sentinel has given up.
    private static func failOver(
        _ cluster: LocalCluster, _ names: [String], to master: Endpoint
    ) async throws -> Bool {
        for attempt in 1...4 {
            try await cluster.wait(until: "Sentinel takes the order", of: "s1", within: .seconds(60)) {
                let reply = try await cluster.redis("s1", "SENTINEL", "FAILOVER", SentinelScene.masterName)
                return Observation(reply.text == "OK", else: "\(reply)")
            }
            do {
                try await cluster.wait(untilSentinels: names, name: master)
                return attempt == 1
            } catch {
                if attempt == 4 { throw error }
            }
        }
        return false
    }

    @Test("a Sentinel of TLS alone, which asks for a password, beside a server without TLS: init and sidecar reach it")
    func tls() async throws {
        let certificates = try Certificates()
        try certificates.sign("one", for: "IP:127.0.0.1")
        let server = FilePath(try #require(try RedisServer.pathsWithTLS.first))
        let scene = try SentinelScene(server, names: ["a"], sentinels: 1)
        let lines = certificates.lines(port: scene.sentinels[0].port, as: "one") + ["port 0", "requirepass s3cr3t"]
        let access = [
            "REDIS_SENTINEL_TLS": "yes", "REDIS_SENTINEL_PASSWORD": "s3cr3t",
            "REDIS_TLS_CA_FILE": certificates.certificate("ca"), "REDIS_TLS_CERT_FILE": certificates.certificate("one"),
            "REDIS_TLS_KEY_FILE": certificates.key("one"),
        ]
        let node = try scene.node("a", isMaster: true, more: access)
        let port = try Loopback.freePorts(1, host: "127.0.0.7")[0]
        let sidecar = NodeSpec.sidecar(
            "sidecar", program: FilePath(try scene.sidecar), at: Endpoint(host: "127.0.0.7", port: port), beside: node)
        let nodes = try scene.sentinelNodes(lines: lines) + [node, sidecar]
        try await withLocalCluster(ClusterSpec(nodes)) { cluster in
            #expect(try await cluster.log(of: "a").contains("note: Sentinel names this server the master"))
            try await cluster.wait(untilSentinelStateIs: "leads", of: "sidecar")
        }
    }

    @Test(
        "a master that was replaced, beside a new one that does not answer: an alarm with what to do, until that one answers"
    )
    func unusable() async throws {
        let scene = try SentinelScene(FilePath(try #require(SentinelScene.servers.last)))
        let node = try scene.node("b", isMaster: true)
        let port = try Loopback.freePorts(1, host: "127.0.0.7")[0]
        let sidecar = NodeSpec.sidecar(
            "sidecar", program: FilePath(try scene.sidecar), at: Endpoint(host: "127.0.0.7", port: port), beside: node)
        // It names `a` all the while.
        let sentinels = try scene.sentinelNodes(downAfter: .seconds(3600))
        let nodes = [try scene.node("a", isMaster: true), node, sidecar] + sentinels
        try await withLocalCluster(ClusterSpec(nodes), starts: false) { cluster in
            for name in ["a", "b"] + Self.sentinels { try await cluster.start(name) }
            try await cluster.wait(untilSentinels: Self.sentinels, know: 0)
            try await cluster.pause("a")
            try await cluster.launch("sidecar")
            try await cluster.wait(untilSentinelStateIs: "unusable-master", of: "sidecar")
            #expect(try await cluster.metric("redis_replica_sidecar_alarm") == 1)
            #expect(try await cluster.info("b")["role"] == "master")
            let log = try await cluster.log(of: "sidecar")
            #expect(log.ranges(of: "which cannot be followed").count == 1, "\(log)")
            #expect(log.contains("Check that it runs, and that it can be reached from here"), "\(log)")
            try await cluster.resume("a")
            try await cluster.wait(untilSentinelStateIs: "follows", of: "sidecar")
            #expect(try await cluster.metric("redis_replica_sidecar_alarm") == 0)
            #expect(try await cluster.log(of: "sidecar").contains("over: Sentinel names the master"))
        }
    }

    @Test("without Sentinels nothing is changed, and an operator sees why")
    func silent() async throws {
        let scene = try SentinelScene(FilePath(try #require(SentinelScene.servers.last)), names: ["a"])
        let node = try scene.node("a", isMaster: true)
        let port = try Loopback.freePorts(1, host: "127.0.0.7")[0]
        let sidecar = NodeSpec.sidecar(
            "sidecar", program: FilePath(try scene.sidecar), at: Endpoint(host: "127.0.0.7", port: port), beside: node)
        try await withLocalCluster(ClusterSpec([node, sidecar])) { cluster in
            try await cluster.wait(untilSentinelStateIs: "none-reached", of: "sidecar")
            #expect(try await cluster.metric("redis_replica_sidecar_alarm") == 1)
            #expect(try await cluster.info("a")["role"] == "master")
            #expect(try await cluster.log(of: "sidecar").contains("no Sentinel answers"))
        }
    }
}

extension LocalCluster {
    /// Waits for `sentinel.state` of a sidecar's /status.
    fileprivate nonisolated func wait(untilSentinelStateIs state: String, of name: String) async throws {
        try await wait(until: "the state with Sentinel is \(state)", of: name, within: .seconds(40)) {
            let text = try await self.metricsText(of: name)
            return Observation(text.contains("redis_replica_sidecar_sentinel_state{state=\"\(state)\"} 1"), else: text)
        }
    }

    private nonisolated func metricsText(of name: String) async throws -> String {
        let text = try await http(name, .get("/metrics"))[0].text
        return text.split(separator: "\n").filter { $0.hasPrefix("redis_replica_sidecar_sent") }.joined(separator: "\n")
    }
}
