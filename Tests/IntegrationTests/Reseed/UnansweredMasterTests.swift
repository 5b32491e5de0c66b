import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

@Suite("A master with data of its own, beside one that was promoted and does not answer yet,")
struct UnansweredMasterTests {
    @Test("waits for it, whether it is late, silent, or behind another password, and stands beside it at no time")
    func waits() async throws {
        try await onEveryServer { try await self.waits(server: $0) }
    }

    private func waits(server: String) async throws {
        try await withUnansweredScene(server) { scene, cluster in
            try await scene.giveData(cluster)
            for (number, state) in ["late", "silent", "locked"].enumerated() {
                try await cluster.start("other")
                try await scene.set(cluster, "other", "newer", "\(number)")
                switch state {
                case "late": try await cluster.kill("other")
                case "silent": try await cluster.pause("other")
                default: _ = try await cluster.redis("other", "CONFIG", "SET", "requirepass", "another")
                }
                let life = "hold-\(number)"
                try await cluster.launch(life)
                try await scene.wait(cluster, life, until: "it may be a master by now")
                switch state {
                case "late": try await cluster.launch("other")
                case "silent": try await cluster.resume("other")
                default:
                    _ = try await cluster.redis("other", [["AUTH", "another"], ["CONFIG", "SET", "requirepass", ""]])
                }
                let ending = try await cluster.waitUntilEnded(life, within: .seconds(30))
                let log = try await cluster.log(of: life)
                #expect(ending == .exited(code: 75) && log.contains("is a master with"), "\(state): \(log)")
                #expect(!log.contains("Ready to accept"), "\(state): \(log)")
                try await cluster.kill("other")
            }
        }
    }

    @Test("is blocked once its time is over, where that one runs, and starts where nothing listens, and says so")
    func timeIsOver() async throws {
        try await withUnansweredScene(nil) { scene, cluster in
            try await scene.giveData(cluster)
            try await cluster.start("other")
            for (state, words) in [("silent", "no answer within 2 s"), ("locked", "it asks for a password")] {
                if state == "silent" {
                    try await cluster.pause("other")
                } else {
                    try await cluster.resume("other")
                    _ = try await cluster.redis("other", "CONFIG", "SET", "requirepass", "another")
                }
                try await cluster.launch("short-\(state)")
                let ending = try await cluster.waitUntilEnded("short-\(state)", within: .seconds(30))
                let log = try await cluster.log(of: "short-\(state)")
                #expect(ending == .exited(code: 75), "\(log)")
                #expect(log.contains("\(scene.other) did not answer within 3 s (\(words)"), "\(state): \(log)")
            }
            try await cluster.kill("other")
            try await cluster.start("short-gone")
            let log = try await cluster.log(of: "short-gone")
            #expect(log.contains("warning: no answer within 3 s from \(scene.other) (nothing listens there)"), "\(log)")
            #expect(try await cluster.redis("short-gone", "GET", "own").text == "1")
        }
    }

    @Test("starts at once beside a replica that answers")
    func plainRestart() async throws {
        try await withUnansweredScene(nil) { scene, cluster in
            try await scene.giveData(cluster)
            try await cluster.launch("replica")
            try await cluster.wait(until: "it answers", of: "replica") {
                let reply = try await cluster.redis("replica", "PING")
                return Observation(reply.text == "PONG", else: "\(reply)")
            }
            try await cluster.start("beside-replica")
            let log = try await cluster.log(of: "beside-replica")
            #expect(!log.contains("waiting ("), "\(log)")
        }
    }

    @Test("that was its replica never starts as a master before it, and comes back to it")
    func formerReplica() async throws {
        try await onEveryServer { try await self.formerReplica(server: $0) }
    }

    private func formerReplica(server: String) async throws {
        try await withUnansweredScene(server) { scene, cluster in
            try await scene.giveData(cluster)
            try await cluster.start("other")
            try await scene.set(cluster, "other", "newer", "1")
            try await scene.follow(cluster, "reseed-0", "1")
            // Both end, and the old one is first.
            try await cluster.kill("reseed-0")
            try await scene.set(cluster, "other", "newer", "2")
            try await cluster.kill("other")

            try await cluster.launch("hold-0")
            try await scene.wait(cluster, "hold-0", until: "says that this server was a replica of \(scene.other)")
            let ending = try await cluster.waitUntilEnded("hold-0", within: .seconds(30))
            let held = try await cluster.log(of: "hold-0")
            #expect(ending == .exited(code: 75) && !held.contains("Ready to accept"), "\(held)")
            #expect(held.contains("It has to answer first"), "\(held)")
            #expect(held.contains("redis-replica-init.followed, or set"), "\(held)")

            try await cluster.launch("reseed-1")
            try await scene.wait(cluster, "reseed-1", until: "says that this server was a replica of \(scene.other)")
            try await cluster.launch("other")
            try await scene.waitUntilCopied(cluster, "reseed-1", "2")
            try await cluster.kill("reseed-1")
            try await cluster.kill("other")

            // It is gone for good: the way out that the line names, while the program waits.
            try await cluster.launch("reseed-2")
            try await scene.wait(cluster, "reseed-2", until: "says that this server was a replica of")
            try #require(remove("\(scene.data)/redis-replica-init.followed") == 0)
            try await scene.wait(cluster, "reseed-2", until: "it may be a master by now")
            try await cluster.kill("reseed-2")
            try await cluster.start("consent")
            #expect(try await cluster.redis("consent", "GET", "newer").text == "2")
        }
    }

    @Test(
        "starts on no file that names no master: none blocks the program, and no bytes are taken for a name")
    func strangeFiles() async throws {
        try await withUnansweredScene(nil) { scene, cluster in
            try await scene.giveData(cluster)
            let file = "\(scene.data)/redis-replica-init.followed"
            for (number, kind) in ["empty", "folder", "pipe"].enumerated() {
                switch kind {
                case "empty": close(open(file, O_CREAT | O_WRONLY, 0o644))
                case "folder": try #require(mkdir(file, 0o755) == 0)
                default: try #require(mkfifo(file, 0o644) == 0)
                }
                try await cluster.launch("hold-\(number)")
                let ending = try await cluster.waitUntilEnded("hold-\(number)", within: .seconds(20))
                let log = try await cluster.log(of: "hold-\(number)")
                #expect(
                    ending == .exited(code: 75) && log.contains("was a replica, and not of whom"), "\(kind): \(log)")
                try #require(remove(file) == 0)
            }
        }
    }

    @Test("knows from its file whom it followed, even if no name is set any more")
    func nameless() async throws {
        try await withUnansweredScene(nil) { scene, cluster in
            try await scene.giveData(cluster)
            try await cluster.start("other")
            try await scene.set(cluster, "other", "newer", "1")
            try await scene.follow(cluster, "reseed-0", "1")
            try await cluster.kill("reseed-0")
            try await cluster.launch("nameless")
            let ending = try await cluster.waitUntilEnded("nameless", within: .seconds(30))
            let log = try await cluster.log(of: "nameless")
            #expect(ending == .exited(code: 75) && log.contains("\(scene.other) is a master with 1 key"), "\(log)")
            // Made a replica again, it lets this one start.
            _ = try await cluster.redis("other", "REPLICAOF", "127.0.0.1", "\(scene.master.port)")
            try await cluster.start("nameless-2")
            #expect(access("\(scene.data)/redis-replica-init.followed", F_OK) != 0)
        }
    }
}

/// A master in several lives on one data folder, and another server that was promoted.
private final class UnansweredScene: Sendable {
    let master: Endpoint
    let other: Endpoint
    let spec: ClusterSpec
    let data: String
    private let scratch: Scratch

    init(_ path: String?) throws {
        let server = try RedisServer(try path ?? Harness.redisServer.string)
        let scratch = try Scratch()
        self.scratch = scratch
        scratch.makeFolder("data", mode: 0o777)
        try scratch.program("redis-server", server.path)
        data = scratch["data"]
        let program = try scratch.write(
            "redis-replica-init", Scratch.read(try Programs.built("redis-replica-init").string), mode: 0o755)
        let ports = try Loopback.freePorts(2)
        let (master, other) = (Endpoint(port: ports[0]), Endpoint(host: "127.0.0.2", port: ports[1]))
        (self.master, self.other) = (master, other)
        let isOurs = !server.path.hasPrefix("/usr/")
        func life(_ name: String, _ environment: [String: String]) -> NodeSpec {
            var node = NodeSpec.redisThroughInit(
                name, program: FilePath(program), at: master,
                configuration: .lines(["save \"\"", "repl-diskless-sync-delay 0"]),
                arguments: ["--appendonly", "yes", "--appendfsync", "always"])
            node.environment.merge([
                "PATH": scratch["bin"], "SKIP_DROP_PRIVS": isOurs ? "1" : "", "REDIS_DATA_DIR": scratch["data"],
                "REDIS_SLAVE_NODES_HOST": "\(other)", server.variable.name: server.variable.value,
            ]) { $1 }
            node.environment.merge(environment) { $1 }
            node.isRedis = !isOurs
            return node
        }
        var late = NodeSpec.redis(
            "other", server: FilePath(server.path), at: other, lines: ["appendonly yes", "appendfsync always"])
        var replica = NodeSpec.redis("replica", server: FilePath(server.path), at: other, replicaOf: master)
        late.isRedis = !isOurs
        replica.isRedis = !isOurs
        let holds = (0..<3).map { life("hold-\($0)", [:]) }
        let reseeds = (0..<3).map { life("reseed-\($0)", ["REDIS_ON_EMPTY": "reseed"]) }
        let shorts = ["silent", "locked", "gone"].map { life("short-\($0)", ["REDIS_GUARD_TIMEOUT": "3"]) }
        spec = ClusterSpec(
            holds + reseeds + shorts + [
                late, replica, life("consent", ["REDIS_ON_EMPTY": "start"]), life("beside-replica", [:]),
                life("nameless", ["REDIS_SLAVE_NODES_HOST": ""]), life("nameless-2", ["REDIS_SLAVE_NODES_HOST": ""]),
            ])
    }

    /// The master's own key, in its append-only file.
    func giveData(_ cluster: LocalCluster) async throws {
        try await cluster.start("consent")
        try await set(cluster, "consent", "own", "1")
        try await cluster.kill("consent")
    }

    func set(_ cluster: LocalCluster, _ name: String, _ key: String, _ value: String) async throws {
        let reply = try await cluster.redis(name, "SET", key, value)
        try #require(reply.text == "OK", "\(reply)")
    }

    /// One life as the replica of the other one, until it has its data and its append-only file is whole.
    func follow(_ cluster: LocalCluster, _ name: String, _ value: String) async throws {
        try await cluster.launch(name)
        try await waitUntilCopied(cluster, name, value)
    }

    func waitUntilCopied(_ cluster: LocalCluster, _ name: String, _ value: String) async throws {
        try await wait(cluster, name, key: "newer", is: value)
        try #require(access("\(data)/redis-replica-init.followed", F_OK) == 0)
        try await cluster.wait(until: "its append-only file is whole", of: name, within: .seconds(30)) {
            let info = try await cluster.redis(name, "INFO", "persistence").text ?? ""
            let isWhole = ["aof_rewrite_in_progress:0", "aof_rewrite_scheduled:0"].allSatisfy { info.contains($0) }
            return Observation(isWhole, else: info)
        }
    }

    func wait(_ cluster: LocalCluster, _ name: String, key: String, is value: String) async throws {
        try await cluster.wait(until: "\(key) is \(value)", of: name, within: .seconds(30)) {
            let reply = try await cluster.redis(name, "GET", key)
            return Observation(reply.text == value, else: "\(reply)")
        }
    }

    func wait(_ cluster: LocalCluster, _ name: String, until words: String) async throws {
        try await cluster.wait(until: "it says: \(words)", of: name, within: .seconds(30)) {
            let log = try await cluster.log(of: name)
            return Observation(log.contains(words), else: log)
        }
    }
}

private func withUnansweredScene(
    _ path: String?, _ body: @Sendable (UnansweredScene, LocalCluster) async throws -> Void
) async throws {
    let scene = try UnansweredScene(path)
    try await withLocalCluster(scene.spec, starts: false) { try await body(scene, $0) }
}
