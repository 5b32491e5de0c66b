import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

/// A master that loses its data, and two replicas of it that hold it.
///
/// The replicas follow it by a name, as they follow a Service: `127.1`, no address to read, and leads to 127.0.0.1.
/// The master has its own cluster in every life, on one data folder.
final class ReseedScene: Sendable {
    struct Options: Sendable {
        var keys = 1000
        var valueBytes = 8
        /// Further lines of the replicas' configuration.
        var replicaLines: [String] = []
        /// The password of all servers.
        var password: String?
        var replicas = 2
        /// How all servers speak TLS, and only TLS; nil: in the clear.
        var tls: TLS?
        /// The master's redis-server, where it is another one than the replicas'.
        var masterServer: String?
    }

    /// Servers of TLS alone. The tests ask them at Unix sockets.
    struct TLS: Sendable {
        let certificates: Certificates
        /// Whose certificate the replicas show; the master shows `master`.
        var replica = "replica"
        var authority = "ca"
        /// `tls-auth-clients` of the replicas.
        var clients = "yes"

        var lines: [String] {
            [
                "port 0", "tls-cert-file \(certificates.certificate(replica))",
                "tls-key-file \(certificates.key(replica))",
                "tls-ca-cert-file \(certificates.certificate(authority))", "tls-replication yes",
                "tls-auth-clients \(clients)",
            ]
        }

        /// Of the master.
        var environment: [String: String] {
            [
                "REDIS_TLS_ENABLED": "yes", "REDIS_TLS_CERT_FILE": certificates.certificate("master"),
                "REDIS_TLS_KEY_FILE": certificates.key("master"),
                "REDIS_TLS_CA_FILE": certificates.certificate("ca"),
            ]
        }
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

    /// The master's.
    let server: RedisServer
    let options: Options
    let master: Endpoint
    let cluster: LocalCluster
    let replicas: [String]
    let scratch: Scratch
    /// A copy that every user can execute.
    let program: String

    init(_ path: String? = nil, _ options: Options) throws {
        let replicaServer = try RedisServer(try path ?? Harness.redisServer.string)
        server = try options.masterServer.map { try RedisServer($0) } ?? replicaServer
        self.options = options
        scratch = try Scratch()
        for folder in ["data", "sockets"] { scratch.makeFolder(folder, mode: 0o777) }
        try scratch.program("redis-server", server.path)
        program = try scratch.write(
            "redis-replica-init", Scratch.read(try Programs.built("redis-replica-init").string), mode: 0o755)
        let ports = try Loopback.freePorts(options.replicas + 1)
        master = Endpoint(port: ports[0])
        let lines = ["repl-diskless-sync-delay 0", "rdbcompression no"] + options.replicaLines
        let secrets = options.password.map { ["requirepass \($0)", "masterauth \($0)"] } ?? []
        let nodes = ports.dropFirst().enumerated().map { [scratch] index, port in
            let sockets = "unixsocket \(scratch["sockets"])/replica-\(index + 1)"
            let tls = options.tls.map { $0.lines + ["tls-port \(port)", sockets, "unixsocketperm 777"] } ?? []
            var node = NodeSpec.redis(
                "replica-\(index + 1)", server: FilePath(replicaServer.path),
                at: Endpoint(host: "127.0.0.\(index + 2)", port: port),
                replicaOf: Endpoint(host: Self.name, port: ports[0]), lines: lines + secrets + tls)
            node.isRedis = replicaServer.path.hasPrefix("/usr/")
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
            ($0.hasPrefix("redis-replica-init") && !asides.contains($0)) || $0.hasSuffix(".tmp")
        }
    }

    /// The master loses its disk.
    func wipe() { scratch.clear("data") }

    /// What was kept aside, oldest first.
    var asides: [String] { entries.filter { $0.hasPrefix("redis-replica-init.aside.") } }

    private func specification(_ life: Life) -> NodeSpec {
        var node = NodeSpec.redisThroughInit(
            "master", program: FilePath(program), at: master, configuration: .lines(life.lines),
            arguments: life.arguments)
        // A server in a home directory cannot be executed by the user redis.
        let isOurs = !server.path.hasPrefix("/usr/")
        let list = cluster.spec.nodes.map { "\($0.endpoint)" }.joined(separator: ",")
        node.environment.merge([
            "PATH": scratch["bin"], "SKIP_DROP_PRIVS": isOurs ? "1" : "", "REDIS_DATA_DIR": data,
            "REDIS_SLAVE_NODES_HOST": list, "REDIS_ON_EMPTY": "reseed", "REDIS_GUARD_TIMEOUT": "10",
            "REDIS_PASSWORD": options.password ?? "", server.variable.name: server.variable.value,
        ]) { $1 }
        if let tls = options.tls {
            node.environment.merge(tls.environment) { $1 }
            node.environment["REDIS_PORT_NUMBER"] = nil
            node.environment["REDIS_TLS_PORT_NUMBER"] = "\(master.port)"
            node.configuration = .lines(
                life.lines + ["unixsocket \(scratch["sockets"])/master", "unixsocketperm 777"])
        }
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
        // The master asks them before it is up.
        for replica in replicas where await !cluster.isRunning(replica) { try await cluster.launch(replica) }
        try await withMaster(life) { master in
            try await waitUntilUp(master)
            for replica in replicas { try await waitUntilLinked(replica) }
            try await body(master)
            try await master.kill("master")
        }
        try await waitUntilDown()
    }

    /// Its start is blocked: exit code 75, and it leaves nothing behind.
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
