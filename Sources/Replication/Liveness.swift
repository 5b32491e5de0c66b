/// Whether a process is a living server, judged by its reply to PING.
///
/// Whatever a server answers, its event loop runs: to kill it for loading, for a long script or for a password would lose
/// what it has. Only silence, a closed connection and an answer that is not Redis' are no life.
public enum Liveness: Equatable, Sendable {
    case answers
    /// Alive, and cannot say PONG now.
    case refuses(Refusal)
    /// Something else listens there.
    case notRedis

    public enum Refusal: Equatable, Sendable {
        case loading, masterDown, busy, needsPassword, mayNotPing
        /// The error's first word.
        case other(String)
    }

    /// - Parameter error: the server's error, for instance `LOADING Redis is loading the dataset in memory`.
    public init(error: String) {
        let code = String(error.prefix { $0 != " " })
        switch code {
        case "LOADING": self = .refuses(.loading)
        case "MASTERDOWN": self = .refuses(.masterDown)
        case "BUSY": self = .refuses(.busy)
        case "NOAUTH": self = .refuses(.needsPassword)
        case "NOPERM": self = .refuses(.mayNotPing)
        default: self = .refuses(.other(code))
        }
    }

    public var isAlive: Bool { self != .notRedis }
}

extension Liveness: CustomStringConvertible {
    public var description: String {
        switch self {
        case .answers: "live: answers PING"
        case .refuses(.loading): "live: loading its data (LOADING)"
        case .refuses(.masterDown): "live: its master is down (MASTERDOWN)"
        case .refuses(.busy): "live: busy with a script (BUSY)"
        case .refuses(.needsPassword): "live: asks for a password (NOAUTH)"
        case .refuses(.mayNotPing): "live: this user may not PING (NOPERM)"
        case .refuses(.other(let code)): "live: answers PING with \(code)"
        case .notRedis: "not live: what listens there does not answer PING as Redis does"
        }
    }
}
