public import RedisClient

/// What the environment says, read strictly: a value that cannot be meant is an error that names it and the cure.
///
/// Pure: variables in, values out; an empty variable counts as unset, as Kubernetes writes an optional reference.
public struct ServiceEnvironment: Sendable {
    /// The variables that are looked at, each with its meaning, in the order of the help text.
    public static let variables: [(name: String, meaning: String)] = [
        ("HOST, PORT", "where to listen; default all interfaces, 8080"),
        ("POD_IP", "the pod_ip of the answers; default the first address that is not loopback"),
        ("HOSTNAME", "the name in \"You've hit <NAME>\"; default the kernel's host name"),
        ("GET_HOSTS_FROM", "dns: use the names redis-master and redis-slave whatever the variables say; default env"),
        ("REDIS_MASTER_SERVICE_HOST, REDIS_MASTER_SERVICE_PORT", "the master; default redis-master, 6379"),
        ("REDIS_SLAVE_ENDPOINTS", "host:port,…: the replicas, one by one; wins over the two below"),
        ("REDIS_SLAVE_NODES_HOST", "a headless name: every address it has is a replica, at REDIS_SLAVE_SERVICE_PORT"),
        ("REDIS_SLAVE_SERVICE_HOST, REDIS_SLAVE_SERVICE_PORT", "the replicas' Service; default redis-slave, 6379"),
        ("REDIS_USER, REDIS_PASSWORD", "how to authenticate; REDIS_PASSWORD_FILE names a file that holds the password"),
        ("REDIS_DATABASE", "the number of the database, as in SELECT; default 0"),
        (
            "REDIS_CONNECTION_MAX_AGE_SECONDS",
            "how old a connection to a replica gets before a new one takes its place; default 300, 0 for ever"
        ),
        ("REDIS_MAX_IN_FLIGHT", "commands that may wait for a server, each event loop by itself; default 16384"),
        ("REDIS_TLS_ENABLED", "yes: speak TLS to every server; default no"),
        ("REDIS_TLS_CA_FILE", "the authorities, in PEM, that may have signed the servers' certificates"),
        ("REDIS_TLS_CERT_FILE, REDIS_TLS_KEY_FILE", "the client's certificate and key, in PEM, if servers ask for one"),
        ("REDIS_TLS_SERVER_NAME", "the name that certificates are checked for; default the configured host"),
        ("REDIS_TLS_VERIFY", "full: check a certificate and its name (default); ca: not its name"),
    ]

    let values: [String: String]

    public init(_ lookUp: (String) -> String?) {
        let names = Self.variables.flatMap { $0.name.split(separator: ", ").map(String.init) } + ["REDIS_PASSWORD_FILE"]
        values = names.reduce(into: [:]) { values, name in
            if let value = lookUp(name), !value.isEmpty { values[name] = value }
        }
    }

    public var listeningHost: String? { values["HOST"] }
    public var podIP: String? { values["POD_IP"] }
    public var hostName: String? { values["HOSTNAME"] }

    public func listeningPort() throws(ConfigurationError) -> Int {
        guard let text = values["PORT"] else { return 8080 }
        guard text == "0" || RedisEndpoint.port(text) != nil else { throw .notAPort(variable: "PORT", text) }
        return Int(text) ?? 8080
    }

    /// Where the master and the replicas are.
    public func topology() throws(ConfigurationError) -> RedisTopology {
        let usesNames = try getHostsFromDNS()
        let master = RedisEndpoint(
            host: try host("REDIS_MASTER_SERVICE_HOST", default: "redis-master", usesNames: usesNames),
            port: try port("REDIS_MASTER_SERVICE_PORT"))
        return RedisTopology(master: master, replicas: try replicas(usesNames: usesNames))
    }
}

extension ServiceEnvironment {
    private func getHostsFromDNS() throws(ConfigurationError) -> Bool {
        switch values["GET_HOSTS_FROM"] {
        case nil, "env": false
        case "dns": true
        case let other?: throw .unknownChoice(variable: "GET_HOSTS_FROM", other, choices: "dns or env")
        }
    }

    private func replicas(usesNames: Bool) throws(ConfigurationError) -> RedisTopology.ReplicaSource {
        let port = try port("REDIS_SLAVE_SERVICE_PORT")
        if let list = values["REDIS_SLAVE_ENDPOINTS"] {
            var endpoints: [RedisEndpoint] = []
            for item in list.split(separator: ",", omittingEmptySubsequences: false) {
                let item = item.trimmed
                guard let endpoint = RedisEndpoint(parsing: item, defaultPort: port) else {
                    throw .notAnEndpoint(variable: "REDIS_SLAVE_ENDPOINTS", item)
                }
                if !endpoints.contains(endpoint) { endpoints.append(endpoint) }
            }
            return .endpoints(endpoints)
        }
        if values["REDIS_SLAVE_NODES_HOST"] != nil {
            return .name(
                RedisEndpoint(host: try host("REDIS_SLAVE_NODES_HOST", default: "", usesNames: false), port: port))
        }
        let host = try host("REDIS_SLAVE_SERVICE_HOST", default: "redis-slave", usesNames: usesNames)
        return .name(RedisEndpoint(host: host, port: port))
    }

    private func host(
        _ variable: String, default name: String, usesNames: Bool
    ) throws(ConfigurationError) -> String {
        guard !usesNames, let host = values[variable] else { return name }
        guard !host.contains("/"), !host.contains(where: \.isWhitespace) else {
            throw .notAHost(variable: variable, host)
        }
        return host
    }

    private func port(_ variable: String) throws(ConfigurationError) -> Int {
        guard let text = values[variable] else { return 6379 }
        guard let port = RedisEndpoint.port(text) else { throw .notAPort(variable: variable, text) }
        return port
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = self
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
