import CLinux
import Glibc
import HTTPWire
import RedisClient
import RedisCore
import ReplicaAgent
import ReplicaPlanning
import ReplicaReconciler
import ServiceProgram
import Settings

extension SidecarConfiguration {
    /// What flags and environment say.
    init(_ settings: GivenSettings) throws(ConfigurationError) {
        var reconciler = Reconciler.Settings(configured: nil)
        reconciler.isDryRun = try settings.isYes("SIDECAR_DRY_RUN") ?? false
        reconciler.followsAnything = try settings.choice("SIDECAR_ON_LOSS") == "follow"
        reconciler.stability = .milliseconds(try settings.count("SIDECAR_STABLE_MILLISECONDS"))
        reconciler.minimumInterval = .seconds(try settings.count("SIDECAR_MIN_INTERVAL_SECONDS"))
        reconciler.maximumSilenceSeconds = Int64(try settings.count("SIDECAR_MAX_SILENCE_SECONDS"))
        var bounds = ReadinessBounds()
        bounds.requiresLink = try settings.isYes("SIDECAR_REQUIRE_LINK") ?? false
        bounds.maximumLagBytes = try settings.number("SIDECAR_MAX_LAG_BYTES").map { Int64($0) }
        bounds.maximumLagSeconds = try settings.number("SIDECAR_MAX_LAG_SECONDS").map { Int64($0) }
        self.init(
            reconciler: reconciler, readiness: bounds, environment: .ofProcess, identity: .ofProcess,
            server: try Self.server(settings))
        passwordOverlap = .seconds(try settings.count("SIDECAR_PASSWORD_OVERLAP_SECONDS"))
        sentinel = try Self.sentinel(settings)
        // The flag as well as the variable: the certificates are read with the others.
        environment["REDIS_SENTINEL_TLS"] = sentinel?.usesTLS == true ? Array("yes".utf8) : nil
        if let sentinel, environment[SentinelSettings.hostVariable] == nil {
            let list = sentinel.settings.sentinels.map(\.description).joined(separator: ",")
            environment[SentinelSettings.hostVariable] = Array(list.utf8)
        }
        token = try Self.token(settings)
        moreHosts = try Self.moreHosts(settings)
    }

    static func moreHosts(_ settings: GivenSettings) throws(ConfigurationError) -> [String]? {
        guard let text = settings.value("SIDECAR_ALLOWED_HOSTS") else { return [] }
        if text == "*" { return nil }
        guard let names = AllowedHosts.names(parsing: text) else {
            let name = settings.name("SIDECAR_ALLOWED_HOSTS")
            throw .ofProgram(
                "\(name) is '\(text.shown)'; write host names or addresses without a port, separated by commas, at most "
                    + "\(AllowedHosts.maximum), or * alone", isUsage: name.isFlag)
        }
        return names
    }

    private static func sentinel(_ settings: GivenSettings) throws(ConfigurationError) -> SentinelAccess? {
        _ = try settings.port("REDIS_SENTINEL_PORT_NUMBER")
        let user = settings.value("REDIS_SENTINEL_USERNAME")
        let password = try settings.secret("REDIS_SENTINEL_PASSWORD", readFile)
        let usesTLS = try settings.isYes("REDIS_SENTINEL_TLS") ?? false
        if user != nil, password == nil {
            let name = settings.name("REDIS_SENTINEL_USERNAME")
            throw .ofProgram(
                "\(name) is set without a password; set REDIS_SENTINEL_PASSWORD or REDIS_SENTINEL_PASSWORD_FILE",
                isUsage: name.isFlag)
        }
        do throws(SentinelSettingsFault) {
            let found = try SentinelSettings(
                hosts: settings.value("REDIS_SENTINEL_HOST"), port: settings.value("REDIS_SENTINEL_PORT_NUMBER"),
                masterName: settings.value("REDIS_SENTINEL_MASTER_NAME"))
            return found.map {
                SentinelAccess($0, user: user.map { Array($0.utf8) }, password: password, usesTLS: usesTLS)
            }
        } catch {
            let name = settings.name(error.variable)
            throw .ofProgram("\(name): \(error.problem); \(error.cure)", isUsage: name.isFlag)
        }
    }

    private static func token(_ settings: GivenSettings) throws(ConfigurationError) -> SidecarToken? {
        guard var bytes = try settings.file("SIDECAR_TOKEN_FILE", readFile) else { return nil }
        // An editor's or `echo`'s newline is not part of the token.
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        guard let token = SidecarToken(bytes) else {
            let name = settings.name("SIDECAR_TOKEN_FILE")
            throw .ofProgram(
                "the file of \(name) holds no token; a token is 16 to 4096 visible ASCII characters without a space",
                isUsage: name.isFlag)
        }
        return token
    }

    private static func server(_ settings: GivenSettings) throws(ConfigurationError) -> ProbeTarget.Endpoint? {
        guard let text = settings.value("SIDECAR_REDIS") else { return nil }
        if text.hasPrefix("/") { return .socket(Array(text.utf8)) }
        guard let endpoint = RedisEndpoint(parsing: text, defaultPort: 6379),
            RedisTLS.isAddress(endpoint.host) || endpoint.host == "localhost"
        else {
            let name = settings.name("SIDECAR_REDIS")
            // In front of an `@` there may be a password.
            throw .ofProgram(
                "\(name) \(text.contains("@") ? "has an '@' in it" : "is '\(text.shown)'"); give it an address and a "
                    + "port, such as 127.0.0.1:6379, or the path of a Unix socket", isUsage: name.isFlag)
        }
        return .tcp(host: Array(endpoint.host.utf8), port: endpoint.port)
    }
}

extension Environment {
    /// This process's own.
    static var ofProcess: Environment {
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
    static var ofProcess: Identity {
        var name = [CChar](repeating: 0, count: 256)
        let hasName = unsafe gethostname(&name, name.count - 1) == 0
        return Identity(
            userID: geteuid(), groupID: getegid(), groups: [],
            hostname: hasName ? name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)) : [])
    }
}

extension GivenSettings {
    /// Where the sidecar takes confirmations of its own user.
    var socketPath: String { value("SIDECAR_SOCKET") ?? ConfirmationSocket.defaultPath(.ofProcess) }

    /// Where the agent of fail-over takes the orders of a person.
    var failoverSocketPath: String {
        value("FAILOVER_SOCKET") ?? ConfirmationSocket.defaultPath(.ofProcess, name: "failover.sock")
    }
}
