import HTTPWire
public import Logging
public import Settings
public import Telemetry

/// The settings of both servers, the key-value service's and the hostname's.
extension ServiceEnvironment {
    /// `nil` for every interface.
    public func listeningHost() throws(ConfigurationError) -> String? { try settings.host("HOST") }

    public var podIP: String? { settings.value("POD_IP") }
    public var hostName: String? { settings.value("HOSTNAME") }

    public func listeningPort() throws(ConfigurationError) -> Int { try settings.port("PORT") }

    public func sharesPort() throws(ConfigurationError) -> Bool { try settings.isYes("SHARE_PORT") ?? false }

    /// `nil` for one a core.
    public func eventLoops() throws(ConfigurationError) -> Int? { try settings.number("EVENT_LOOPS") }

    /// `nil` where it depends on what stderr is.
    public func logFormat() throws(ConfigurationError) -> LogFormat? {
        try settings.choice("LOG_FORMAT").flatMap(LogFormat.init(rawValue:))
    }

    public func logLevel() throws(ConfigurationError) -> Logger.Level {
        try settings.choice("LOG_LEVEL").flatMap(Logger.Level.init(rawValue:)) ?? .info
    }

    /// How long requests are accepted after SIGTERM.
    public func drainDelay() throws(ConfigurationError) -> Duration {
        .seconds(try settings.count("DRAIN_DELAY_SECONDS"))
    }

    /// How long what is under way may take after that.
    public func drainTimeout() throws(ConfigurationError) -> Duration {
        .seconds(try settings.count("DRAIN_TIMEOUT_SECONDS"))
    }

    /// Of so many answers one is logged; 0 for none.
    public func accessLogSample() throws(ConfigurationError) -> Int { try settings.count("ACCESS_LOG_SAMPLE") }

    /// Whose pages may read the answers in a browser.
    public func allowedOrigins() throws(ConfigurationError) -> AllowedOrigins {
        guard let text = settings.value("CORS_ALLOWED_ORIGINS") else { return .none }
        guard let origins = AllowedOrigins(parsing: text) else {
            throw .notOrigins(variable: settings.name("CORS_ALLOWED_ORIGINS"), text)
        }
        return origins
    }

    /// By which names clients may call this service beside its own, where that is looked at; `nil` for every name.
    public func moreHosts() throws(ConfigurationError) -> [String]? {
        guard let text = settings.value("ALLOWED_HOSTS") else { return [] }
        if text == "*" { return nil }
        guard let names = AllowedHosts.names(parsing: text) else {
            throw .notHosts(variable: settings.name("ALLOWED_HOSTS"), text)
        }
        return names
    }

    /// What clients may ask of this process.
    ///
    /// - Parameter defaultBudgetMiB: where none is given.
    public func limits(defaultBudgetMiB: Int) throws(ConfigurationError) -> HTTPLimits {
        var limits = HTTPLimits()
        limits.maximumBodyBytes = try settings.count("MAX_BODY_MIB") << 20
        limits.memoryBudgetBytes = (try settings.number("MEMORY_BUDGET_MIB") ?? defaultBudgetMiB) << 20
        limits.maximumConnections = try settings.number("MAX_CONNECTIONS")
        limits.transferTimeout = .seconds(try settings.count("CLIENT_TIMEOUT_SECONDS"))
        limits.minimumBytesPerSecond = try settings.count("CLIENT_MIN_BYTES_PER_SECOND")
        return limits
    }

    /// What clients have to show as a bearer token; `nil` where every client is served.
    public func apiToken(_ readFile: FileReader) throws(ConfigurationError) -> [UInt8]? {
        guard let token = try settings.secret("API_TOKEN", readFile) else { return nil }
        let variable = settings.name(settings.value("API_TOKEN_FILE") == nil ? "API_TOKEN" : "API_TOKEN_FILE")
        // Shorter ones are guessed; longer ones do not fit into a request's head; others do not fit into a header field.
        guard 16...4096 ~= token.count, token.allSatisfy({ 0x21...0x7E ~= $0 }) else {
            throw .unusableToken(variable: variable)
        }
        return token
    }
}
