import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

@Suite("The startup guard of a master, on every version")
struct StartupGuardTests {
    @Test("100,000 keys survive a master that would start old or empty, and --on-empty=start shows the loss")
    func holds() async throws {
        try await onEveryServer { try await self.holds(server: $0) }
    }

    private func holds(server: String) async throws {
        let scene = try Scene(server: server)
        try await withLocalCluster(scene.spec, starts: false) { cluster in
            for replica in scene.replicas { try await cluster.launch(replica.name) }
            try await cluster.start("master")
            for replica in scene.replicas { try await cluster.waitUntilUp(replica.name) }
            try await cluster.wait(untilReplicasOf: "master", are: 2)
            try await fill(cluster, from: 1, to: 50_000)
            try await cluster.save("master")
            try await fill(cluster, from: 50_001, to: 100_000)
            try await expectKeys(100_000, cluster, scene)
            try await cluster.kill("master")

            // Half of the keys: the snapshot was taken before the others were written.
            let old = try await held("master", cluster)
            #expect(old.contains("holds 100000 keys at offset") && old.contains("of the same history"), "\(old)")

            // With appendonly yes the snapshot is not looked at.
            let fresh = try await held("append-only", cluster)
            #expect(fresh.contains("there is no append-only file"), "\(fresh)")
            #expect(fresh.contains("dump.rdb is not loaded with appendonly yes"), "\(fresh)")

            // Nothing there.
            scene.empty()
            let nothing = try await held("master", cluster)
            #expect(nothing.contains("dump.rdb does not exist"), "\(nothing)")
            #expect(
                nothing.contains("127.0.0.2:") && nothing.contains("127.0.0.3:"), "each replica is named: \(nothing)")
            #expect(nothing.contains("REDIS_ON_EMPTY=start"), "the cure: \(nothing)")
            #expect(try scene.entries().isEmpty, "a held start writes nothing")

            // Files that an empty server wrote.
            try await cluster.start("donor")
            try await cluster.save("donor")
            try await cluster.terminate("donor")
            #expect(!(try scene.entries().isEmpty))
            #expect(try await held("master", cluster).contains("dump.rdb holds no keys"))
            let append = try await held("append-only", cluster)
            #expect(append.contains("hold no keys") || append.contains("holds no keys"), "\(append)")

            try await expectKeys(100_000, cluster, scene)

            // The counter-proof.
            try await cluster.start("careless")
            try await expectKeys(0, cluster, scene)
        }
    }

    @Test("a first installation starts, whether the replicas are there, empty, or have no name yet")
    func firstInstallation() async throws {
        try await onEveryServer { try await self.firstInstallation(server: $0) }
    }

    private func firstInstallation(server: String) async throws {
        let scene = try Scene(server: server)
        try await withLocalCluster(scene.spec, starts: false) { cluster in
            for replica in scene.replicas { try await cluster.launch(replica.name) }
            for replica in scene.replicas {
                try await cluster.wait(until: "\(replica.name) answers", of: replica.name) {
                    let reply = try await cluster.redis(replica.name, "PING")
                    return Observation(reply.text == "PONG", else: "\(reply)")
                }
            }
            try await cluster.start("master")
            try await cluster.wait(untilReplicasOf: "master", are: 2)
            try await cluster.terminate("master")
            let asked = try await cluster.log(of: "master")
            #expect(asked.contains("holds a key: this master starts empty"), "\(asked)")
            scene.empty()
            try await cluster.start("nameless")
            let nameless = try await cluster.log(of: "nameless")
            #expect(
                nameless.contains("no-such-name.invalid has no address, so this is a first installation"), "\(nameless)"
            )
        }
    }

    @Test("policy wait starts by itself once the replicas have nothing to lose")
    func waits() async throws {
        let scene = try Scene(server: try Harness.redisServer.string)
        try await withLocalCluster(scene.spec, starts: false) { cluster in
            for replica in scene.replicas { try await cluster.launch(replica.name) }
            try await cluster.start("master")
            for replica in scene.replicas { try await cluster.waitUntilUp(replica.name) }
            try await fill(cluster, from: 1, to: 100)
            try await expectKeys(100, cluster, scene)
            try await cluster.kill("master")
            scene.empty()
            try await cluster.launch("patient")
            try await cluster.wait(until: "it waits and says why", of: "patient") {
                let log = try await cluster.log(of: "patient")
                return Observation(log.contains("waiting (") && log.contains("holds 100 keys"), else: log)
            }
            for replica in scene.replicas { try await cluster.kill(replica.name) }
            try await cluster.waitUntilUp("patient")
        }
    }

    @Test(
        "a replica that does not answer, or asks for a password, is asked until the guard's time is over; then it holds"
    )
    func unknown() async throws {
        let scene = try Scene(server: try Harness.redisServer.string)
        try await withLocalCluster(scene.spec, starts: false) { cluster in
            try await cluster.start("locked")
            let locked = try await held("master-of-locked", cluster)
            #expect(locked.contains("it asks for a password; set REDIS_MASTER_PASSWORD"), "\(locked)")
            try await cluster.pause("locked")
            let silent = try await held("master-of-locked", cluster)
            #expect(silent.contains("no answer within 2 s"), "\(silent)")
            try await cluster.resume("locked")
            try await cluster.start("master-with-password")
        }
    }

    @Test("it knows its own address in every spelling: it does not wait for itself")
    func itself() async throws {
        let scene = try Scene(server: try Harness.redisServer.string)
        try await withLocalCluster(scene.spec, starts: false) { cluster in
            // Within the time that a start may take, and the guard would wait for a minute.
            try await cluster.start("alone")
            let log = try await cluster.log(of: "alone")
            #expect(log.contains("leads to no address but its own"), "\(log)")
        }
    }

    private func held(_ name: String, _ cluster: LocalCluster) async throws -> String {
        try await cluster.launch(name)
        let ending = try await cluster.waitUntilEnded(name, within: .seconds(20))
        let log = try await cluster.log(of: name)
        #expect(ending == .exited(code: 75), "\(log)")
        return log
    }

    private func fill(_ cluster: LocalCluster, from first: Int, to last: Int) async throws {
        let script = "for i = \(first), \(last) do redis.call('SET', 'key:' .. i, i) end return 'OK'"
        let reply = try await cluster.redis("master", "EVAL", script, "0", timeout: .seconds(30))
        #expect(reply.text == "OK", "\(reply)")
    }

    private func expectKeys(_ count: Int, _ cluster: LocalCluster, _ scene: Scene) async throws {
        for replica in scene.replicas {
            try await cluster.wait(until: "\(replica.name) holds \(count) keys", of: replica.name, within: .seconds(30))
            {
                let reply = try await cluster.redis(replica.name, "DBSIZE")
                return Observation(reply == .integer(Int64(count)), else: "\(reply)")
            }
        }
    }
}

/// A master in several moods on one data folder, and two replicas of it.
private final class Scene {
    let replicas: [NodeSpec]
    let spec: ClusterSpec
    private let data: Harness.TemporaryFolder
    private let programs: Harness.TemporaryFolder

    init(server: String) throws {
        data = try Harness.TemporaryFolder()
        programs = try Harness.TemporaryFolder()
        // The servers run as a user of their own.
        try #require(chmod(data.path, 0o777) == 0)
        try #require(symlink(server, programs.path + "/redis-server") == 0)
        let ports = try Loopback.freePorts(4)
        let endpoint = Endpoint(port: ports[0])
        let replicas = (0..<2).map { index in
            var node = NodeSpec.redis(
                "replica-\(index + 1)", server: FilePath(server),
                at: Endpoint(host: "127.0.0.\(index + 2)", port: ports[index + 1]), replicaOf: endpoint)
            node.isRedis = server.hasPrefix("/usr/")
            return node
        }
        let program = try Programs.built("redis-replica-init")
        // A server in a home directory cannot be executed by the user redis.
        let isOurs = !server.hasPrefix("/usr/")
        let environment = [
            "PATH": programs.path, "SKIP_DROP_PRIVS": isOurs ? "1" : "", "REDIS_DATA_DIR": data.path,
            "REDIS_SLAVE_NODES_HOST": replicas.map { "\($0.endpoint)" }.joined(separator: ","),
        ]
        func master(
            _ name: String, _ more: [String: String] = [:], at endpoint: Endpoint = endpoint, options: [String] = [],
            arguments: [String] = []
        ) -> NodeSpec {
            var node = NodeSpec.redisThroughInit(
                name, program: program, at: endpoint,
                configuration: .lines(["save \"\"", "repl-diskless-sync-delay 0"]),
                arguments: arguments)
            node.arguments = options + node.arguments
            node.isRedis = !isOurs
            node.environment.merge(environment.merging(more) { $1 }) { $1 }
            return node
        }
        let locked = Endpoint(host: "127.0.0.4", port: ports[3])
        let peer = [
            "REDIS_SLAVE_NODES_HOST": locked.host, "REDIS_SLAVE_SERVICE_PORT": "\(locked.port)",
            "REDIS_GUARD_TIMEOUT": "1",
        ]
        var lockedNode = NodeSpec.redis("locked", server: FilePath(server), at: locked, lines: ["requirepass s3cret"])
        lockedNode.readiness = .running
        self.replicas = replicas
        spec = ClusterSpec(
            replicas + [
                master("master"), master("append-only", arguments: ["--appendonly", "yes"]),
                master("careless", options: ["--on-empty=start"]),
                master("patient", options: ["--on-empty", "wait", "--guard-timeout=2"]),
                // Where no replica looks for its master.
                master(
                    "donor", ["REDIS_SLAVE_NODES_HOST": "127.0.0.9", "REDIS_GUARD_TIMEOUT": "0"],
                    at: Endpoint(host: "127.0.0.5", port: ports[3]),
                    arguments: ["--appendonly", "yes"]),
                master("nameless", ["REDIS_SLAVE_NODES_HOST": "no-such-name.invalid"], options: ["--guard-timeout=0"]),
                master(
                    "alone",
                    [
                        "REDIS_SLAVE_NODES_HOST": "localhost,127.0.0.1,127.1,[::ffff:127.0.0.1]:\(endpoint.port)",
                        "REDIS_SLAVE_SERVICE_PORT": "\(endpoint.port)", "REDIS_BIND": "", "POD_IP": "",
                    ], options: ["--on-empty=reseed"]),
                lockedNode, master("master-of-locked", peer),
                master("master-with-password", peer.merging(["REDIS_MASTER_PASSWORD": "s3cret"]) { $1 }),
            ])
    }

    deinit {
        Self.empty(data.path)
        Self.empty(programs.path)
    }

    /// Empties the data folder.
    func empty() { Self.empty(data.path) }

    func entries() throws -> [String] { try data.entries() }

    private static func empty(_ path: String) {
        guard let stream = opendir(path) else { return }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name != ".", name != ".." else { continue }
            let inner = path + "/" + name
            if unlink(inner) != 0 {
                empty(inner)
                rmdir(inner)
            }
        }
    }
}

extension LocalCluster {
    /// Writes the server's data set to disk; a child that still sends it to a replica has SAVE refused for a moment.
    fileprivate nonisolated func save(_ name: String) async throws {
        try await wait(until: "it is saved", of: name, within: .seconds(30)) {
            let reply = try await self.redis(name, "SAVE", timeout: .seconds(30))
            return Observation(reply.text == "OK", else: "\(reply)")
        }
    }
}
