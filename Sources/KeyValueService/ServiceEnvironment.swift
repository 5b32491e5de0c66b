public import RedisClient

/// What the flags and the environment say, read strictly: a value that cannot be meant is an error that names it and the cure.
///
/// Pure: texts in, values out; an empty variable counts as unset, as Kubernetes writes an optional reference.
public struct ServiceEnvironment: Sendable {
    /// What somebody gave for a variable.
    struct Given {
        var text: String
        /// Whether by the flag, not in the environment.
        var isFlag: Bool
    }

    private let given: [String: Given]

    /// - Parameters:
    ///   - flags: the names of the variables that were given by their flags.
    ///   - lookUp: asked for each of ``variables``, once; gives the flag's value where there is one.
    public init(flags: Set<String>, _ lookUp: (Variable) -> String?) {
        given = Self.variables.reduce(into: [:]) { given, variable in
            guard let text = lookUp(variable), !text.isEmpty else { return }
            given[variable.name] = Given(text: text, isFlag: flags.contains(variable.name))
        }
    }

    /// An environment alone, without flags.
    public init(_ lookUp: (String) -> String?) {
        self.init(flags: []) { lookUp($0.name) }
    }

    func value(_ variable: String) -> String? { source(variable)?.text }

    func source(_ variable: String) -> Given? {
        assert(Self.variables.contains { $0.name == variable }, "\(variable) is never looked up")
        return given[variable]
    }

    /// The variable as an error speaks of it.
    func name(_ variable: String) -> SettingName {
        SettingName(variable, isFlag: source(variable)?.isFlag == true)
    }
}

// MARK: - Where the servers are

extension ServiceEnvironment {
    public func topology() throws(ConfigurationError) -> RedisTopology {
        let usesNames = try getHostsFromDNS()
        let master = RedisEndpoint(
            host: try host("REDIS_MASTER_SERVICE_HOST", default: "redis-master", usesNames: usesNames),
            port: try port("REDIS_MASTER_SERVICE_PORT"))
        return RedisTopology(master: master, replicas: try replicas(usesNames: usesNames))
    }

    private func getHostsFromDNS() throws(ConfigurationError) -> Bool { try choice("GET_HOSTS_FROM") == "dns" }

    private func replicas(usesNames: Bool) throws(ConfigurationError) -> RedisTopology.ReplicaSource {
        let port = try port("REDIS_SLAVE_SERVICE_PORT")
        if let list = value("REDIS_SLAVE_ENDPOINTS") {
            var endpoints: [RedisEndpoint] = []
            for item in list.split(separator: ",", omittingEmptySubsequences: false) {
                let item = item.trimmed
                guard let endpoint = RedisEndpoint(parsing: item, defaultPort: port) else {
                    throw .notAnEndpoint(variable: name("REDIS_SLAVE_ENDPOINTS"), item)
                }
                if !endpoints.contains(endpoint) { endpoints.append(endpoint) }
            }
            return .endpoints(endpoints)
        }
        if value("REDIS_SLAVE_NODES_HOST") != nil {
            return .name(
                RedisEndpoint(host: try host("REDIS_SLAVE_NODES_HOST", default: "", usesNames: false), port: port))
        }
        let host = try host("REDIS_SLAVE_SERVICE_HOST", default: "redis-slave", usesNames: usesNames)
        return .name(RedisEndpoint(host: host, port: port))
    }

    private func host(
        _ variable: String, default defaultName: String, usesNames: Bool
    ) throws(ConfigurationError) -> String {
        guard !usesNames, let host = value(variable) else { return defaultName }
        guard !host.contains("/"), !host.contains(where: \.isWhitespace) else {
            throw .notAHost(variable: name(variable), host)
        }
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
