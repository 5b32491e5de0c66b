internal import ArgumentParser
internal import LocalTopology
internal import SystemPackage

/// Who listens where; `docs/architecture.md` has the table.
struct Layout: ParsableArguments {
    static let masterName = "redis-master"

    static func replicaName(_ number: Int) -> String { "redis-slave-\(number)" }
    static func appName(_ number: Int) -> String { "key-value-app-\(number)" }

    @Option(help: "The port that the apps share on 127.0.0.1.")
    var port = 30003

    @Option(help: "The master's port on 127.0.0.1; replica N is on the Nth port after it, on 127.0.0.(N+1).")
    var redisPort = 16379

    @Option(help: "The port of the sidecars, each at its replica's address.")
    var sidecarPort = 19121

    @Option(help: "How many apps.")
    var apps = 3

    @Option(help: "How many replicas.")
    var replicas = 2

    @Option(help: .init("Seconds the master waits for more replicas before a full sync.", visibility: .hidden))
    var syncDelay = 0

    func validate() throws {
        guard (1...9).contains(apps), (1...9).contains(replicas) else {
            throw ValidationError("--apps and --replicas take 1 to 9")
        }
        guard (1...65_535).contains(port), redisPort > 0, redisPort + replicas <= 65_535,
            (1...65_535).contains(sidecarPort)
        else {
            throw ValidationError("a port is 1 to 65535")
        }
        guard !(redisPort...redisPort + replicas).contains(sidecarPort) else {
            throw ValidationError("--sidecar-port \(sidecarPort) is a port of a redis-server; choose another one")
        }
    }

    private var shared: Endpoint { Endpoint(port: port) }
    private var master: Endpoint { Endpoint(port: redisPort) }
    private var slaves: [Endpoint] {
        (1...replicas).map { Endpoint(host: "127.0.0.\($0 + 1)", port: redisPort + $0) }
    }
    private var sidecars: [Endpoint] { slaves.map { Endpoint(host: $0.host, port: sidecarPort) } }

    /// Tries an exclusive bind on each port: sharing the apps' port would hide that somebody else answers on it.
    func checkPorts() throws(LocalTopologyError) {
        for endpoint in [shared, master] + slaves + sidecars { try Loopback.checkFree(endpoint) }
    }

    func clusterSpec(onEmpty: OnEmpty) throws(LocalTopologyError) -> ClusterSpec {
        _ = try Programs.installed("redis-server", package: "redis-server")
        let initProgram = try Programs.built("redis-replica-init")
        let sidecarProgram = try Programs.built("redis-replica-sidecar")
        let app = try Programs.built("KVApp")
        let stock = StockConfiguration.find()
        var nodes: [NodeSpec] = [
            .redisThroughInit(
                Self.masterName, program: initProgram, at: master, asking: slaves, onEmpty: onEmpty.rawValue,
                configuration: stock,
                arguments: ["--appendonly", "yes", "--repl-diskless-sync-delay", "\(syncDelay)"])
        ]
        for (index, slave) in slaves.enumerated() {
            let replica = NodeSpec.redisThroughInit(
                Self.replicaName(index + 1), program: initProgram, at: slave, replicaOf: master, configuration: stock)
            let sidecar = NodeSpec.sidecar(
                "redis-replica-sidecar-\(index + 1)", program: sidecarProgram, at: sidecars[index], beside: replica)
            nodes += [replica, sidecar]
        }
        for number in 1...apps {
            nodes.append(
                .app(
                    Self.appName(number), program: app, at: shared, podIP: "127.0.0.\(10 + number)",
                    master: master, replicas: slaves))
        }
        return ClusterSpec(nodes)
    }
}
