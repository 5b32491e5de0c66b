import RedisConf

/// redis-server's own arguments, as it reads them: `--name` and its values up to the next `--name`, the last one wins,
/// and all of them win over the file.
struct ServerArguments: Equatable, Sendable {
    struct Setting: Equatable, Sendable {
        var name: DirectiveName
        var values: [[UInt8]]
    }

    private(set) var settings: [Setting] = []

    init(_ arguments: [[UInt8]]) {
        for argument in arguments {
            if argument.count > 2, argument.starts(with: utf8("--")) {
                settings.append(
                    Setting(name: DirectiveName(String(decoding: argument.dropFirst(2), as: UTF8.self)), values: []))
            } else if !settings.isEmpty {
                settings[settings.count - 1].values.append(argument)
            }
        }
    }

    func last(_ name: DirectiveName) -> [[UInt8]]? { settings.last { $0.name == name }?.values }
}

extension Planner {
    /// Arguments that overrule what was decided, or carry a secret where everybody sees it.
    mutating func checkArguments(_ flags: [[UInt8]]) {
        check(ServerArguments(invocation.serverArguments), from: .arguments)
        check(ServerArguments(flags), from: .environment("REDIS_EXTRA_FLAGS"))
    }

    private mutating func check(_ arguments: ServerArguments, from origin: Origin) {
        for setting in arguments.settings {
            if setting.name.isSecret { report(.warning, .secretInArguments(setting.name), at: origin) }
            // What a line of the file says may be overruled: that is what arguments are for. What the start depends on
            // (where to listen, whom to follow, where the data is) has a variable.
            guard let variable = Self.variables.first(where: { $0.name == setting.name })?.variable else { continue }
            if value(setting.name) == setting.values { continue }
            report(.warning, .argumentOverrules(setting.name, variable: variable), at: origin)
        }
    }

    /// The directives that are decided here, and what to set instead of an argument.
    private static var variables: [(name: DirectiveName, variable: String)] {
        [
            ("replicaof", "REDIS_MASTER_HOST and REDIS_MASTER_PORT_NUMBER"), ("port", "REDIS_PORT_NUMBER"),
            ("bind", "REDIS_BIND"), ("masterauth", "REDIS_MASTER_PASSWORD_FILE"), ("masteruser", "REDIS_MASTER_USER"),
            ("requirepass", "REDIS_PASSWORD_FILE"), ("tls-port", "REDIS_TLS_PORT_NUMBER"), ("dir", "REDIS_DATA_DIR"),
            ("aclfile", "REDIS_ACLFILE"), ("replica-announce-ip", "REDIS_REPLICA_IP"),
            ("replica-announce-port", "REDIS_REPLICA_PORT"),
        ]
    }
}
