internal import ArgumentParser
internal import LocalTopology
internal import SystemPackage

/// Who listens where with automatic fail-over: equal nodes, each with an agent, an etcd, and the apps.
struct FailoverLayout: ParsableArguments {
    static func nodeName(_ number: Int) -> String { "redis-\(number)" }
    static let storeName = "etcd"
    static let defaultEtcdPort = 12379
    static let defaultLeaseSeconds = 3

    @Option(help: "The port that the apps share on 127.0.0.1.")
    var port = Layout.defaultPort

    @Option(help: "The servers' port; node N is on 127.0.0.(N+1).")
    var redisPort = Layout.defaultRedisPort

    @Option(help: "The port of the agents, each at its server's address.")
    var sidecarPort = Layout.defaultSidecarPort

    @Option(help: "etcd's port on 127.0.0.1; its members' port is the next one.")
    var etcdPort = FailoverLayout.defaultEtcdPort

    @Option(help: "How many apps.")
    var apps = Layout.defaultApps

    @Option(help: "How many nodes.")
    var nodes = 3

    @Option(help: "How long a leader may take writes after its last renewal.")
    var leaseSeconds = FailoverLayout.defaultLeaseSeconds

    func validate() throws {
        guard (1...9).contains(apps), (2...9).contains(nodes) else {
            throw ValidationError("--apps takes 1 to 9, --nodes 2 to 9")
        }
        guard (2...60).contains(leaseSeconds) else { throw ValidationError("--lease-seconds takes 2 to 60") }
        let ports = [port, redisPort, sidecarPort, etcdPort, etcdPort + 1]
        guard ports.allSatisfy((1...65_535).contains) else { throw ValidationError("a port is 1 to 65535") }
        guard Set(ports).count == ports.count else { throw ValidationError("two of the ports are the same") }
    }

    var names: [String] { (0..<nodes).map(Self.nodeName) }
    private var servers: [Endpoint] { (0..<nodes).map { Endpoint(host: "127.0.0.\($0 + 1)", port: redisPort) } }
    var agents: [Endpoint] { servers.map { Endpoint(host: $0.host, port: sidecarPort) } }
    private var etcd: Endpoint { Endpoint(port: etcdPort) }
    private var shared: Endpoint { Endpoint(port: port) }

    /// All that has to be free.
    var endpoints: [Endpoint] { [etcd, Endpoint(port: etcdPort + 1)] + servers + agents + [shared] }

    /// - Throws: ``TakenFailoverPorts`` with all that are taken, ``LocalTopologyError`` for what is no matter of ports.
    func checkPorts() throws {
        let taken = try endpoints.filter { try !$0.isFree }
        if !taken.isEmpty { throw TakenFailoverPorts(endpoints: taken) }
    }

    func clusterSpec() throws(LocalTopologyError) -> ClusterSpec {
        _ = try Programs.installed("redis-server", package: "redis-server")
        let etcdProgram = try Programs.installed("etcd", package: "etcd-server")
        _ = try Programs.built("redis-replica-init")
        let program = try Programs.built("redis-replica-sidecar")
        let app = try Programs.built("KVApp")
        let members = zip(names, servers).map { (name: $0, endpoint: $1) }
        var spec = [NodeSpec.etcd(Self.storeName, program: etcdProgram, at: etcd, peerPort: etcdPort + 1)]
        for member in members {
            spec.append(
                .failoverNode(
                    member.name, program: program, at: member.endpoint, of: members, etcd: etcd,
                    statusPort: sidecarPort,
                    configuration: .lines(["appendonly yes", "save \"\"", "repl-diskless-sync-delay 0"]),
                    environment: [
                        "FAILOVER_LEASE_SECONDS": "\(leaseSeconds)",
                        "ALLOW_EMPTY_PASSWORD": "yes",
                    ]))
        }
        for number in 1...apps {
            spec.append(
                .app(
                    Layout.appName(number), program: app, at: shared, podIP: "127.0.0.\(10 + number)", nodes: servers))
        }
        return ClusterSpec(spec)
    }
}

/// The ports that the cluster needs and something else has.
struct TakenFailoverPorts: Error, CustomStringConvertible {
    let endpoints: [Endpoint]

    var description: String {
        let ports = Set(endpoints.map(\.port)).sorted()
        let filter = ports.map { "sport = :\($0)" }.joined(separator: " or ")
        return """
            taken: \(endpoints.map(\.description).joined(separator: ", ")). Another cluster of kv-local may have them. This \
            command names who has: ss -ltnp '\(filter)'
            Stop that, or use other ports: --port, --redis-port, --sidecar-port, --etcd-port
            """
    }
}
