internal import ArgumentParser
internal import LocalTopology
internal import SystemPackage

/// Who listens where; `docs/architecture.md` has the table.
struct Layout: ParsableArguments {
    static let masterName = "redis-master"

    static func replicaName(_ number: Int) -> String { "redis-slave-\(number)" }
    static func appName(_ number: Int) -> String { "key-value-app-\(number)" }

    static let defaultPort = 30003
    static let defaultRedisPort = 16379
    static let defaultSidecarPort = 19121
    static let defaultApps = 3
    static let defaultReplicas = 2

    @Option(help: "The port that the apps share on 127.0.0.1.")
    var port = Layout.defaultPort

    @Option(help: "The master's port on 127.0.0.1; replica N is on the Nth port after it, on 127.0.0.(N+1).")
    var redisPort = Layout.defaultRedisPort

    @Option(help: "The port of the sidecars, each at its replica's address.")
    var sidecarPort = Layout.defaultSidecarPort

    @Option(help: "How many apps.")
    var apps = Layout.defaultApps

    @Option(help: "How many replicas.")
    var replicas = Layout.defaultReplicas

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

    /// All that has to be free, in the order in which it is started.
    var endpoints: [Endpoint] { [master] + slaves + sidecars + [shared] }

    /// Whose ports they are.
    enum PortGroup: CaseIterable {
        case apps, servers, sidecars
    }

    func endpoints(of group: PortGroup) -> [Endpoint] {
        switch group {
        case .apps: [shared]
        case .servers: [master] + slaves
        case .sidecars: sidecars
        }
    }

    /// Tries an exclusive bind on each port: sharing the apps' port would hide that another program answers on it.
    ///
    /// - Throws: ``TakenPorts`` with all that are taken, ``LocalTopologyError`` for what is no matter of ports.
    func checkPorts() throws {
        let taken = try endpoints.filter { try !$0.isFree }
        if !taken.isEmpty { throw TakenPorts(endpoints: taken, layout: self) }
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
