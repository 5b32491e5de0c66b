public import SystemPackage

/// One process of a cluster, as a value: what to run, where it answers, and when it counts as up.
///
/// `{directory}` in an argument or a variable stands for the node's own folder, which exists only while the cluster runs.
public struct NodeSpec: Hashable, Sendable {
    /// The configuration file `redis.conf` in the node's folder.
    public enum Configuration: Hashable, Sendable {
        case none
        case lines([String])
        /// A copy, since the init rewrites the file that it is given.
        case copy(of: FilePath)
    }

    /// When a started node counts as up.
    public enum Readiness: Hashable, Sendable {
        /// The process runs.
        case running
        /// Redis answers, and is not loading.
        case answers
        /// Redis is a replica whose link to its master is up.
        case linkUp
        /// `GET path` answers 200; where others may share the port, from the process that calls itself `hostname` on `GET /`.
        case http(path: String, hostname: String? = nil)
    }

    /// Unique in its cluster; names the folder and the log.
    public var name: String
    public var executable: FilePath
    public var arguments: [String]
    /// All that the child sees, besides our own PATH where none is given here.
    public var environment: [String: String]
    public var configuration: Configuration
    public var endpoint: Endpoint
    public var readiness: Readiness
    /// Whether the process is a redis-server in the end, or shares a folder with one: dropped to the `redis` user when we are
    /// root, and never run as root.
    package var isRedis: Bool
    /// Programs that the executable looks for beside itself.
    package var companions: [FilePath] = []
    /// The node whose folder it is in, if not one of its own: as containers of a pod share a volume.
    public var folderOwner: String?
    /// Where the process runs, if not in our own network; it is asked there, too.
    public var network: NetworkNamespace?

    public init(
        name: String, executable: FilePath, arguments: [String] = [], environment: [String: String] = [:],
        configuration: Configuration = .none, endpoint: Endpoint, readiness: Readiness, isRedis: Bool
    ) {
        self.name = name
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.configuration = configuration
        self.endpoint = endpoint
        self.readiness = readiness
        self.isRedis = isRedis
    }
}

extension NodeSpec {
    /// A redis-server started directly.
    /// - Parameters:
    ///   - master: Whom to replicate; `nil` for a master.
    ///   - lines: Further redis.conf lines; the last of a kind wins.
    public static func redis(
        _ name: String, server: FilePath, at endpoint: Endpoint, replicaOf master: Endpoint? = nil,
        lines: [String] = []
    ) -> NodeSpec {
        var all = ["bind \(endpoint.host)", "port \(endpoint.port)", "dir .", "save \"\""]
        // From 7.0 on a bind does not lift the protection.
        if !endpoint.host.hasPrefix("127.") { all.append("protected-mode no") }
        if let master {
            all += [
                "replicaof \(master.host) \(master.port)", "replica-announce-ip \(endpoint.host)",
                "replica-announce-port \(endpoint.port)",
            ]
        } else {
            all.append("repl-diskless-sync-delay 0")
        }
        return NodeSpec(
            name: name, executable: server, arguments: ["redis.conf"],
            configuration: .lines(all + lines), endpoint: endpoint,
            readiness: master == nil ? .answers : .linkUp, isRedis: true)
    }

    /// A redis-server started through redis-replica-init.
    /// - Parameters:
    ///   - program: redis-replica-init.
    ///   - master: Whom to replicate; `nil` for a master.
    ///   - replicas: The servers that a master asks before it starts empty; empty: it asks none.
    ///   - onEmpty: What it does where they have what it lacks (`REDIS_ON_EMPTY`).
    ///   - configuration: What the init finds and rewrites. Never `.none` in effect: then it gets an empty file, so that it
    ///     does not reach for the machine's own /etc/redis/redis.conf.
    ///   - arguments: Passed on to redis-server.
    public static func redisThroughInit(
        _ name: String, program: FilePath, at endpoint: Endpoint, replicaOf master: Endpoint? = nil,
        asking replicas: [Endpoint] = [], onEmpty: String = "reseed", configuration: Configuration,
        arguments: [String] = []
    ) -> NodeSpec {
        var environment = [
            "REDIS_CONFIG_FILE": "{directory}/redis.conf",
            "REDIS_DATA_DIR": "{directory}",
            "REDIS_MASTER_RECORD_FILE": "{directory}/master-record",
            "REDIS_BIND": endpoint.host,
            "REDIS_PORT_NUMBER": "\(endpoint.port)",
            "REDIS_REPLICATION_MODE": master == nil ? "master" : "replica",
            "POD_IP": endpoint.host,
        ]
        if let master {
            environment["REDIS_MASTER_SERVICE_HOST"] = master.host
            environment["REDIS_MASTER_SERVICE_PORT"] = "\(master.port)"
        }
        if !replicas.isEmpty {
            environment["REDIS_SLAVE_NODES_HOST"] = replicas.map(\.description).joined(separator: ",")
            environment["REDIS_ON_EMPTY"] = onEmpty
            // One that is dead is waited for within the time that a start may take (`ClusterSpec.startDeadline`).
            environment["REDIS_GUARD_TIMEOUT"] = "10"
        }
        return NodeSpec(
            name: name, executable: program, arguments: arguments.isEmpty ? [] : ["--"] + arguments,
            environment: environment, configuration: configuration == .none ? .lines([]) : configuration,
            endpoint: endpoint, readiness: master == nil ? .answers : .linkUp, isRedis: true)
    }

    /// A redis-replica-sidecar beside a replica, as in a pod: in its folder and network, with its environment and user.
    /// - Parameters:
    ///   - program: redis-replica-sidecar.
    ///   - endpoint: Where it listens.
    ///   - replica: One that redis-replica-init starts.
    ///   - arguments: Its flags.
    public static func sidecar(
        _ name: String, program: FilePath, at endpoint: Endpoint, beside replica: NodeSpec, arguments: [String] = []
    ) -> NodeSpec {
        var node = replica
        node.name = name
        node.folderOwner = replica.folderOwner ?? replica.name
        node.executable = program
        node.arguments = arguments
        node.environment["SIDECAR_HOST"] = endpoint.host
        node.environment["SIDECAR_PORT"] = "\(endpoint.port)"
        node.endpoint = endpoint
        node.readiness = .http(path: "/readyz")
        return node
    }

    /// A redis-server of a fail-over installation, and its agent: redis-replica-sidecar supervise.
    /// - Parameters:
    ///   - program: redis-replica-sidecar, with redis-replica-init beside it.
    ///   - nodes: All nodes, this one among them, by their names.
    ///   - etcd: Where the lease is.
    ///   - statusPort: Where the agent answers HTTP, at the server's address.
    public static func failoverNode(
        _ name: String, program: FilePath, at endpoint: Endpoint, of nodes: [(name: String, endpoint: Endpoint)],
        etcd: Endpoint, statusPort: Int, configuration: Configuration, environment more: [String: String] = [:]
    ) -> NodeSpec {
        let environment = [
            "FAILOVER_STORE": "etcd", "ETCD_ENDPOINTS": "http://\(etcd)", "FAILOVER_NODE": name,
            "FAILOVER_NODES": nodes.map { "\($0.name)=\($0.endpoint)" }.joined(separator: ","),
            "FAILOVER_SOCKET": "{directory}/failover.sock",
            "REDIS_CONFIG_FILE": "{directory}/redis.conf", "REDIS_DATA_DIR": "{directory}",
            "REDIS_MASTER_RECORD_FILE": "{directory}/master-record", "REDIS_BIND": endpoint.host,
            "REDIS_PORT_NUMBER": "\(endpoint.port)", "SIDECAR_HOST": endpoint.host, "SIDECAR_PORT": "\(statusPort)",
        ]
        var node = NodeSpec(
            name: name, executable: program, arguments: ["supervise"],
            environment: environment.merging(more) { $1 }, configuration: configuration, endpoint: endpoint,
            readiness: .answers, isRedis: true)
        node.companions = [program.removingLastComponent().appending("redis-replica-init")]
        return node
    }

    /// A member of etcd that is a whole etcd, with its data in its own folder.
    /// - Parameter peerPort: On the same address.
    public static func etcd(
        _ name: String, program: FilePath, at endpoint: Endpoint, peerPort: Int
    ) -> NodeSpec {
        let peer = "http://\(endpoint.host):\(peerPort)"
        return NodeSpec(
            name: name, executable: program,
            arguments: [
                "--name", name, "--data-dir", "{directory}/data", "--listen-client-urls", "http://\(endpoint)",
                "--advertise-client-urls", "http://\(endpoint)", "--listen-peer-urls", peer,
                "--initial-advertise-peer-urls", peer, "--initial-cluster", "\(name)=\(peer)", "--unsafe-no-fsync",
            ],
            endpoint: endpoint, readiness: .running, isRedis: false)
    }

    /// A KVApp that shares its port with its siblings.
    /// - Parameter name: Also its HOSTNAME.
    public static func app(
        _ name: String, program: FilePath, at endpoint: Endpoint, podIP: String, master: Endpoint, replicas: [Endpoint]
    ) -> NodeSpec {
        app(
            name, program: program, at: endpoint, podIP: podIP,
            servers: [
                "REDIS_MASTER_SERVICE_HOST": master.host,
                "REDIS_MASTER_SERVICE_PORT": "\(master.port)",
                "REDIS_SLAVE_ENDPOINTS": replicas.map(\.description).joined(separator: ","),
            ])
    }

    /// A KVApp that finds the leader among all nodes.
    public static func app(
        _ name: String, program: FilePath, at endpoint: Endpoint, podIP: String, nodes: [Endpoint]
    ) -> NodeSpec {
        app(
            name, program: program, at: endpoint, podIP: podIP,
            servers: ["REDIS_NODES": nodes.map(\.description).joined(separator: ",")])
    }

    private static func app(
        _ name: String, program: FilePath, at endpoint: Endpoint, podIP: String, servers: [String: String]
    ) -> NodeSpec {
        let environment = [
            "POD_IP": podIP,
            "HOSTNAME": name,
            // No client has to notice that it goes.
            "DRAIN_DELAY_SECONDS": "0",
        ]
        return NodeSpec(
            name: name, executable: program,
            arguments: ["serve", "--host", endpoint.host, "--port", "\(endpoint.port)", "--share-port"],
            environment: environment.merging(servers) { $1 }, endpoint: endpoint,
            readiness: .http(path: "/readyz", hostname: name), isRedis: false)
    }
}
