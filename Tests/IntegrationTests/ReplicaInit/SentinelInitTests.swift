import Hiredis
import LocalTopology
import SystemPackage
import Testing

@Suite("redis-replica-init starts a server as Sentinel says")
struct SentinelInitTests {
    private static let sentinels = ["s1", "s2", "s3"]

    @Test(
        "a former master comes back as a replica, with a silent Sentinel and a stale one; without Sentinels not at all",
        arguments: SentinelScene.servers)
    func formerMaster(server: String) async throws {
        let scene = try SentinelScene(FilePath(server))
        let (a, b) = (try #require(scene.servers["a"]), try #require(scene.servers["b"]))
        let nodes = [try scene.node("a", isMaster: true), try scene.node("b", isMaster: false)]
        try await withLocalCluster(ClusterSpec(nodes + scene.sentinelNodes()), starts: false) { cluster in
            // Without Sentinels and without data: a first start.
            try await cluster.start("a")
            #expect(try await cluster.log(of: "a").contains("no Sentinel answers"))
            try await cluster.start("b")
            for name in Self.sentinels { try await cluster.start(name) }
            _ = try await cluster.redis("a", "SET", "k", "v")
            try await cluster.wait(untilReplicasOf: "a", are: 1)
            try await cluster.wait(untilSentinels: Self.sentinels, know: 1)
            // One that sleeps through the fail-over names the former master when it wakes.
            try await cluster.pause("s1")
            try await cluster.kill("a")
            try await cluster.wait(untilSentinels: ["s2", "s3"], name: b)
            // From here on no machine is so busy that they replace the master once more.
            for name in ["s2", "s3"] {
                _ = try await cluster.redis(
                    name, "SENTINEL", "SET", SentinelScene.masterName, "down-after-milliseconds", "60000")
            }
            try await cluster.start("a")
            #expect(try await cluster.info("a")["role"] == "slave")
            #expect(try await cluster.info("a")["master_port"] == "\(b.port)")
            #expect(try await cluster.log(of: "a").contains("note: Sentinel names the master \(b)"))
            // The promoted one leads after its restart, although its variables make it a replica of the other one.
            try await cluster.resume("s1")
            try await cluster.wait(untilSentinels: ["s1"], name: b)
            try await cluster.terminate("a")
            try await cluster.terminate("b")
            try await cluster.start("b")
            let promoted = try await cluster.log(of: "b")
            #expect(try await cluster.info("b")["role"] == "master", "\(promoted)")
            #expect(try await cluster.redis("b", "GET", "k").text == "v")
            // Without Sentinels the former one, which has data, is no second master.
            for name in Self.sentinels { try await cluster.kill(name) }
            try await cluster.launch("a")
            #expect(try await cluster.waitUntilEnded("a") == .exited(code: 75))
            let log = try await cluster.log(of: "a")
            #expect(log.contains("blocked: no Sentinel answers: \(scene.sentinels[0])"), "\(log)")
            #expect(log.contains("another server may be the master now"))
            #expect(a.port > 0)
        }
    }

    @Test(
        "what is no word of Sentinel: an unknown name, a redis-server, a wrong log-in", arguments: SentinelScene.servers
    )
    func noWord(server: String) async throws {
        let scene = try SentinelScene(FilePath(server), names: ["a", "b", "plain"], sentinels: 1)
        let a = try #require(scene.servers["a"])
        let plain = try #require(scene.servers["plain"])
        let nodes = [
            try scene.node("a", isMaster: true, more: ["REDIS_SENTINEL_MASTER_NAME": "other"]),
            try scene.node("b", isMaster: false, more: ["REDIS_SENTINEL_HOST": "\(plain)"]),
            .redis("plain", server: FilePath(server), at: plain),
        ]
        try await withLocalCluster(ClusterSpec(nodes + scene.sentinelNodes()), starts: false) { cluster in
            for name in ["plain", "s1", "a"] { try await cluster.start(name) }
            #expect(try await cluster.info("a")["role"] == "master")
            #expect(try await cluster.log(of: "a").contains("no Sentinel has a master of this name"))
            try await cluster.start("b")
            #expect(try await cluster.info("b")["master_port"] == "\(a.port)")
            #expect(try await cluster.log(of: "b").contains("is no Sentinel: name the Sentinels"))
        }
    }

    @Test("a log-in at Sentinel, and a replica whose variables name no master")
    func logIn() async throws {
        let scene = try SentinelScene(FilePath(try #require(SentinelScene.servers.last)))
        let a = try #require(scene.servers["a"])
        let noMaster = ["REDIS_MASTER_SERVICE_HOST": "", "REDIS_MASTER_SERVICE_PORT": ""]
        let nodes = [
            try scene.node("a", isMaster: false, more: noMaster.merging(["REDIS_SENTINEL_PASSWORD": "s3cr3t"]) { $1 }),
            try scene.node("b", isMaster: false, more: noMaster.merging(["REDIS_SENTINEL_PASSWORD": "wr0ng"]) { $1 }),
        ]
        let sentinels = try scene.sentinelNodes(lines: ["requirepass s3cr3t"])
        try await withLocalCluster(ClusterSpec(nodes + sentinels), starts: false) { cluster in
            for name in Self.sentinels { try await cluster.start(name) }
            // Sentinel watches `a`, which is no master by its variables.
            try await cluster.start("a")
            #expect(try await cluster.info("a")["role"] == "master")
            try await cluster.launch("b")
            #expect(try await cluster.waitUntilEnded("b") == .exited(code: 75))
            let log = try await cluster.log(of: "b")
            #expect(log.contains("refuses the login") && log.contains("set REDIS_MASTER_HOST"), "\(log)")
            #expect(!log.contains("wr0ng") && !log.contains("s3cr3t"))
            #expect(a.port > 0)
        }
    }

    @Test("one first guess for all nodes: the server that it names starts as a master, and comes back as Sentinel says")
    func firstGuess() async throws {
        let scene = try SentinelScene(FilePath(try #require(SentinelScene.servers.last)))
        let (a, b) = (try #require(scene.servers["a"]), try #require(scene.servers["b"]))
        let guess = ["REDIS_MASTER_HOST": a.host, "REDIS_MASTER_PORT_NUMBER": "\(a.port)"]
        let nodes = [
            try scene.node("a", isMaster: false, more: guess), try scene.node("b", isMaster: false, more: guess),
        ]
        try await withLocalCluster(ClusterSpec(nodes + scene.sentinelNodes()), starts: false) { cluster in
            for name in ["a", "b"] { try await cluster.start(name) }
            #expect(try await cluster.info("a")["role"] == "master")
            #expect(
                try await cluster.log(of: "a").contains(
                    "is this server itself: it is a master until Sentinel names one"))
            _ = try await cluster.redis("a", "SET", "k", "v")
            try await cluster.wait(untilReplicasOf: "a", are: 1)
            for name in Self.sentinels { try await cluster.start(name) }
            try await cluster.wait(untilSentinels: Self.sentinels, know: 1)
            try await cluster.kill("a")
            try await cluster.wait(untilSentinels: Self.sentinels, name: b)
            try await cluster.start("a")
            #expect(try await cluster.info("a")["role"] == "slave")
            #expect(try await cluster.info("a")["master_port"] == "\(b.port)")
        }
    }

    @Test("a user with the rights that the document names; a missing right to CKQUORUM is named")
    func rights() async throws {
        let server = try #require(RedisServer.paths.last { (try? RedisServer($0))?.has(7, 0) ?? false })
        let scene = try SentinelScene(FilePath(server), names: ["a", "b"], sentinels: 1)
        let a = try #require(scene.servers["a"])
        let access = ["REDIS_SENTINEL_USERNAME": "follower", "REDIS_SENTINEL_PASSWORD": "s3cret"]
        let nodes = [
            try scene.node("a", isMaster: true, more: access), try scene.node("b", isMaster: false, more: access),
        ]
        let sentinels = try scene.sentinelNodes(lines: [try SentinelCluster.documentedUser(password: "s3cret")])
        try await withLocalCluster(ClusterSpec(nodes + sentinels), starts: false) { cluster in
            for name in ["s1", "a"] { try await cluster.start(name) }
            #expect(try await cluster.log(of: "a").contains("note: Sentinel names this server the master"))
            #expect(try await cluster.redis("s1", "ACL", "LOG") == .array([]))
            _ = try await cluster.redis("s1", "ACL", "SETUSER", "follower", "-sentinel|ckquorum")
            try await cluster.start("b")
            #expect(try await cluster.info("b")["master_port"] == "\(a.port)")
            let log = try await cluster.log(of: "b")
            #expect(log.contains("SENTINEL CKQUORUM (NOPERM): grant +sentinel|ckquorum to it"), "\(log)")
        }
    }

    @Test("a Sentinel that cannot resolve the master's name names none")
    func unresolvable() async throws {
        let server = try #require(RedisServer.paths.first { (try? RedisServer($0))?.has(7, 0) ?? false })
        let scene = try SentinelScene(FilePath(server), names: ["a", "b"], sentinels: 1)
        var sentinel = NodeSpec.sentinel(
            "s1", server: FilePath(server), at: scene.sentinels[0],
            watching: Endpoint(host: "no-such-host.invalid", port: 6379), as: SentinelScene.masterName)
        if case .lines(let lines) = sentinel.configuration {
            sentinel.configuration = .lines(["sentinel resolve-hostnames yes"] + lines)
        }
        try await withLocalCluster(
            ClusterSpec([try scene.node("b", isMaster: false), sentinel]), starts: false
        ) { cluster in
            try await cluster.start("s1")
            try await cluster.launch("b")
            try await cluster.wait(until: "the reason is logged", of: "b", within: .seconds(30)) {
                let log = try await cluster.log(of: "b")
                return Observation(log.contains("has no address for the master"), else: log)
            }
        }
    }
}
