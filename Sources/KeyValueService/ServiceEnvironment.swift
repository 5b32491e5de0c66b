public import RedisClient
public import Settings

/// What the service and the hostname server are told by flags and environment, as values of theirs.
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
        self.init(GivenSettings(of: Self.variables, flags: []) { lookUp($0.name) })
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
        let master = RedisEndpoint(
            host: try host("REDIS_MASTER_SERVICE_HOST", usesNames: usesNames),
            port: try settings.port("REDIS_MASTER_SERVICE_PORT"))
        return RedisTopology(master: master, replicas: try replicas(usesNames: usesNames))
    }

    private func getHostsFromDNS() throws(ConfigurationError) -> Bool { try settings.choice("GET_HOSTS_FROM") == "dns" }

    private func replicas(usesNames: Bool) throws(ConfigurationError) -> RedisTopology.ReplicaSource {
        let port = try settings.port("REDIS_SLAVE_SERVICE_PORT")
        if let list = settings.value("REDIS_SLAVE_ENDPOINTS") {
            var endpoints: [RedisEndpoint] = []
            for item in list.split(separator: ",", omittingEmptySubsequences: false) {
                let item = item.trimmed
                guard let endpoint = RedisEndpoint(parsing: item, defaultPort: port) else {
                    throw .notAnEndpoint(variable: settings.name("REDIS_SLAVE_ENDPOINTS"), item)
                }
                if !endpoints.contains(endpoint) { endpoints.append(endpoint) }
            }
            return .endpoints(endpoints)
        }
        if let host = try settings.host("REDIS_SLAVE_NODES_HOST") {
            return .name(RedisEndpoint(host: host, port: port))
        }
        return .name(RedisEndpoint(host: try host("REDIS_SLAVE_SERVICE_HOST", usesNames: usesNames), port: port))
    }

    /// - Parameter usesNames: whether the default counts, whatever was given.
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
