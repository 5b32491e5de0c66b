import Hiredis
import LocalTopology
import SystemPackage
import Testing

@Suite("redis-replica-init probe")
struct ProbeTests {
    private static let linkUp = "ready: replica, its link to the master is up"

    /// A server by itself.
    private func single(_ lines: [String]) throws -> NodeSpec {
        .redis(
            "server", server: try Harness.redisServer, at: Endpoint(port: try Loopback.freePorts(1)[0]), lines: lines)
    }

    /// A replica whose master has never been there.
    private func lonely(_ lines: [String] = []) throws -> NodeSpec {
        let ports = try Loopback.freePorts(2)
        var node = NodeSpec.redis(
            "server", server: try Harness.redisServer, at: Endpoint(port: ports[0]),
            replicaOf: Endpoint(port: ports[1]), lines: lines)
        node.readiness = .running
        return node
    }

    @Test("a master and a replica in step are live and ready, and say what they are")
    func inStep() async throws {
        try await withLocalCluster(try Pair().spec) { cluster in
            let life = try await cluster.probe("master", ["live"])
            #expect(life.isYes("live: answers PING"))
            #expect(try await cluster.probe("master", ["ready"]).isYes("ready: master"))
            #expect(try await cluster.probe("master", ["role"]).isYes("master"))
            #expect(try await cluster.probe("replica", ["live"]).isYes("live: answers PING"))
            #expect(try await cluster.probe("replica", ["role"]).isYes("replica"))
            let strict = ["ready", "--require-link", "--max-lag-seconds", "30", "--max-lag-bytes", "1000000"]
            for arguments in [["ready"], strict] {
                #expect(try await cluster.probe("replica", arguments).isYes(Self.linkUp))
            }
        }
    }

    @Test("a replica that never saw its master is live and not ready")
    func neverSynchronised() async throws {
        try await withLocalCluster(ClusterSpec([try lonely()])) { cluster in
            let line = "not ready: has not synchronised with its master since it started"
            try await cluster.wait(untilProbe: "ready", of: "server", says: line)
            #expect(try await cluster.probe("server", ["ready"]).isNo(line))
            #expect(try await cluster.probe("server", ["live"]).isYes("live: answers PING"))
            #expect(try await cluster.probe("server", ["role"]).isYes("replica"))
        }
    }

    @Test("a replica that refuses stale answers is live without its master")
    func masterDown() async throws {
        try await withLocalCluster(ClusterSpec([try lonely(["replica-serve-stale-data no"])])) { cluster in
            try await cluster.wait(
                untilProbe: "live", of: "server", says: "live: its master is down (MASTERDOWN)")
        }
    }

    @Test("a replica in a full synchronisation is live and not ready")
    func synchronising() async throws {
        // The master waits half a second before each key it sends.
        let pair = try Pair(masterLines: ["repl-diskless-sync yes", "rdb-key-save-delay 500000"])
        var replica = pair.replica
        replica.readiness = .running
        let cluster = try LocalCluster(ClusterSpec([pair.master, replica]))
        do {
            try await cluster.start("master")
            for key in 1...60 { _ = try await cluster.redis("master", "SET", "key_\(key)", "value") }
            try await cluster.start("replica")
            let line = "not ready: in a full synchronisation with its master"
            try await cluster.wait(untilProbe: "ready", of: "replica", says: line)
            #expect(try await cluster.probe("replica", ["ready"]).isNo(line))
            #expect(try await cluster.probe("replica", ["live"]).exitCode == 0)
            #expect(try await cluster.probe("replica", ["role"]).isYes("replica"))
        } catch {
            await cluster.stop()
            throw error
        }
        await cluster.stop()
    }

    @Test("a replica that lost its master stays ready and says so, unless the link is required")
    func linkLost() async throws {
        try await withLocalCluster(try Pair().spec) { cluster in
            try await cluster.kill("master")
            try await cluster.wait(until: "the loss is noticed", of: "replica") {
                let answer = try await cluster.probe("replica", ["ready"])
                #expect(answer.exitCode == 0)
                return Observation(
                    answer.line.hasPrefix("ready: replica that lost its master "), else: answer.line)
            }
            let strict = try await cluster.probe("replica", ["ready", "--require-link"])
            #expect(strict.exitCode == 1 && strict.line.hasSuffix("--require-link asks for it"))
            #expect(try await cluster.probe("replica", ["ready", "--max-lag-seconds", "3600"]).exitCode == 0)
            try await cluster.wait(
                untilProbe: "ready", of: "replica", says: "more than --max-lag-seconds 0",
                options: ["--max-lag-seconds", "0"])
            try await cluster.start("master")
            try await cluster.wait(
                untilProbe: "ready", of: "replica", says: Self.linkUp, options: ["--require-link"])
        }
    }

    @Test("a server that loads its data is live and not ready")
    func loading() async throws {
        let node = try single([
            "key-load-delay 1000", "loading-process-events-interval-bytes 1024", "rdbcompression no",
        ])
        try await withLocalCluster(ClusterSpec([node])) { cluster in
            let fill = "for i = 1, 20000 do redis.call('SET', i, string.rep('x', 1100)) end"
            _ = try await cluster.redis("server", "EVAL", fill, "0")
            #expect(try await cluster.redis("server", "SAVE").text == "OK")
            try await cluster.kill("server")
            try await cluster.launch("server")
            try await cluster.wait(
                untilProbe: "live", of: "server", says: "live: loading its data (LOADING)")
            #expect(try await cluster.probe("server", ["ready"]).isNo("not ready: loading its data from disk"))
            #expect(try await cluster.probe("server", ["role"]).isYes("master"))
        }
    }

    @Test("a server busy with a script is live and not ready")
    func busy() async throws {
        try await withLocalCluster(ClusterSpec([try single(["lua-time-limit 20"])])) { cluster in
            await #expect(throws: (any Error).self) {
                try await cluster.redis("server", "EVAL", "while true do end", "0", timeout: .milliseconds(100))
            }
            try await cluster.wait(untilProbe: "live", of: "server", says: "live: busy with a script (BUSY)")
            #expect(try await cluster.probe("server", ["ready"]).isNo("not ready: busy with a script (BUSY)"))
            #expect(try await cluster.redis("server", "SCRIPT", "KILL").text == "OK")
        }
    }

    @Test(
        "a command that has another name is named", arguments: RedisServer.representatives,
        [("INFO", "ready"), ("AUTH", "ready"), ("PING", "live")])
    func renamed(path: String, command: (name: String, question: String)) async throws {
        var node = NodeSpec.redis(
            "server", server: .init(path), at: Endpoint(port: try Loopback.freePorts(1)[0]),
            lines: ["rename-command \(command.name) \"\"", "requirepass secret"])
        node.readiness = .running
        node.isRedis = path.hasPrefix("/usr")
        try await withLocalCluster(ClusterSpec([node])) { cluster in
            try await cluster.wait(until: "the probe names it", of: "server") {
                let answer = try await cluster.probe("server", [command.question])
                let isMeant = answer.line.contains("does not know \(command.name): its configuration renames it")
                // Without a password nothing but AUTH is looked at.
                let asksFirst = command.name == "PING" && answer.line.contains("NOAUTH")
                return Observation(
                    (isMeant || asksFirst) && answer.exitCode == (command.question == "live" ? 0 : 1),
                    else: "\(answer)")
            }
        }
    }

    @Test(
        "a user without DBSIZE is judged by the running server, or told what is missing", arguments: RedisServer.paths)
    func staleReads(path: String) async throws {
        let ports = try Loopback.freePorts(2)
        var node = NodeSpec.redis(
            "server", server: .init(path), at: Endpoint(port: ports[0]),
            lines: [
                "user able on >x ~* +info +dbsize +ping", "user half on >x ~* +info +ping", "user least on >x ~* +info",
            ])
        node.isRedis = path.hasPrefix("/usr")
        let master = NodeSpec.redis("master", server: .init(path), at: Endpoint(port: ports[1]))
        try await withLocalCluster(ClusterSpec([node, master])) { cluster in
            _ = try await cluster.redis("server", "REPLICAOF", "127.0.0.1", "\(ports[1])")
            try await cluster.wait(untilProbe: "ready", of: "server", says: Self.linkUp)
            try await cluster.kill("master")
            // The file says nothing of it: yes is the default.
            _ = try await cluster.redis("server", "CONFIG", "SET", "replica-serve-stale-data", "no")
            let words = "with replica-serve-stale-data no every read is answered MASTERDOWN"
            @Sendable func probe(_ user: String) async throws -> ProbeAnswer {
                try await cluster.probe(
                    "server", ["ready"], environment: ["REDIS_PROBE_USER": user, "REDIS_PROBE_PASSWORD": "x"])
            }
            try await cluster.wait(until: "the link is down", of: "server") {
                let answer = try await probe("able")
                return Observation(answer.exitCode == 1 && answer.line.hasSuffix(words), else: "\(answer)")
            }
            let half = try await probe("half")
            if try RedisServer(path).has(7, 0) {
                #expect(half.exitCode == 1 && half.line.hasSuffix(words), "\(half)")
            } else {
                #expect(half.exitCode == 0 && half.line.hasSuffix("grant it +dbsize (ACL SETUSER)"), "\(half)")
            }
            let least = try await probe("least")
            #expect(least.exitCode == 0 && least.line.hasSuffix("grant it +dbsize (ACL SETUSER)"), "\(least)")
            _ = try await cluster.redis("server", "CONFIG", "SET", "replica-serve-stale-data", "yes")
            for user in ["able", "half"] { #expect(try await probe(user).exitCode == 0) }
        }
    }

    @Test("a server that hangs is not live, and the probe ends at its deadline")
    func hung() async throws {
        let node = try single(["unixsocket redis.sock"])
        try await withLocalCluster(ClusterSpec([node])) { cluster in
            try await cluster.pause("server")
            for (timeout, milliseconds) in [("900ms", 900), ("200ms", 200)] {
                for arguments in [[], ["--port", "\(node.endpoint.port)"]] {
                    let answer = try await cluster.probe("server", ["live", "--timeout", timeout] + arguments)
                    #expect(answer.exitCode == 1)
                    // On a machine that is slow to wake it the alarm comes first.
                    #expect(
                        answer.line.hasSuffix("did not answer PING within \(milliseconds) ms")
                            || answer.line.hasSuffix("no answer before the deadline"))
                    #expect(answer.elapsed >= .milliseconds(milliseconds - 10))
                    // The rest is the spawn, and the other tests' turns on the processors.
                    #expect(answer.elapsed < .milliseconds(milliseconds + 5000), "\(answer.elapsed)")
                }
            }
            try await cluster.resume("server")
            try await cluster.wait(untilProbe: "live", of: "server", says: "live: answers PING")
        }
    }

    @Test("a server that is gone is neither live nor ready")
    func gone() async throws {
        try await withLocalCluster(ClusterSpec([try single([])])) { cluster in
            try await cluster.kill("server")
            for question in ["live", "ready", "role"] {
                let answer = try await cluster.probe("server", [question])
                #expect(answer.exitCode == 1 && answer.line.hasSuffix("Connection refused"), "\(answer)")
            }
        }
    }

    @Test("a password is taken from the configuration or a variable, and life needs none")
    func password() async throws {
        let node = try single([
            "requirepass \"p w\"", "user probe on >x ~* +ping +info", "user mute on >x ~* +ping",
        ])
        var spec = node
        spec.readiness = .running
        try await withLocalCluster(ClusterSpec([spec])) { cluster in
            try await cluster.wait(
                untilProbe: "live", of: "server", says: "live: asks for a password (NOAUTH)")
            #expect(try await cluster.probe("server", ["ready"]).isYes("ready: master"))
            for (user, line) in [
                ("probe", "ready: master"),
                (
                    "mute",
                    "redis-replica-init: not ready: this user may not INFO (NOPERM); grant it +info +dbsize +ping"
                ),
            ] {
                let answer = try await cluster.probe(
                    "server", ["ready"], environment: ["REDIS_PROBE_USER": user, "REDIS_PROBE_PASSWORD": "x"])
                #expect(answer.line == line)
            }
            let wrong = try await cluster.probe("server", ["ready"], environment: ["REDIS_PASSWORD": "hunter2"])
            #expect(wrong.isNo("not ready: the server refuses the password (WRONGPASS); see REDIS_PASSWORD"))
        }
    }

    @Test("a password that the server does not ask for does no harm")
    func needlessPassword() async throws {
        try await withLocalCluster(ClusterSpec([try single([])])) { cluster in
            let answer = try await cluster.probe("server", ["ready"], environment: ["REDIS_PASSWORD": "x"])
            #expect(answer.isYes("ready: master"))
        }
    }

    @Test("a server without a port is asked at its Unix socket")
    func socketOnly() async throws {
        var node = try single(["port 0", "unixsocket redis.sock"])
        node.readiness = .running
        try await withLocalCluster(ClusterSpec([node])) { cluster in
            try await cluster.wait(untilProbe: "ready", of: "server", says: "ready: master")
            #expect(try await cluster.probe("server", ["live"]).isYes("live: answers PING"))
        }
    }

    @Test("the port of REDIS_EXTRA_FLAGS and of the arguments is the one that is asked")
    func arguments() async throws {
        let node = try single([])
        try await withLocalCluster(ClusterSpec([node])) { cluster in
            let other = ["REDIS_PORT_NUMBER": "\(try Loopback.freePorts(1)[0])"]
            #expect(try await cluster.probe("server", ["live"], environment: other).exitCode == 1)
            let flags = ["--port", "\(node.endpoint.port)"]
            #expect(try await cluster.probe("server", ["live", "--"] + flags, environment: other).exitCode == 0)
            let extra = other.merging(["REDIS_EXTRA_FLAGS": flags.joined(separator: " ")]) { $1 }
            #expect(try await cluster.probe("server", ["live"], environment: extra).exitCode == 0)
        }
    }
}
