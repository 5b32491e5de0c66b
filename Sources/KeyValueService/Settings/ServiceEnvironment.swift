public import RedisClient
public import Settings

/// The settings of the service and the hostname server from flags and environment, as typed values.
///
/// Pure, and strict as ``Settings/GivenSettings`` is: a value that cannot be meant is an error that names it and the cure.
public struct ServiceEnvironment: Sendable {
    let settings: GivenSettings

    /// - Parameter settings: of ``variables``.
    public init(_ settings: GivenSettings) {
        self.settings = settings
    }

    /// An environment alone, without flags.
    public init(_ lookUp: (String) -> String?) {
        self.init(GivenSettings(of: Self.variables, flags: [], lookUpName: lookUp) { lookUp($0.name) })
    }

    /// - Throws: where a variable is set under two names with different values.
    public func checkNames() throws(ConfigurationError) { try settings.checkNames() }

    /// What is odd in the secrets, and what is not read, a line each.
    public func doubts(_ readFile: FileReader) throws(ConfigurationError) -> [String] {
        try settings.doubts(aboutSecret: "REDIS_PASSWORD", readFile)
            + settings.doubts(aboutSecret: "API_TOKEN", readFile)
            + settings.doubts(aboutSecret: "REDIS_SENTINEL_PASSWORD", readFile) + overruledBySentinel()
    }

    /// The configuration that is in effect; see ``Settings/GivenSettings/lines(of:found:overruled:)``.
    public func lines(of groups: [Variable.Group], found: [String: String]) -> [String] {
        let usesNames = settings.value("GET_HOSTS_FROM")?.lowercased() == "dns"
        return settings.lines(
            of: groups, found: found,
            overruled: usesNames ? ["REDIS_MASTER_SERVICE_HOST", "REDIS_SLAVE_SERVICE_HOST"] : [])
    }
}

// MARK: - Where the servers are

extension ServiceEnvironment {
    public func topology() throws(ConfigurationError) -> RedisTopology {
        let usesNames = try getHostsFromDNS()
        if let sentinel = try sentinel() {
            return RedisTopology(sentinel: sentinel, replicas: try replicasBesideSentinel())
        }
        if let nodes = try nodes() { return RedisTopology(nodes: nodes) }
        let master = RedisEndpoint(
            host: try host("REDIS_MASTER_SERVICE_HOST", usesNames: usesNames),
            port: try settings.port("REDIS_MASTER_SERVICE_PORT"))
        var topology = RedisTopology(master: master, replicas: try replicas(usesNames: usesNames))
        topology.masterNodes = try settings.host("REDIS_MASTER_NODES_HOST").map {
            RedisEndpoint(host: $0, port: master.port)
        }
        return topology
    }

    private func getHostsFromDNS() throws(ConfigurationError) -> Bool { try settings.choice("GET_HOSTS_FROM") == "dns" }

    /// `nil` for those that Sentinel lists. A Service's host is not meant: Kubernetes injects it by itself.
    private func replicasBesideSentinel() throws(ConfigurationError) -> RedisTopology.ReplicaSource? {
        let names = ["REDIS_SLAVE_ENDPOINTS", "REDIS_SLAVE_NODES_HOST"]
        return names.contains { settings.value($0) != nil } ? try replicas(usesNames: false) : nil
    }

    private func replicas(usesNames: Bool) throws(ConfigurationError) -> RedisTopology.ReplicaSource {
        let port = try settings.port("REDIS_SLAVE_SERVICE_PORT")
        if let endpoints = try endpoints("REDIS_SLAVE_ENDPOINTS", defaultPort: port) { return .endpoints(endpoints) }
        if let host = try settings.host("REDIS_SLAVE_NODES_HOST") {
            return .name(RedisEndpoint(host: host, port: port))
        }
        return .name(RedisEndpoint(host: try host("REDIS_SLAVE_SERVICE_HOST", usesNames: usesNames), port: port))
    }

    /// All nodes; `nil` where a master is configured.
    private func nodes() throws(ConfigurationError) -> [RedisEndpoint]? {
        try endpoints("REDIS_NODES", defaultPort: 6379)
    }

    private func endpoints(_ variable: String, defaultPort port: Int) throws(ConfigurationError) -> [RedisEndpoint]? {
        guard let list = settings.value(variable) else { return nil }
        var endpoints: [RedisEndpoint] = []
        for item in list.split(separator: ",", omittingEmptySubsequences: false) {
            let item = item.trimmed
            guard let endpoint = RedisEndpoint(parsing: item, defaultPort: port) else {
                throw .notAnEndpoint(variable: settings.name(variable), item)
            }
            if !endpoints.contains(endpoint) { endpoints.append(endpoint) }
        }
        return endpoints
    }

    /// - Parameter usesNames: whether the default counts, even if a value was given.
    private func host(_ variable: String, usesNames: Bool) throws(ConfigurationError) -> String {
        let host = usesNames ? settings.variables[variable].defaultText : try settings.host(variable)
        guard let host else { preconditionFailure("\(variable) has no default") }
        return host
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
