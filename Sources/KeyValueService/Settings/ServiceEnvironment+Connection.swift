public import RedisClient
public import Settings

extension ServiceEnvironment {
    /// How connections to Redis are made. The files are read now, once.
    public func connection(_ readFile: FileReader) throws(ConfigurationError) -> RedisConnectionConfiguration {
        var connection = RedisConnectionConfiguration(credentials: try credentials(readFile))
        connection.database = try settings.count("REDIS_DATABASE")
        connection.tls = try tls(readFile)
        connection.maximumInFlight = try settings.count("REDIS_MAX_IN_FLIGHT")
        connection.maximumLargeReads = try settings.count("REDIS_MAX_LARGE_READS")
        let hold = try settings.number("WRITE_HOLD_MILLISECONDS")
        connection.writeHold = .milliseconds(hold ?? defaultHold)
        connection.sentinel = try sentinelAccess(readFile)
        let age = try settings.count("REDIS_CONNECTION_MAX_AGE_SECONDS")
        connection.maximumAge = age == 0 ? nil : .seconds(age)
        return connection
    }

    private var defaultHold: Int {
        if settings.value("REDIS_SENTINEL_HOST") != nil { return 4000 }
        return settings.value("REDIS_NODES") == nil ? 1000 : 2000
    }

    public func credentials(_ readFile: FileReader) throws(ConfigurationError) -> RedisCredentials? {
        if let password = try settings.secret("REDIS_PASSWORD", readFile) {
            return RedisCredentials(user: settings.value("REDIS_USER"), password: password)
        }
        guard settings.value("REDIS_USER") == nil else { throw .userWithoutPassword }
        return nil
    }
}

// MARK: - TLS

extension ServiceEnvironment {
    /// `nil` where the servers are spoken to in clear text.
    func tls(_ readFile: FileReader) throws(ConfigurationError) -> RedisTLS? {
        let verification = try verification()
        guard try isTLSEnabled() else { return nil }
        return try tls(verification, enabledBy: "REDIS_TLS_ENABLED", readFile)
    }

    /// - Parameter variable: the one that asks for it.
    func tls(
        _ verification: RedisTLS.Verification, enabledBy variable: String, _ readFile: FileReader
    ) throws(ConfigurationError) -> RedisTLS {
        guard settings.value("REDIS_TLS_CA_FILE") != nil else {
            throw .missing(
                "REDIS_TLS_CA_FILE", because: "\(settings.name(variable)) is set",
                cure: "name the file of the authority that signed the servers' certificates")
        }
        let authorities = try settings.file("REDIS_TLS_CA_FILE", readFile) ?? []
        let identity = try identity(readFile)
        do throws(RedisTLSError) {
            return try RedisTLS(
                authorities: authorities, identity: identity, verification: verification,
                serverName: settings.value("REDIS_TLS_SERVER_NAME"))
        } catch {
            throw unusable(error)
        }
    }

    private func isTLSEnabled() throws(ConfigurationError) -> Bool {
        if let isEnabled = try settings.isYes("REDIS_TLS_ENABLED") { return isEnabled }
        // Who names the files means to be encrypted, and would not be.
        for variable in ["REDIS_TLS_CA_FILE", "REDIS_TLS_CERT_FILE", "REDIS_TLS_KEY_FILE"]
        where settings.value(variable) != nil {
            throw .missing(
                "REDIS_TLS_ENABLED", because: "\(settings.name(variable)) is set",
                cure: "set REDIS_TLS_ENABLED to yes or no")
        }
        return false
    }

    func verification() throws(ConfigurationError) -> RedisTLS.Verification {
        if let serverName = settings.value("REDIS_TLS_SERVER_NAME"), RedisTLS.isAddress(serverName) {
            throw .addressForName(variable: settings.name("REDIS_TLS_SERVER_NAME"), serverName)
        }
        return try settings.choice("REDIS_TLS_VERIFY") == "ca" ? .authority : .full
    }

    private func identity(
        _ readFile: FileReader
    ) throws(ConfigurationError) -> (certificates: [UInt8], key: [UInt8])? {
        let certificate = try settings.file("REDIS_TLS_CERT_FILE", readFile)
        let key = try settings.file("REDIS_TLS_KEY_FILE", readFile)
        switch (certificate, key) {
        case (nil, nil): return nil
        case (let certificate?, let key?): return (certificate, key)
        case (_?, nil):
            throw .missing(
                "REDIS_TLS_KEY_FILE", because: "\(settings.name("REDIS_TLS_CERT_FILE")) is set",
                cure: "set both of them, or none")
        case (nil, _?):
            throw .missing(
                "REDIS_TLS_CERT_FILE", because: "\(settings.name("REDIS_TLS_KEY_FILE")) is set",
                cure: "set both of them, or none")
        }
    }

    private func unusable(_ error: RedisTLSError) -> ConfigurationError {
        func file(_ variable: String, _ cure: String) -> ConfigurationError {
            .unusableFile(variable: settings.name(variable), settings.value(variable) ?? "", cure: cure)
        }
        return switch error {
        case .authorities: file("REDIS_TLS_CA_FILE", "it has to hold certificates in PEM (-----BEGIN CERTIFICATE-----)")
        case .certificate:
            file("REDIS_TLS_CERT_FILE", "it has to hold a certificate in PEM (-----BEGIN CERTIFICATE-----)")
        case .key: file("REDIS_TLS_KEY_FILE", "it has to hold a private key in PEM, without a passphrase")
        case .pair: file("REDIS_TLS_KEY_FILE", "it is not the key of the certificate in REDIS_TLS_CERT_FILE")
        }
    }
}
