import ArgumentParser
import KeyValueService
import ServiceProgram
import Settings

extension ArgumentHelp {
    /// What the list of variables says of this one.
    fileprivate static func of(_ name: String) -> ArgumentHelp { .of(ServiceEnvironment.variables[name]) }
}

struct ListeningOptions: VariableOptions {
    @Option(help: .of("HOST")) var host: String?
    @Option(help: .of("PORT")) var port: String?
    @Flag(inversion: .prefixedNo, help: .of("SHARE_PORT")) var sharePort: Bool?
    @Option(help: .of("EVENT_LOOPS")) var eventLoops: String?
    @Option(help: .of("HOSTNAME")) var hostname: String?

    var values: [String: String?] {
        [
            "HOST": host, "PORT": port, "SHARE_PORT": sharePort.map { $0 ? "yes" : "no" }, "EVENT_LOOPS": eventLoops,
            "HOSTNAME": hostname,
        ]
    }
}

struct ClientOptions: VariableOptions {
    @Option(help: .of("POD_IP")) var podIP: String?
    @Option(help: .of("API_TOKEN_FILE")) var apiTokenFile: String?
    @Option(help: .of("CORS_ALLOWED_ORIGINS")) var corsAllowedOrigins: String?
    @Option(help: .of("ALLOWED_HOSTS")) var allowedHosts: String?
    @Option(name: .customLong("max-body-mib"), help: .of("MAX_BODY_MIB")) var maximumBody: String?
    @Option(name: .customLong("memory-budget-mib"), help: .of("MEMORY_BUDGET_MIB")) var memoryBudget: String?
    @Option(name: .customLong("max-connections"), help: .of("MAX_CONNECTIONS")) var maximumConnections: String?
    @Option(help: .of("CLIENT_TIMEOUT_SECONDS")) var clientTimeoutSeconds: String?
    @Option(help: .of("CLIENT_MIN_BYTES_PER_SECOND")) var clientMinBytesPerSecond: String?

    var values: [String: String?] {
        [
            "POD_IP": podIP, "API_TOKEN_FILE": apiTokenFile, "CORS_ALLOWED_ORIGINS": corsAllowedOrigins,
            "ALLOWED_HOSTS": allowedHosts, "MAX_BODY_MIB": maximumBody,
            "MEMORY_BUDGET_MIB": memoryBudget, "MAX_CONNECTIONS": maximumConnections,
            "CLIENT_TIMEOUT_SECONDS": clientTimeoutSeconds,
            "CLIENT_MIN_BYTES_PER_SECOND": clientMinBytesPerSecond,
        ]
    }
}

struct RedisServerOptions: VariableOptions {
    @Option(help: .of("GET_HOSTS_FROM")) var getHostsFrom: String?
    @Option(help: .of("REDIS_NODES")) var redisNodes: String?
    @Option(help: .of("WRITE_HOLD_MILLISECONDS")) var writeHoldMilliseconds: String?
    @Option(help: .of("REDIS_SENTINEL_HOST")) var redisSentinelHost: String?
    @Option(help: .of("REDIS_SENTINEL_PORT_NUMBER")) var redisSentinelPortNumber: String?
    @Option(help: .of("REDIS_SENTINEL_MASTER_NAME")) var redisSentinelMasterName: String?
    @Option(help: .of("REDIS_SENTINEL_USERNAME")) var redisSentinelUsername: String?
    @Option(help: .of("REDIS_SENTINEL_PASSWORD_FILE")) var redisSentinelPasswordFile: String?
    @Option(name: .customLong("redis-sentinel-tls"), help: .of("REDIS_SENTINEL_TLS")) var redisSentinelTLS: String?
    @Option(help: .of("REDIS_MASTER_SERVICE_HOST")) var redisMasterServiceHost: String?
    @Option(help: .of("REDIS_MASTER_SERVICE_PORT")) var redisMasterServicePort: String?
    @Option(help: .of("REDIS_MASTER_NODES_HOST")) var redisMasterNodesHost: String?
    @Option(help: .of("REDIS_SLAVE_ENDPOINTS")) var redisSlaveEndpoints: String?
    @Option(help: .of("REDIS_SLAVE_NODES_HOST")) var redisSlaveNodesHost: String?
    @Option(help: .of("REDIS_SLAVE_SERVICE_HOST")) var redisSlaveServiceHost: String?
    @Option(help: .of("REDIS_SLAVE_SERVICE_PORT")) var redisSlaveServicePort: String?

    var values: [String: String?] {
        [
            "GET_HOSTS_FROM": getHostsFrom, "REDIS_NODES": redisNodes,
            "WRITE_HOLD_MILLISECONDS": writeHoldMilliseconds, "REDIS_SENTINEL_HOST": redisSentinelHost,
            "REDIS_SENTINEL_PORT_NUMBER": redisSentinelPortNumber,
            "REDIS_SENTINEL_MASTER_NAME": redisSentinelMasterName, "REDIS_SENTINEL_USERNAME": redisSentinelUsername,
            "REDIS_SENTINEL_PASSWORD_FILE": redisSentinelPasswordFile, "REDIS_SENTINEL_TLS": redisSentinelTLS,
            "REDIS_MASTER_SERVICE_HOST": redisMasterServiceHost,
            "REDIS_MASTER_SERVICE_PORT": redisMasterServicePort, "REDIS_MASTER_NODES_HOST": redisMasterNodesHost,
            "REDIS_SLAVE_ENDPOINTS": redisSlaveEndpoints,
            "REDIS_SLAVE_NODES_HOST": redisSlaveNodesHost, "REDIS_SLAVE_SERVICE_HOST": redisSlaveServiceHost,
            "REDIS_SLAVE_SERVICE_PORT": redisSlaveServicePort,
        ]
    }
}

struct RedisConnectionOptions: VariableOptions {
    @Option(help: .of("REDIS_USER")) var redisUser: String?
    @Option(help: .of("REDIS_PASSWORD_FILE")) var redisPasswordFile: String?
    @Option(help: .of("REDIS_DATABASE")) var redisDatabase: String?
    @Option(help: .of("REDIS_CONNECTION_MAX_AGE_SECONDS")) var redisConnectionMaxAgeSeconds: String?
    @Option(help: .of("REDIS_MAX_IN_FLIGHT")) var redisMaxInFlight: String?
    @Option(help: .of("REDIS_MAX_LARGE_READS")) var redisMaxLargeReads: String?

    var values: [String: String?] {
        [
            "REDIS_USER": redisUser, "REDIS_PASSWORD_FILE": redisPasswordFile, "REDIS_DATABASE": redisDatabase,
            "REDIS_CONNECTION_MAX_AGE_SECONDS": redisConnectionMaxAgeSeconds, "REDIS_MAX_IN_FLIGHT": redisMaxInFlight,
            "REDIS_MAX_LARGE_READS": redisMaxLargeReads,
        ]
    }
}

struct RedisTLSOptions: VariableOptions {
    @Option(name: .customLong("redis-tls-enabled"), help: .of("REDIS_TLS_ENABLED")) var isEnabled: String?
    @Option(name: .customLong("redis-tls-ca-file"), help: .of("REDIS_TLS_CA_FILE")) var authorities: String?
    @Option(name: .customLong("redis-tls-cert-file"), help: .of("REDIS_TLS_CERT_FILE")) var certificate: String?
    @Option(name: .customLong("redis-tls-key-file"), help: .of("REDIS_TLS_KEY_FILE")) var key: String?
    @Option(name: .customLong("redis-tls-server-name"), help: .of("REDIS_TLS_SERVER_NAME")) var serverName: String?
    @Option(name: .customLong("redis-tls-verify"), help: .of("REDIS_TLS_VERIFY")) var verification: String?

    var values: [String: String?] {
        [
            "REDIS_TLS_ENABLED": isEnabled, "REDIS_TLS_CA_FILE": authorities, "REDIS_TLS_CERT_FILE": certificate,
            "REDIS_TLS_KEY_FILE": key, "REDIS_TLS_SERVER_NAME": serverName, "REDIS_TLS_VERIFY": verification,
        ]
    }
}

struct LogOptions: VariableOptions {
    @Option(help: .of("LOG_FORMAT")) var logFormat: String?
    @Option(help: .of("LOG_LEVEL")) var logLevel: String?
    @Option(help: .of("ACCESS_LOG_SAMPLE")) var accessLogSample: String?

    var values: [String: String?] {
        ["LOG_FORMAT": logFormat, "LOG_LEVEL": logLevel, "ACCESS_LOG_SAMPLE": accessLogSample]
    }
}

struct ShutdownOptions: VariableOptions {
    @Option(help: .of("DRAIN_DELAY_SECONDS")) var drainDelaySeconds: String?
    @Option(help: .of("DRAIN_TIMEOUT_SECONDS")) var drainTimeoutSeconds: String?

    var values: [String: String?] {
        ["DRAIN_DELAY_SECONDS": drainDelaySeconds, "DRAIN_TIMEOUT_SECONDS": drainTimeoutSeconds]
    }
}

extension Serve {
    /// What the help text says of every option, for the whole program's: the parts after the overview and the usage.
    static var sections: String {
        let parts = helpMessage().split(separator: "\n\n", omittingEmptySubsequences: true)
        let options = parts.filter { part in
            !["OVERVIEW:", "USAGE:", "OPTIONS:"].contains { part.hasPrefix($0) }
        }
        return options.joined(separator: "\n\n")
    }
}
