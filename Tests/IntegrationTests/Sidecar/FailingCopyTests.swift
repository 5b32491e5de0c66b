import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

@Suite("A replica that cannot load what its master sends")
struct FailingCopyTests {
    /// A replica with a key, its sidecar, and a master that is gone.
    private func withoutMaster(
        _ path: String, lines: [String] = [], _ body: (LocalCluster, _ master: Endpoint) async throws -> Void
    ) async throws {
        let ports = try Loopback.freePorts(3)
        let master = Endpoint(port: ports[0])
        func redis(_ name: String, at endpoint: Endpoint, of other: Endpoint?) -> NodeSpec {
            var node = NodeSpec.redis(
                name, server: FilePath(path), at: endpoint, replicaOf: other,
                lines: other == nil ? ["repl-diskless-sync-delay 0"] : lines)
            node.isRedis = path.hasPrefix("/usr")
            return node
        }
        let replica = redis("replica", at: Endpoint(host: "127.0.0.2", port: ports[1]), of: master)
        let sidecar = NodeSpec(
            name: "sidecar", executable: try Programs.built("redis-replica-sidecar"),
            environment: [
                "REDIS_MASTER_HOST": master.host, "REDIS_MASTER_PORT_NUMBER": "\(master.port)",
                "REDIS_MASTER_RECORD_FILE": "{directory}/record", "REDIS_CONFIG_FILE": "{directory}/redis.conf",
                "SIDECAR_REDIS": "\(replica.endpoint)", "SIDECAR_HOST": "127.0.0.2", "SIDECAR_PORT": "\(ports[2])",
            ], configuration: .lines([]), endpoint: Endpoint(host: "127.0.0.2", port: ports[2]), readiness: .running,
            isRedis: false)
        try await withLocalCluster(ClusterSpec([redis("master", at: master, of: nil), replica, sidecar])) { cluster in
            _ = try await cluster.redis("master", "SET", "k", "v")
            try await cluster.wait(until: "replica", holds: "v")
            try await cluster.wait(untilStateIs: "in-step")
            try await cluster.wait(until: "the sidecar has seen the key", of: "sidecar") {
                let keys = try await cluster.status("keys")
                return Observation(keys == "1", else: keys)
            }
            try await cluster.kill("master")
            try await body(cluster, master)
        }
    }

    @Test("is not ready, and its sidecar raises the alarm, on every version")
    func emptied() async throws {
        try await onEveryServer { path in
            try await withoutMaster(path) { cluster, master in
                let unreadable = try UnreadableMaster(at: master)
                defer { unreadable.stop() }
                let start = ContinuousClock.now
                try await cluster.wait(until: "the alarm is raised", of: "sidecar", within: .seconds(30)) {
                    let alarms = try await cluster.http("sidecar", .get("/status"))[0].text
                    return Observation(alarms.contains("full copies from the master fail"), else: alarms)
                }
                #expect(try await cluster.metric("redis_replica_sidecar_alarm") == 1)
                #expect(try await cluster.log(of: "sidecar").contains("full copies from the master fail"))
                print("\(path): alarm after \(ContinuousClock.now - start), \(unreadable.copies) copies")
                // Valkey 9.1 looks at the header first, and keeps its data.
                let size = try await cluster.redis("replica", "DBSIZE")
                guard size == .integer(0) else {
                    #expect(try await cluster.redis("replica", "GET", "k").text == "v")
                    return
                }
                try await cluster.wait(until: "it is not ready", of: "sidecar") {
                    let answer = try await cluster.http("sidecar", .get("/readyz"))[0]
                    let isMeant = answer.text.contains("upgrade replicas before the master")
                    return Observation(answer.status == 503 && isMeant, else: answer.text)
                }
                try await cluster.wait(until: "the probe says so", of: "replica") {
                    let answer = try await cluster.probe("replica", ["ready"])
                    return Observation(
                        answer.exitCode == 1 && answer.line.contains("upgrade replicas before the master"),
                        else: answer.line)
                }
                #expect(try await cluster.probe("replica", ["live"]).exitCode == 0)
            }
        }
    }

    /// A replica that is started under a master that has keys already, and its sidecar; what the environment names is no matter.
    private func withCopy(
        from source: String, to path: String, lines: [String], configured: Bool,
        _ body: (LocalCluster) async throws -> Void
    ) async throws {
        let ports = try Loopback.freePorts(3)
        var master = NodeSpec.redis("master", server: FilePath(source), at: Endpoint(port: ports[0]), lines: lines)
        master.isRedis = source.hasPrefix("/usr")
        var replica = NodeSpec.redis(
            "replica", server: FilePath(path), at: Endpoint(host: "127.0.0.2", port: ports[1]))
        replica.isRedis = path.hasPrefix("/usr")
        var environment = [
            "REDIS_MASTER_RECORD_FILE": "{directory}/record", "REDIS_CONFIG_FILE": "{directory}/redis.conf",
            "SIDECAR_REDIS": "\(replica.endpoint)", "SIDECAR_HOST": "127.0.0.2", "SIDECAR_PORT": "\(ports[2])",
            "LOG_LEVEL": "debug",
        ]
        if configured {
            environment["REDIS_MASTER_HOST"] = master.endpoint.host
            environment["REDIS_MASTER_PORT_NUMBER"] = "\(master.endpoint.port)"
        } else {
            environment["REDIS_REPLICATION_MODE"] = "standalone"
        }
        let sidecar = NodeSpec(
            name: "sidecar", executable: try Programs.built("redis-replica-sidecar"), environment: environment,
            configuration: .lines([]), endpoint: Endpoint(host: "127.0.0.2", port: ports[2]), readiness: .running,
            isRedis: false)
        try await withLocalCluster(ClusterSpec([master, replica, sidecar])) { try await body($0) }
    }

    /// Waits for the alarm, and expects these words in it.
    private func expectAlarm(_ words: [String], _ cluster: LocalCluster, _ title: String) async throws {
        let start = ContinuousClock.now
        try await cluster.wait(until: "the alarm says \(words)", of: "sidecar", within: .seconds(60)) {
            let status = try await cluster.http("sidecar", .get("/status"))[0].text
            let isMeant = (["full copies from the master fail"] + words).allSatisfy { status.contains($0) }
            return Observation(isMeant, else: status)
        }
        print("\(title): alarm after \(ContinuousClock.now - start)")
        let log = try await cluster.log(of: "sidecar")
        #expect(!log.contains("may have to connect"), "\(log)")
        #expect(try await cluster.metric("redis_replica_sidecar_alarm") == 1)
    }

    @Test("is alarmed with the master's reason where the copy fails before its first byte, in every state")
    func expiringFields() async throws {
        let servers = RedisServer.paths.compactMap { try? RedisServer($0) }
        guard let newest = servers.last(where: { $0.isValkey && $0.major >= 9 }) else { return }
        let cases = servers.filter { !($0.isValkey && $0.major >= 9) && $0.has(7, 0) }.flatMap { older in
            [("yes", true), ("no", false)].map { (older: older, diskless: $0, configured: $1) }
        }
        // All at once: each of them waits for the sidecar's patience.
        try await withThrowingTaskGroup { group in
            for (older, diskless, configured) in cases {
                group.addTask {
                    try await self.expiringFields(from: newest, to: older, diskless: diskless, configured: configured)
                }
            }
            try await group.waitForAll()
        }
    }

    private func expiringFields(
        from newest: RedisServer, to older: RedisServer, diskless: String, configured: Bool
    ) async throws {
        let lines = ["repl-diskless-sync \(diskless)"]
        try await withCopy(from: newest.path, to: older.path, lines: lines, configured: configured) { cluster in
            _ = try await cluster.redis("master", "HSET", "h", "f", "v")
            _ = try await cluster.redis("master", "HEXPIRE", "h", "10000", "FIELDS", "1", "f")
            let master = try await cluster.info("master", section: "server")
            try await cluster.redis("replica", "REPLICAOF", "127.0.0.1", master["tcp_port"] ?? "?").expectOK()
            try await expectAlarm(
                ["1 keys with hash fields that expire", "HPERSIST", master["valkey_version"] ?? "?"], cluster,
                "\(older.testDescription), diskless \(diskless)")
        }
    }

    @Test(
        "is alarmed where the master's process that saves is killed, each time", arguments: RedisServer.representatives)
    func killedChild(path: String) async throws {
        async let diskless: Void = killedChild(path: path, diskless: "yes")
        async let fromDisk: Void = killedChild(path: path, diskless: "no")
        _ = try await (diskless, fromDisk)
    }

    private func killedChild(path: String, diskless: String) async throws {
        // The child waits before each key, so that it is there to be killed.
        let lines = ["repl-diskless-sync \(diskless)", "rdb-key-save-delay 1000000"]
        try await withCopy(from: path, to: path, lines: lines, configured: true) { cluster in
            for key in 1...100 { _ = try await cluster.redis("master", "SET", "k\(key)", "v") }
            let process = try await cluster.processIdentifier(of: "master")
            let killer = Task {
                try? await cluster.wait(until: "the copies need not fail any more", within: .seconds(60)) {
                    let list = "/proc/\(process)/task/\(process)/children"
                    let children = String(decoding: (try? Scratch.read(list)) ?? [], as: UTF8.self)
                    for child in children.split(separator: " ").compactMap({ Int32($0) }) { kill(child, SIGKILL) }
                    return Observation(Task.isCancelled, else: "they fail")
                }
            }
            defer { killer.cancel() }
            let master = try await cluster.info("master", section: "server")
            try await cluster.redis("replica", "REPLICAOF", "127.0.0.1", master["tcp_port"] ?? "?").expectOK()
            try await expectAlarm([], cluster, "\(path), diskless \(diskless)")
        }
    }

    @Test("is ready again once its master sends what it can load")
    func healed() async throws {
        try await withoutMaster(try Harness.redisServer.string) { cluster, master in
            let unreadable = try UnreadableMaster(at: master)
            defer { unreadable.stop() }
            try await cluster.wait(until: "the alarm is raised", of: "sidecar", within: .seconds(30)) {
                let alarm = try await cluster.metric("redis_replica_sidecar_alarm")
                let isMeant = try await cluster.log(of: "sidecar").contains("full copies from the master fail")
                return Observation(alarm == 1 && isMeant, else: "\(alarm)")
            }
            unreadable.stop()
            try await cluster.redis("replica", "REPLICAOF", "NO", "ONE").expectOK()
            _ = try await cluster.redis("replica", "SET", "k", "again")
            try await cluster.wait(until: "no alarm is left", of: "sidecar") {
                let alarm = try await cluster.metric("redis_replica_sidecar_alarm")
                return Observation(alarm == 0, else: try await cluster.status("reason"))
            }
            #expect(try await cluster.http("sidecar", .get("/readyz"))[0].status == 200)
        }
    }

    @Test("is not ready either without its link, where it answers no read then")
    func refusesStaleReads() async throws {
        try await onEveryServer { try await self.refusesStaleReads(path: $0) }
    }

    private func refusesStaleReads(path: String) async throws {
        try await withoutMaster(path, lines: ["replica-serve-stale-data no"]) { cluster, _ in
            let words = "with replica-serve-stale-data no every read is answered MASTERDOWN"
            try await cluster.wait(until: "it is not ready", of: "sidecar") {
                let answer = try await cluster.http("sidecar", .get("/readyz"))[0]
                return Observation(answer.status == 503 && answer.text.contains(words), else: answer.text)
            }
            let answer = try await cluster.probe("replica", ["ready"])
            #expect(answer.exitCode == 1 && answer.line.contains(words), "\(answer.line)")
            // What counts is what the server does, not what a file says.
            _ = try await cluster.redis("replica", "CONFIG", "SET", "replica-serve-stale-data", "yes")
            #expect(try await cluster.probe("replica", ["ready"]).exitCode == 0)
            try await cluster.wait(until: "it is ready", of: "sidecar") {
                let answer = try await cluster.http("sidecar", .get("/readyz"))[0]
                return Observation(answer.status == 200, else: answer.text)
            }
        }
    }
}

extension BlockingReply {
    fileprivate func expectOK(sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(text == "OK", "\(self)", sourceLocation: sourceLocation)
    }
}
