import Hiredis

/// A command that was sent, as far as its reply is concerned: what may come, and how much of it.
public enum RedisCommand: Equatable, Sendable {
    case get, set, del, exists, strlen, pttl, ping, wait, eval, watch, multi, exec, discard, auth, select, info
    /// - Parameter count: as in COUNT, which is neither a bound nor a promise.
    case scan(count: Int)
    /// Any other one.
    ///
    /// - Parameters:
    ///   - elements: of all arrays of the reply together; 0 for none.
    ///   - bytes: what the reply may take in memory.
    case other(_ name: String, elements: Int, bytes: Int)

    /// What may come.
    var expectedReply: ExpectedReply {
        switch self {
        case .get: ExpectedReply(to: "GET")
        case .info: .information
        case .scan(let count):
            ExpectedReply(to: "SCAN", elements: Self.elements(count: count))
        // One reply for each command of the transaction: there is one that writes.
        case .exec: ExpectedReply(to: "EXEC", elements: 4, bytes: ExpectedReply.smallBytes)
        case .other(let name, let elements, let bytes): ExpectedReply(to: name, elements: elements, bytes: bytes)
        case .set: .small(to: "SET")
        case .del: .small(to: "DEL")
        case .exists: .small(to: "EXISTS")
        case .strlen: .small(to: "STRLEN")
        case .pttl: .small(to: "PTTL")
        case .ping: .small(to: "PING")
        case .wait: .small(to: "WAIT")
        case .eval: .small(to: "EVAL")
        case .watch: .small(to: "WATCH")
        case .multi: .small(to: "MULTI")
        case .discard: .small(to: "DISCARD")
        case .auth: .small(to: "AUTH")
        case .select: .small(to: "SELECT")
        }
    }

    /// A page has a bucket of the server's table more than COUNT at the most, or several while the table is changed.
    private static func elements(count: Int) -> Int { 4096 + 4 * min(max(count, 0), 1 << 16) }
}
