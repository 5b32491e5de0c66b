import CLinux
import Glibc
import RedisClient
import ReplicaInit
import ReplicaSidecar
import Settings
import SidecarService

extension SidecarConfiguration {
    /// What flags and environment say.
    init(_ settings: GivenSettings) throws(ConfigurationError) {
        var keeper = ReplicaKeeper.Settings(configured: nil)
        keeper.isDryRun = try settings.isYes("SIDECAR_DRY_RUN") ?? false
        keeper.followsAnything = try settings.choice("SIDECAR_ON_LOSS") == "follow"
        keeper.stability = .milliseconds(try settings.count("SIDECAR_STABLE_MILLISECONDS"))
        keeper.minimumInterval = .seconds(try settings.count("SIDECAR_MIN_INTERVAL_SECONDS"))
        keeper.maximumSilenceSeconds = Int64(try settings.count("SIDECAR_MAX_SILENCE_SECONDS"))
        var bounds = ReadinessBounds()
        bounds.requiresLink = try settings.isYes("SIDECAR_REQUIRE_LINK") ?? false
        bounds.maximumLagBytes = try settings.number("SIDECAR_MAX_LAG_BYTES").map { Int64($0) }
        bounds.maximumLagSeconds = try settings.number("SIDECAR_MAX_LAG_SECONDS").map { Int64($0) }
        self.init(
            keeper: keeper, readiness: bounds, environment: .ofProcess, identity: .ofProcess,
            server: try Self.server(settings))
        passwordOverlap = .seconds(try settings.count("SIDECAR_PASSWORD_OVERLAP_SECONDS"))
    }

    private static func server(_ settings: GivenSettings) throws(ConfigurationError) -> ProbeTarget.Endpoint? {
        guard let text = settings.value("SIDECAR_REDIS") else { return nil }
        if text.hasPrefix("/") { return .socket(Array(text.utf8)) }
        guard let endpoint = RedisEndpoint(parsing: text, defaultPort: 6379),
            RedisTLS.isAddress(endpoint.host) || endpoint.host == "localhost"
        else {
            let name = settings.name("SIDECAR_REDIS")
            throw .ofProgram(
                "\(name) is '\(text)'; give it an address and a port, such as 127.0.0.1:6379, or the path of a Unix socket",
                isUsage: name.isFlag)
        }
        return .tcp(host: Array(endpoint.host.utf8), port: endpoint.port)
    }
}

extension Environment {
    /// This process's own.
    fileprivate static var ofProcess: Environment {
        var entries: [[UInt8]] = []
        guard var entry = unsafe linux_environment() else { return Environment() }
        while let text = unsafe entry.pointee {
            unsafe entries.append(
                Array(UnsafeBufferPointer(start: text, count: strlen(text)).map(UInt8.init(bitPattern:))))
            unsafe entry += 1
        }
        return Environment(entries: entries)
    }
}

extension Identity {
    fileprivate static var ofProcess: Identity {
        var name = [CChar](repeating: 0, count: 256)
        let hasName = unsafe gethostname(&name, name.count - 1) == 0
        return Identity(
            userID: geteuid(), groupID: getegid(), groups: [],
            hostname: hasName ? name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)) : [])
    }
}
