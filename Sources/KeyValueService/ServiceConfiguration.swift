/// What a service is told when it starts.
public struct ServiceConfiguration: Sendable {
    /// The name in `You've hit <NAME>`.
    public var hostName: String
    /// The `pod_ip` of the answers.
    public var podIP: String
    public var limits = HTTPLimits()

    public init(hostName: String, podIP: String) {
        self.hostName = hostName
        self.podIP = podIP
    }
}
