import ArgumentParser
import ServiceProgram
import Settings

extension ArgumentHelp {
    static func of(_ name: String) -> ArgumentHelp { .of(VariableList.sidecar[name]) }

    static func ofSupervisor(_ name: String) -> ArgumentHelp { .of(VariableList.supervisor[name]) }
}

struct ListeningOptions: VariableOptions {
    @Option(name: .customLong("sidecar-host"), help: .of("SIDECAR_HOST")) var host: String?
    @Option(name: .customLong("sidecar-port"), help: .of("SIDECAR_PORT")) var port: String?

    @Option(name: .customLong("sidecar-token-file"), help: .of("SIDECAR_TOKEN_FILE")) var tokenFile: String?
    @Option(name: .customLong("sidecar-allowed-hosts"), help: .of("SIDECAR_ALLOWED_HOSTS")) var hosts: String?

    var values: [String: String?] {
        [
            "SIDECAR_HOST": host, "SIDECAR_PORT": port, "SIDECAR_TOKEN_FILE": tokenFile, "SIDECAR_ALLOWED_HOSTS": hosts,
        ]
    }
}

struct ServerOptions: VariableOptions {
    @Option(name: .customLong("sidecar-redis"), help: .of("SIDECAR_REDIS")) var redis: String?

    var values: [String: String?] { ["SIDECAR_REDIS": redis] }
}

struct DecidingOptions: VariableOptions {
    @Flag(name: [.customLong("sidecar-dry-run"), .customLong("dry-run")], help: .of("SIDECAR_DRY_RUN"))
    var isDryRun = false
    @Option(name: .customLong("sidecar-on-loss"), help: .of("SIDECAR_ON_LOSS")) var onLoss: String?
    @Option(name: .customLong("sidecar-stable-milliseconds"), help: .of("SIDECAR_STABLE_MILLISECONDS"))
    var stability: String?
    @Option(name: .customLong("sidecar-min-interval-seconds"), help: .of("SIDECAR_MIN_INTERVAL_SECONDS"))
    var interval: String?
    @Option(name: .customLong("sidecar-max-silence-seconds"), help: .of("SIDECAR_MAX_SILENCE_SECONDS"))
    var silence: String?

    var values: [String: String?] {
        [
            "SIDECAR_DRY_RUN": isDryRun ? "yes" : nil, "SIDECAR_ON_LOSS": onLoss,
            "SIDECAR_STABLE_MILLISECONDS": stability, "SIDECAR_MIN_INTERVAL_SECONDS": interval,
            "SIDECAR_MAX_SILENCE_SECONDS": silence,
        ]
    }
}

struct SentinelOptions: VariableOptions {
    @Option(name: .customLong("redis-sentinel-host"), help: .of("REDIS_SENTINEL_HOST")) var host: String?
    @Option(name: .customLong("redis-sentinel-port-number"), help: .of("REDIS_SENTINEL_PORT_NUMBER"))
    var port: String?
    @Option(name: .customLong("redis-sentinel-master-name"), help: .of("REDIS_SENTINEL_MASTER_NAME"))
    var name: String?
    @Option(name: .customLong("redis-sentinel-username"), help: .of("REDIS_SENTINEL_USERNAME")) var user: String?
    @Option(name: .customLong("redis-sentinel-password-file"), help: .of("REDIS_SENTINEL_PASSWORD_FILE"))
    var passwordFile: String?
    @Option(name: .customLong("redis-sentinel-tls"), help: .of("REDIS_SENTINEL_TLS")) var usesTLS: String?

    var values: [String: String?] {
        [
            "REDIS_SENTINEL_HOST": host, "REDIS_SENTINEL_PORT_NUMBER": port, "REDIS_SENTINEL_MASTER_NAME": name,
            "REDIS_SENTINEL_USERNAME": user, "REDIS_SENTINEL_PASSWORD_FILE": passwordFile,
            "REDIS_SENTINEL_TLS": usesTLS,
        ]
    }
}

struct ReadinessOptions: VariableOptions {
    @Flag(name: [.customLong("sidecar-require-link"), .customLong("require-link")], help: .of("SIDECAR_REQUIRE_LINK"))
    var requiresLink = false
    @Option(
        name: [.customLong("sidecar-max-lag-bytes"), .customLong("max-lag-bytes")], help: .of("SIDECAR_MAX_LAG_BYTES"))
    var bytes: String?
    @Option(
        name: [.customLong("sidecar-max-lag-seconds"), .customLong("max-lag-seconds")],
        help: .of("SIDECAR_MAX_LAG_SECONDS"))
    var seconds: String?

    var values: [String: String?] {
        [
            "SIDECAR_REQUIRE_LINK": requiresLink ? "yes" : nil, "SIDECAR_MAX_LAG_BYTES": bytes,
            "SIDECAR_MAX_LAG_SECONDS": seconds,
        ]
    }
}

struct SecretOptions: VariableOptions {
    @Option(name: .customLong("sidecar-password-overlap-seconds"), help: .of("SIDECAR_PASSWORD_OVERLAP_SECONDS"))
    var overlap: String?

    var values: [String: String?] { ["SIDECAR_PASSWORD_OVERLAP_SECONDS": overlap] }
}

struct SupervisingOptions: VariableOptions {
    @Option(name: .customLong("supervise-init"), help: .ofSupervisor("SUPERVISE_INIT")) var program: String?
    @Option(name: .customLong("supervise-stop-seconds"), help: .ofSupervisor("SUPERVISE_STOP_SECONDS"))
    var stop: String?
    @Option(
        name: .customLong("supervise-silence-milliseconds"), help: .ofSupervisor("SUPERVISE_SILENCE_MILLISECONDS"))
    var silence: String?

    var values: [String: String?] {
        ["SUPERVISE_INIT": program, "SUPERVISE_STOP_SECONDS": stop, "SUPERVISE_SILENCE_MILLISECONDS": silence]
    }
}

struct FailoverOptions: VariableOptions {
    @Option(help: .ofSupervisor("FAILOVER_STORE")) var failoverStore: String?
    @Option(help: .ofSupervisor("FAILOVER_NODES")) var failoverNodes: String?
    @Option(help: .ofSupervisor("FAILOVER_NODE")) var failoverNode: String?
    @Option(name: .customLong("pod-uid"), help: .ofSupervisor("POD_UID")) var podUID: String?
    @Option(help: .ofSupervisor("FAILOVER_WRITE_QUORUM")) var failoverWriteQuorum: String?
    @Option(help: .ofSupervisor("FAILOVER_LEASE_SECONDS")) var failoverLeaseSeconds: String?
    @Option(help: .ofSupervisor("FAILOVER_PRIORITY")) var failoverPriority: String?

    var values: [String: String?] {
        [
            "FAILOVER_STORE": failoverStore, "FAILOVER_NODES": failoverNodes, "FAILOVER_NODE": failoverNode,
            "POD_UID": podUID, "FAILOVER_WRITE_QUORUM": failoverWriteQuorum,
            "FAILOVER_LEASE_SECONDS": failoverLeaseSeconds, "FAILOVER_PRIORITY": failoverPriority,
        ]
    }
}

struct FailoverSocketOptions: VariableOptions {
    @Option(help: .ofSupervisor("FAILOVER_SOCKET")) var failoverSocket: String?

    var values: [String: String?] { ["FAILOVER_SOCKET": failoverSocket] }
}

struct LeaseStoreOptions: VariableOptions {
    @Option(help: .ofSupervisor("FAILOVER_LEASE_NAME")) var failoverLeaseName: String?
    @Option(help: .ofSupervisor("POD_NAMESPACE")) var podNamespace: String?
    @Option(help: .ofSupervisor("FAILOVER_SERVICE")) var failoverService: String?
    @Option(name: .customLong("pod-ips"), help: .ofSupervisor("POD_IPS")) var podAddresses: String?
    @Option(help: .ofSupervisor("ETCD_ENDPOINTS")) var etcdEndpoints: String?
    @Option(help: .ofSupervisor("ETCD_LEASE_KEY")) var etcdLeaseKey: String?
    @Option(help: .ofSupervisor("ETCD_USER")) var etcdUser: String?
    @Option(help: .ofSupervisor("ETCD_PASSWORD_FILE")) var etcdPasswordFile: String?
    @Option(name: .customLong("etcd-ca-file"), help: .ofSupervisor("ETCD_CA_FILE")) var etcdAuthorities: String?
    @Option(help: .ofSupervisor("ETCD_CERTIFICATE_FILE")) var etcdCertificateFile: String?
    @Option(help: .ofSupervisor("ETCD_KEY_FILE")) var etcdKeyFile: String?

    var values: [String: String?] {
        [
            "FAILOVER_LEASE_NAME": failoverLeaseName, "POD_NAMESPACE": podNamespace,
            "FAILOVER_SERVICE": failoverService, "POD_IPS": podAddresses, "ETCD_ENDPOINTS": etcdEndpoints,
            "ETCD_LEASE_KEY": etcdLeaseKey, "ETCD_USER": etcdUser, "ETCD_PASSWORD_FILE": etcdPasswordFile,
            "ETCD_CA_FILE": etcdAuthorities, "ETCD_CERTIFICATE_FILE": etcdCertificateFile,
            "ETCD_KEY_FILE": etcdKeyFile,
        ]
    }
}

struct SupervisorListeningOptions: VariableOptions {
    @Option(name: .customLong("sidecar-host"), help: .ofSupervisor("SIDECAR_HOST")) var host: String?
    @Option(name: .customLong("sidecar-port"), help: .ofSupervisor("SIDECAR_PORT")) var port: String?
    @Option(name: .customLong("sidecar-allowed-hosts"), help: .ofSupervisor("SIDECAR_ALLOWED_HOSTS")) var hosts: String?

    var values: [String: String?] {
        ["SIDECAR_HOST": host, "SIDECAR_PORT": port, "SIDECAR_ALLOWED_HOSTS": hosts]
    }
}

struct SupervisorSecretOptions: VariableOptions {
    @Option(
        name: .customLong("sidecar-password-overlap-seconds"), help: .ofSupervisor("SIDECAR_PASSWORD_OVERLAP_SECONDS"))
    var overlap: String?

    var values: [String: String?] { ["SIDECAR_PASSWORD_OVERLAP_SECONDS": overlap] }
}

struct LogOptions: VariableOptions {
    @Option(help: .of("LOG_FORMAT")) var logFormat: String?
    @Option(help: .of("LOG_LEVEL")) var logLevel: String?

    var values: [String: String?] { ["LOG_FORMAT": logFormat, "LOG_LEVEL": logLevel] }
}

/// For the sidecar that watches, and for those that speak to it: one type, for a command hands the values of its groups to its
/// subcommands by their types.
struct SocketOptions: VariableOptions {
    @Option(name: .customLong("sidecar-socket"), help: .of("SIDECAR_SOCKET")) var socket: String?

    var values: [String: String?] { ["SIDECAR_SOCKET": socket] }
}
