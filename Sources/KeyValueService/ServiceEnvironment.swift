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
    ]

    private let values: [String: String]

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

    /// - Parameter readFile: gives a file's bytes, or an error whose description says why not.
    public func credentials(
        _ readFile: (String) throws(ConfigurationError) -> [UInt8]
    ) throws(ConfigurationError) -> RedisCredentials? {
        guard values["REDIS_PASSWORD"] == nil || values["REDIS_PASSWORD_FILE"] == nil else {
            throw .conflict("REDIS_PASSWORD", "REDIS_PASSWORD_FILE")
        }
        if let path = values["REDIS_PASSWORD_FILE"] {
            var password = try readFile(path)
            // An editor's or `echo`'s newline is not part of the password.
            if password.last == UInt8(ascii: "\n") { password.removeLast() }
            guard !password.isEmpty else { throw .emptySecret(path) }
            return RedisCredentials(user: values["REDIS_USER"], password: password)
        }
        if let password = values["REDIS_PASSWORD"] {
            return RedisCredentials(user: values["REDIS_USER"], password: Array(password.utf8))
        }
        guard values["REDIS_USER"] == nil else { throw .userWithoutPassword }
        return nil
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

/// What is wrong with the configuration, and what to do. Never holds a secret.
public enum ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    case notAPort(variable: String, String)
    case notAHost(variable: String, String)
    case notAnEndpoint(variable: String, Substring)
    case unknownChoice(variable: String, String, choices: String)
    case conflict(String, String)
    case userWithoutPassword
    case emptySecret(String)
    case unreadableFile(String, reason: String)

    public var description: String {
        switch self {
        case .notAPort(let variable, let text) where text.hasPrefix("tcp://"):
            "\(variable) is '\(text)', a link that Kubernetes injects for a Service of that name; "
                + "set \(variable) in the pod, or enableServiceLinks: false"
        case .notAPort(let variable, let text): "\(variable) is '\(text)'; give it a port, 1…65535"
        case .notAHost(let variable, let text): "\(variable) is '\(text)'; give it a host name or an address alone"
        case .notAnEndpoint(let variable, let text):
            "\(variable) holds '\(text)'; write host:port, separated by commas, an IPv6 address in brackets"
        case .unknownChoice(let variable, let text, let choices): "\(variable) is '\(text)'; it takes \(choices)"
        case .conflict(let first, let second): "\(first) and \(second) are both set; unset one of them"
        case .userWithoutPassword: "REDIS_USER is set without a password; set REDIS_PASSWORD or REDIS_PASSWORD_FILE"
        case .emptySecret(let path): "the file '\(path)' that REDIS_PASSWORD_FILE names is empty"
        case .unreadableFile(let path, let reason): "cannot read '\(path)': \(reason)"
        }
    }
}
