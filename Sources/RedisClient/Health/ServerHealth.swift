public import RedisCore

/// What is known of a server's fitness to serve.
public enum ServerHealth: Equatable, Sendable {
    /// No connection is up, or the server has not answered yet.
    case unknown
    /// The server reads its data from disk or from its master: it answers `-LOADING`.
    case loading
    /// The server refuses us; the reason is for an operator and holds no secret.
    case refused(String)
    /// The server refuses our credentials, or its user what a handshake needs; the reason as above.
    case denied(String)
    case serving(ReplicationInfo)

    /// Whether a read may be sent there, and what it would be worth.
    public var readSuitability: ReadSuitability? {
        switch self {
        case .unknown, .loading, .refused, .denied: nil
        case .serving(let info): info.readSuitability
        }
    }

    /// Whether the server is known to replicate another one.
    var isReplica: Bool {
        switch self {
        case .unknown, .loading, .refused, .denied: false
        case .serving(let info): info.role == .replica
        }
    }
}
