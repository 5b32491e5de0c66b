/// The configuration of a service at its start.
public struct ServiceConfiguration: Sendable {
    /// The name in `You've hit <NAME>`.
    public var hostName: String
    /// The `pod_ip` of the answers.
    public var podIP: String
    public var limits = HTTPLimits()
    /// Of so many answers one is logged; 0 for none. Those that failed (5xx) are logged all the same.
    public var accessLogSample = 0
    /// Whose pages may read the answers in a browser.
    public var allowedOrigins = AllowedOrigins.none
    /// What clients have to show, as a bearer token (RFC 6750); `nil` where every client is served.
    public var apiToken: [UInt8]?

    /// Further names by which clients may call a service that listens on loopback without a token; `nil` for every name.
    public var moreHosts: [String]? = []

    public init(hostName: String, podIP: String) {
        self.hostName = hostName
        self.podIP = podIP
    }
}
