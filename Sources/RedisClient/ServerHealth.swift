public import Replication

/// What is known of a server's fitness to serve.
public enum ServerHealth: Equatable, Sendable {
    /// No connection is up, or the server has not answered yet.
    case unknown
    /// The server reads its data from disk or from its master: it answers `-LOADING`.
    case loading
    /// The server refuses us; the reason is for an operator and holds no secret.
    case refused(String)
    case serving(ReplicationInfo)

    /// Whether a read may be sent there, and what it would be worth.
    public var readSuitability: ReadSuitability? {
        switch self {
        case .unknown, .loading, .refused: nil
        case .serving(let info): info.readSuitability
        }
    }

    /// Whether the server is known to replicate another one.
    var isReplica: Bool {
        switch self {
        case .unknown, .loading, .refused: false
        case .serving(let info): info.role == .replica
        }
    }
}

/// Reads the replies to (AUTH,) INFO replication, INFO persistence.
final class HealthReceiver: ReplyReceiver {
    private let expected: Int
    private let completion: (ServerHealth) -> Void
    private var refusal: String?
    private var info: ReplicationInfo?
    private var isLoading = false

    /// - Parameter completion: called once with what the replies say; not at all when the connection fails, which
    ///   tells by other means.
    init(authenticates: Bool, completion: @escaping (ServerHealth) -> Void) {
        self.expected = authenticates ? 3 : 2
        self.completion = completion
    }

    override func receive(_ reply: RedisReply, at index: Int) {
        switch reply {
        case .error(let text): refusal = refusal ?? Self.explain(text)
        case .bulk(let text):
            if index == expected - 2 { info = ReplicationInfo(parsing: text) }
            if index == expected - 1 { isLoading = text.contains("\nloading:1") }
        case .simple, .integer, .null, .array: break
        }
        if index == expected - 1 { completion(health) }
    }

    override func fail(_ failure: RedisFailure) {}

    private var health: ServerHealth {
        if let refusal { return .refused(refusal) }
        if isLoading { return .loading }
        return info.map(ServerHealth.serving) ?? .refused("gave an answer to INFO that cannot be read")
    }

    /// Redis's error codes in an operator's words. The server's own text may quote what it was sent, so it is not shown.
    private static func explain(_ error: Span<UInt8>) -> String {
        let code = error.prefix(upTo: UInt8(ascii: " "))
        return switch code {
        case "NOAUTH": "asks for a password: set REDIS_PASSWORD or REDIS_PASSWORD_FILE"
        case "WRONGPASS": "refuses the user name or the password: check REDIS_USER and REDIS_PASSWORD"
        case "NOPERM": "does not let this user run INFO: grant +info (ACL SETUSER … +info)"
        case "DENIED": "is in protected mode and refuses other hosts: give it a password or a bind"
        default: "answers the handshake with -\(code)"
        }
    }
}
