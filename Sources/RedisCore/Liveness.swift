/// Whether a process is a living server, judged by its reply to PING.
///
/// A server that answers at all has a running event loop. Killing it for loading, a long script or a password would lose
/// its data. Only silence, a closed connection or an answer that is not Redis' count as dead.
public enum Liveness: Equatable, Sendable {
    case answers
    /// Alive, and cannot say PONG now.
    case refuses(Refusal)
    /// Something else listens there.
    case notRedis

    public enum Refusal: Equatable, Sendable {
        case loading, masterDown, busy, needsPassword, mayNotPing
        /// The configuration gives the command another name.
        case pingIsRenamed
        /// The error's first word.
        case other(String)
    }

    /// - Parameter error: the server's error, for instance `LOADING Redis is loading the dataset in memory`.
    public init(error: String) {
        let code = printable(error.utf8.prefix { $0 != UInt8(ascii: " ") }, limit: 32)
        switch RedisErrorCode(of: error.utf8) {
        case .loading: self = .refuses(.loading)
        case .masterDown: self = .refuses(.masterDown)
        case .busy: self = .refuses(.busy)
        case .needsPassword: self = .refuses(.needsPassword)
        case .needsPermission: self = .refuses(.mayNotPing)
        case .generic where error.hasPrefix("ERR unknown command"): self = .refuses(.pingIsRenamed)
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
        case .refuses(.pingIsRenamed):
            "live: answers, and does not know PING: its configuration renames it (rename-command)"
        case .refuses(.other(let code)): "live: answers PING with \(code)"
        case .notRedis: "not live: what listens there does not answer PING as Redis does"
        }
    }
}
