import RedisClient
import RedisCore
import Settings

/// Where Sentinel decides which server is the master.
extension ServiceEnvironment {
    /// Who is asked, and for which master; `nil` where Sentinel does not decide.
    func sentinel() throws(ConfigurationError) -> SentinelSettings? {
        _ = try settings.port("REDIS_SENTINEL_PORT_NUMBER")
        do throws(SentinelSettingsFault) {
            return try SentinelSettings(
                hosts: settings.value("REDIS_SENTINEL_HOST"), port: settings.value("REDIS_SENTINEL_PORT_NUMBER"),
                masterName: settings.value("REDIS_SENTINEL_MASTER_NAME"))
        } catch {
            let name = settings.name(error.variable)
            throw .ofProgram("\(name): \(error.problem); \(error.cure)", isUsage: name.isFlag)
        }
    }

    /// How they are spoken to.
    func sentinelAccess(_ readFile: FileReader) throws(ConfigurationError) -> SentinelConnectionSettings {
        var access = SentinelConnectionSettings()
        let user = settings.value("REDIS_SENTINEL_USERNAME")
        if let password = try settings.secret("REDIS_SENTINEL_PASSWORD", readFile) {
            access.credentials = RedisCredentials(user: user, password: password)
        } else if user != nil {
            throw .ofProgram(
                "\(settings.name("REDIS_SENTINEL_USERNAME")) is set without a password; set REDIS_SENTINEL_PASSWORD or "
                    + "REDIS_SENTINEL_PASSWORD_FILE", isUsage: false)
        }
        if try settings.isYes("REDIS_SENTINEL_TLS") == true, settings.value("REDIS_SENTINEL_HOST") != nil {
            access.tls = try tls(try verification(), enabledBy: "REDIS_SENTINEL_TLS", readFile)
        }
        return access
    }

    /// What is given and not read, since Sentinel decides: a line each.
    func overruledBySentinel() -> [String] {
        guard settings.value("REDIS_SENTINEL_HOST") != nil else { return [] }
        return ["REDIS_NODES", "REDIS_MASTER_SERVICE_HOST"].filter { settings.value($0) != nil }.map {
            "\(settings.name($0)) is not read: Sentinel decides which server is the master "
                + "(\(settings.name("REDIS_SENTINEL_HOST")))"
        }
    }
}
