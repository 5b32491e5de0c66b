/// How Sentinels are spoken to.
public struct SentinelConnectionSettings: Sendable {
    public var credentials: RedisCredentials?
    /// `nil` for connections in clear text.
    public var tls: RedisTLS?

    public init(credentials: RedisCredentials? = nil, tls: RedisTLS? = nil) {
        self.credentials = credentials
        self.tls = tls
    }
}
