/// An address and a port: on this machine's loopback, or in a network namespace of it.
public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// A literal address.
    public let host: String
    public let port: Int

    public init(host: String = "127.0.0.1", port: Int) {
        self.host = host
        self.port = port
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
