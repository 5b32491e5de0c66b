import Logging
import NIOConcurrencyHelpers
import NIOCore
import RedisCore

/// Tells an operator what error replies to commands ask of him: once when they begin, whichever event loop meets them, and
/// again after a minute without.
final class Complaints: Sendable {
    static let quietTime: TimeAmount = .seconds(60)

    private let logger: Logger
    private let lastMet = NIOLockedValueBox<[String: NIODeadline]>([:])

    init(logger: Logger) { self.logger = logger }

    /// - Parameter code: an error's first word, behind NOPERM the command that was refused; those that ask nothing of an
    ///   operator are ignored.
    func note(_ code: String, from endpoint: RedisEndpoint, at now: NIODeadline) {
        guard let words = Self.words(for: code) else { return }
        if isNew(code, from: endpoint, at: now) { logger.warning("redis \(endpoint) \(words)") }
    }

    /// Tells of a reply that could not be used, on a connection that tells nothing else: what else happens to it happens to
    /// others, too.
    ///
    /// - Parameter words: go on from the server's name.
    func note(unreadable words: String, from endpoint: RedisEndpoint, at now: NIODeadline) {
        if isNew("unreadable", from: endpoint, at: now) { logger.warning("redis \(endpoint) \(words)") }
    }

    private func isNew(_ code: String, from endpoint: RedisEndpoint, at now: NIODeadline) -> Bool {
        lastMet.withLockedValue { lastMet in
            let before = lastMet.updateValue(now, forKey: "\(endpoint) \(code)")
            return before.map { now - $0 > Self.quietTime } ?? true
        }
    }

    /// What a code asks of an operator, if it does.
    static func words(for code: String) -> String? {
        if code.hasPrefix("NOPERM ") {
            let command = code.dropFirst("NOPERM ".count)
            return "does not let this user run \(command.uppercased()): grant +\(command) (ACL SETUSER)"
        }
        let known = RedisErrorCode(rawValue: code)
        return switch known {
        case .needsPassword: "asks for a password: set REDIS_PASSWORD or REDIS_PASSWORD_FILE"
        case .wrongPassword: known?.words.map { "\($0): check REDIS_USER and REDIS_PASSWORD" }
        case .needsPermission:
            """
            does not let this user run the app's commands: \
            grant +get +set +info +ping +exists +del +unlink +pttl +scan +wait +strlen +eval +evalsha +watch +multi +exec \
            +discard and its keys (ACL SETUSER)
            """
        case .outOfMemory, .cannotSave, .needsReplicas: known?.words
        default: nil
        }
    }

    /// The commands that the app sends; no other word of an error is repeated.
    private static let commands = [
        "get", "set", "info", "ping", "exists", "del", "unlink", "pttl", "scan", "wait", "strlen", "getrange", "eval",
        "evalsha", "watch", "multi", "exec", "discard",
    ]

    /// The command that an error names between quotes, if it is one of the app's: `… to run the 'exists' command`.
    static func command(in error: Span<UInt8>) -> String? {
        let words = error.copied.split(separator: UInt8(ascii: "'"), maxSplits: 2)
        guard words.count > 1 else { return nil }
        let word = String(decoding: words[1], as: UTF8.self).lowercased()
        return commands.contains(word) ? word : nil
    }
}
