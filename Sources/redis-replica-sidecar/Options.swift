import ArgumentParser
import ServiceProgram
import Settings

extension ArgumentHelp {
    static func of(_ name: String) -> ArgumentHelp { .of(VariableList.sidecar[name]) }
}

struct ListeningOptions: VariableOptions {
    @Option(name: .customLong("sidecar-host"), help: .of("SIDECAR_HOST")) var host: String?
    @Option(name: .customLong("sidecar-port"), help: .of("SIDECAR_PORT")) var port: String?

    var values: [String: String?] { ["SIDECAR_HOST": host, "SIDECAR_PORT": port] }
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

struct LogOptions: VariableOptions {
    @Option(help: .of("LOG_FORMAT")) var logFormat: String?
    @Option(help: .of("LOG_LEVEL")) var logLevel: String?

    var values: [String: String?] { ["LOG_FORMAT": logFormat, "LOG_LEVEL": logLevel] }
}
