import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

/// A master that loses its data, and two replicas of it that hold it.
///
/// The replicas follow it by a name, as they follow a Service: `127.1`, no address to read, and leads to 127.0.0.1.
/// The master has a cluster of its own in every life, on one data folder.
final class ReseedScene: Sendable {
    struct Options: Sendable {
        var keys = 1000
        var valueBytes = 8
        /// Further lines of the replicas' configuration.
        var replicaLines: [String] = []
        /// What everybody asks for.
        var password: String?
        var replicas = 2
    }

    /// One life of the master.
    struct Life: Sendable {
        var environment: [String: String] = [:]
        /// redis-server's.
        var arguments: [String] = []
        var lines = ["save \"\"", "repl-diskless-sync-delay 0"]
        /// What the init is started by.
        var prefix: [String] = []
    }

    static let name = "127.1"

    let server: RedisServer
    let options: Options
    let master: Endpoint
    let cluster: LocalCluster
    let replicas: [String]
    let scratch: Scratch
    /// A copy that every user can execute.
    let program: String

    init(_ path: String? = nil, _ options: Options) throws {
        server = try RedisServer(try path ?? Harness.redisServer.string)
        self.options = options
        scratch = try Scratch()
        scratch.makeFolder("data", mode: 0o777)
        try scratch.program("redis-server", server.path)
        program = try scratch.write(
            "redis-replica-init", Scratch.read(try Programs.built("redis-replica-init").string), mode: 0o755)
        let ports = try Loopback.freePorts(options.replicas + 1)
        master = Endpoint(port: ports[0])
        let lines = ["repl-diskless-sync-delay 0", "rdbcompression no"] + options.replicaLines
        let secrets = options.password.map { ["requirepass \($0)", "masterauth \($0)"] } ?? []
        let nodes = ports.dropFirst().enumerated().map { [server] index, port in
            var node = NodeSpec.redis(
                "replica-\(index + 1)", server: FilePath(server.path),
                at: Endpoint(host: "127.0.0.\(index + 2)", port: port),
                replicaOf: Endpoint(host: Self.name, port: ports[0]), lines: lines + secrets)
            node.isRedis = server.path.hasPrefix("/usr/")
            node.readiness = .running
            return node
        }
        replicas = nodes.map(\.name)
        cluster = try LocalCluster(ClusterSpec(nodes))
    }

    var data: String { scratch["data"] }

    func node(_ name: String) -> NodeSpec { cluster.spec.nodes.first { $0.name == name }! }

    /// What is in the master's data folder.
    var entries: [String] { scratch.names(in: "data") }

    /// What only a reseeding puts there, wherever it is.
    var leftovers: [String] {
        (entries + scratch.names(in: "data/appendonlydir")).filter {
            $0.hasPrefix("redis-replica-init") || $0.hasSuffix(".tmp")
        }
    }

    /// The master loses its disk.
    func wipe() {
        for folder in ["data/appendonlydir", "data"] {
            for name in scratch.names(in: folder) where remove("\(scratch[folder])/\(name)") != 0 {
                Issue.record("\(folder)/\(name) cannot be removed")
            }
        }
    }

    private func specification(_ life: Life) -> NodeSpec {
        var node = NodeSpec.redisThroughInit(
            "master", program: FilePath(program), at: master, configuration: .lines(life.lines),
            arguments: life.arguments)
        // A server in somebody's home cannot be reached by the user redis.
        let isOurs = !server.path.hasPrefix("/usr/")
        let list = cluster.spec.nodes.map { "\($0.endpoint)" }.joined(separator: ",")
        node.environment.merge([
            "PATH": scratch["bin"], "SKIP_DROP_PRIVS": isOurs ? "1" : "", "REDIS_DATA_DIR": data,
            "REDIS_SLAVE_NODES_HOST": list, "REDIS_ON_EMPTY": "reseed", "REDIS_GUARD_TIMEOUT": "10",
            "REDIS_PASSWORD": options.password ?? "", server.variable.name: server.variable.value,
        ]) { $1 }
        node.environment.merge(life.environment) { $1 }
        node.isRedis = !isOurs
        node.readiness = .running
        if let first = life.prefix.first {
            node.executable = FilePath(first)
            node.arguments = life.prefix.dropFirst() + [program] + node.arguments
        }
        return node
    }

    /// Launches the master and hands its cluster to the body.
    func withMaster<Value: Sendable>(
        _ life: Life = Life(), _ body: (LocalCluster) async throws -> Value
    ) async throws -> Value {
        try await withLocalCluster(ClusterSpec([specification(life)]), body)
    }

    /// The master lives with its replicas, and is killed in the end.
    func live(_ life: Life = Life(), _ body: (LocalCluster) async throws -> Void) async throws {
        try await withMaster(life) { master in
            try await waitUntilUp(master)
            for replica in replicas where await !cluster.isRunning(replica) { try await cluster.launch(replica) }
            for replica in replicas { try await waitUntilLinked(replica) }
            try await body(master)
            try await master.kill("master")
        }
        try await waitUntilDown()
    }

    /// Its start is held: exit code 75, and nothing of it is left.
    /// - Returns: what it said.
    func held(_ life: Life = Life(), _ body: (LocalCluster) async throws -> Void = { _ in }) async throws -> String {
        try await withMaster(life) { master in
            try await body(master)
            return try await ending(master)
        }
    }

    private func ending(_ master: LocalCluster) async throws -> String {
        let ending = try await master.waitUntilEnded("master", within: .seconds(30))
        let log = try await master.log(of: "master")
        #expect(ending == .exited(code: 75), "\(log)")
        return log
    }
}

/// Two replicas whose master had `options.keys` keys and is gone with its data.
func withReseedScene(
    _ path: String? = nil, _ options: ReseedScene.Options = .init(), _ life: ReseedScene.Life = .init(),
    _ body: (ReseedScene) async throws -> Void
) async throws {
    let scene = try ReseedScene(path, options)
    do {
        try await scene.live(life) { try await scene.fill($0, from: 1, to: options.keys) }
        scene.wipe()
        try await body(scene)
        await scene.cluster.stop()
    } catch {
        await scene.cluster.stop()
        throw error
    }
}
