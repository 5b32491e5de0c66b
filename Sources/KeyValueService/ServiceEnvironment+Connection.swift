public import RedisClient

extension ServiceEnvironment {
    /// Gives a file's bytes, or an error whose description says why not.
    public typealias FileReader = (String) throws(ConfigurationError) -> [UInt8]

    /// How connections to Redis are made. The files are read now, once.
    public func connection(_ readFile: FileReader) throws(ConfigurationError) -> RedisConnectionConfiguration {
        var connection = RedisConnectionConfiguration(credentials: try credentials(readFile))
        connection.database = try number("REDIS_DATABASE", in: 0...Int(Int32.max), default: 0)
        connection.tls = try tls(readFile)
        connection.maximumInFlight = try number("REDIS_MAX_IN_FLIGHT", in: 1...1_000_000, default: 16_384)
        let age = try number("REDIS_CONNECTION_MAX_AGE_SECONDS", in: 0...604_800, default: 300)
        connection.maximumAge = age == 0 ? nil : .seconds(age)
        return connection
    }

    /// A number in decimal digits; nothing else, not even a sign.
    private func number(
        _ variable: String, in range: ClosedRange<Int>, default value: Int
    ) throws(ConfigurationError) -> Int {
        guard let text = values[variable] else { return value }
        guard text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }), let number = Int(text),
            range.contains(number)
        else { throw .notANumber(variable: variable, text, range) }
        return number
    }

    public func credentials(_ readFile: FileReader) throws(ConfigurationError) -> RedisCredentials? {
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

// MARK: - TLS

extension ServiceEnvironment {
    /// `nil` where the servers are spoken to in clear text.
    func tls(_ readFile: FileReader) throws(ConfigurationError) -> RedisTLS? {
        guard try isTLSEnabled() else { return nil }
        guard let authoritiesPath = values["REDIS_TLS_CA_FILE"] else {
            throw .missing(
                "REDIS_TLS_CA_FILE", because: "REDIS_TLS_ENABLED is set",
                cure: "name the file of the authority that signed the servers' certificates")
        }
        let verification = try verification()
        let authorities = try readFile(authoritiesPath)
        let identity = try identity(readFile)
        do throws(RedisTLSError) {
            return try RedisTLS(
                authorities: authorities, identity: identity, verification: verification,
                serverName: values["REDIS_TLS_SERVER_NAME"])
        } catch {
            throw unusable(error)
        }
    }

    private func isTLSEnabled() throws(ConfigurationError) -> Bool {
        switch values["REDIS_TLS_ENABLED"]?.lowercased() {
        case "yes", "true", "1", "on": return true
        case "no", "false", "0", "off": return false
        case nil:
            // Who names the files means to be encrypted, and would not be.
            for variable in ["REDIS_TLS_CA_FILE", "REDIS_TLS_CERT_FILE", "REDIS_TLS_KEY_FILE"]
            where values[variable] != nil {
                throw .missing(
                    "REDIS_TLS_ENABLED", because: "\(variable) is set", cure: "set REDIS_TLS_ENABLED to yes or no")
            }
            return false
        case .some:
            throw .unknownChoice(
                variable: "REDIS_TLS_ENABLED", values["REDIS_TLS_ENABLED"] ?? "", choices: "yes or no")
        }
    }

    private func verification() throws(ConfigurationError) -> RedisTLS.Verification {
        if let name = values["REDIS_TLS_SERVER_NAME"], RedisTLS.isAddress(name) {
            throw .addressForName(variable: "REDIS_TLS_SERVER_NAME", name)
        }
        switch values["REDIS_TLS_VERIFY"] {
        case nil, "full": return .full
        case "ca": return .authority
        case let other?: throw .unknownChoice(variable: "REDIS_TLS_VERIFY", other, choices: "full or ca")
        }
    }

    private func identity(
        _ readFile: FileReader
    ) throws(ConfigurationError) -> (certificates: [UInt8], key: [UInt8])? {
        switch (values["REDIS_TLS_CERT_FILE"], values["REDIS_TLS_KEY_FILE"]) {
        case (nil, nil): return nil
        case (let certificate?, let key?): return (try readFile(certificate), try readFile(key))
        case (_?, nil):
            throw .missing(
                "REDIS_TLS_KEY_FILE", because: "REDIS_TLS_CERT_FILE is set", cure: "set both of them, or none")
        case (nil, _?):
            throw .missing(
                "REDIS_TLS_CERT_FILE", because: "REDIS_TLS_KEY_FILE is set", cure: "set both of them, or none")
        }
    }

    private func unusable(_ error: RedisTLSError) -> ConfigurationError {
        func file(_ variable: String, _ cure: String) -> ConfigurationError {
            .unusableFile(variable: variable, values[variable] ?? "", cure: cure)
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
