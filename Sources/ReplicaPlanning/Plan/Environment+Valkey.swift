/// Valkey's images and charts call `REDIS_PASSWORD` `VALKEY_PASSWORD`, and `MASTER` sometimes `PRIMARY`.
extension Environment {
    /// The other names of a variable, the likelier first; none of what is not Redis' by name, or has its own meaning.
    static func valkeyNames(of name: String) -> [String] {
        let prefix = "REDIS_"
        guard name.hasPrefix(prefix), name != "REDIS_VERSION" else { return [] }
        let rest = String(name.dropFirst(prefix.count))
        let master = "MASTER_"
        guard rest.hasPrefix(master) else { return ["VALKEY_" + rest] }
        return ["VALKEY_" + rest, "VALKEY_PRIMARY_" + rest.dropFirst(master.count)]
    }

    /// A variable that is set under two names with different values: an error, unless Kubernetes sets it by itself.
    struct Conflict: Equatable {
        /// The one that counts.
        var used: String
        var other: String
        var isByKubernetes: Bool
    }

    /// The conflicts among the variables that a start reads.
    var conflicts: [Conflict] {
        guard hasValkeyNames else { return [] }
        return Self.names.flatMap { name -> [Conflict] in
            let set = ([name] + Self.valkeyNames(of: name)).filter { exact($0) != nil }
            guard let used = set.first else { return [] }
            return set.dropFirst().filter { exact($0) != exact(used) }.map {
                Conflict(used: used, other: $0, isByKubernetes: Self.isByKubernetes(name))
            }
        }
    }

    /// `<SERVICE>_SERVICE_HOST`, `<SERVICE>_SERVICE_PORT` and `<SERVICE>_PORT` are there for every Service.
    private static func isByKubernetes(_ name: String) -> Bool {
        ["_SERVICE_HOST", "_SERVICE_PORT", "_MASTER_PORT", "REDIS_PORT"].contains { name.hasSuffix($0) }
    }

    /// The variables `REDIS_…` that this program reads, and the files that hold secrets.
    package static let names: [String] = [
        "REDIS_ACLFILE", "REDIS_BIND", "REDIS_CONFIG_FILE", "REDIS_DATA_DIR", "REDIS_EXTRA_FLAGS",
        "REDIS_GUARD_TIMEOUT", "REDIS_MASTER_HOST", "REDIS_MASTER_NODES_HOST", "REDIS_MASTER_PASSWORD",
        "REDIS_MASTER_PASSWORD_FILE",
        "REDIS_MASTER_PORT", "REDIS_MASTER_PORT_NUMBER", "REDIS_MASTER_RECORD_FILE", "REDIS_MASTER_SERVICE_HOST",
        "REDIS_MASTER_SERVICE_PORT", "REDIS_MASTER_USER", "REDIS_ON_EMPTY", "REDIS_PASSWORD", "REDIS_PASSWORD_FILE",
        "REDIS_PORT", "REDIS_PORT_NUMBER", "REDIS_PROBE_PASSWORD", "REDIS_PROBE_PASSWORD_FILE", "REDIS_PROBE_USER",
        "REDIS_REPLICATION_MODE", "REDIS_REPLICA_IP", "REDIS_REPLICA_PORT", "REDIS_SENTINEL_HOST",
        "REDIS_SENTINEL_MASTER_NAME", "REDIS_SENTINEL_MIN_REPLICAS_TO_WRITE", "REDIS_SENTINEL_PASSWORD",
        "REDIS_SENTINEL_PASSWORD_FILE", "REDIS_SENTINEL_PORT_NUMBER", "REDIS_SENTINEL_TLS", "REDIS_SENTINEL_USERNAME",
        "REDIS_SLAVE_NODES_HOST",
        "REDIS_SLAVE_SERVICE_PORT", "REDIS_TLS_AUTH_CLIENTS", "REDIS_TLS_CA_DIR", "REDIS_TLS_CA_FILE",
        "REDIS_TLS_CERT_FILE", "REDIS_TLS_CLIENT_CERT_FILE", "REDIS_TLS_CLIENT_KEY_FILE",
        "REDIS_TLS_CLIENT_KEY_FILE_PASS", "REDIS_TLS_CLIENT_KEY_FILE_PASS_FILE", "REDIS_TLS_ENABLED",
        "REDIS_TLS_KEY_FILE", "REDIS_TLS_KEY_FILE_PASS",
        "REDIS_TLS_KEY_FILE_PASS_FILE", "REDIS_TLS_PORT_NUMBER",
    ]
}

extension Planner {
    /// Two names of one variable that say different things.
    mutating func checkNames() {
        for conflict in environment.conflicts {
            report(
                conflict.isByKubernetes ? .note : .error, .namedTwice(used: conflict.used),
                at: .environment(conflict.other))
        }
    }

    /// The origin under the name that is really set.
    func actual(_ origin: Origin?) -> Origin? {
        switch origin {
        case .environment(let name): .environment(environment.actualName(name))
        case .secretFile(let variable, let path): .secretFile(variable: environment.actualName(variable), path: path)
        default: origin
        }
    }
}
