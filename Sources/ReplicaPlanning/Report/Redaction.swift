import RedisConf

extension Plan {
    /// The configuration for showing: every password, also one in a comment, is replaced by asterisks.
    public var redactedConfiguration: [UInt8] { Document(configuration).redacted() }
}
