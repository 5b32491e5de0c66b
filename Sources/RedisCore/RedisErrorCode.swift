/// The codes with which a server begins its error replies (redis/redis `src/server.c`, `createSharedObjects` and
/// `processCommand`; Valkey's are the same): the one table of them.
public enum RedisErrorCode: String, CaseIterable, Sendable {
    case generic = "ERR"
    case wrongType = "WRONGTYPE"
    case needsPassword = "NOAUTH"
    case wrongPassword = "WRONGPASS"
    case needsPermission = "NOPERM"
    case protected = "DENIED"
    case loading = "LOADING"
    case masterDown = "MASTERDOWN"
    case busy = "BUSY"
    case readOnly = "READONLY"
    case outOfMemory = "OOM"
    case cannotSave = "MISCONF"
    case needsReplicas = "NOREPLICAS"
    case unknownScript = "NOSCRIPT"
    case transactionAborted = "EXECABORT"
    case moved = "MOVED"
    case ask = "ASK"
    case tryAgain = "TRYAGAIN"
    case clusterDown = "CLUSTERDOWN"
    case crossSlot = "CROSSSLOT"
    case redirect = "REDIRECT"
    case unknownProtocol = "NOPROTO"
    /// A blocked command was let go by force.
    case unblocked = "UNBLOCKED"

    /// - Parameter error: an error reply without its `-`, for instance `LOADING Redis is loading the dataset in memory`.
    /// - Returns: `nil` for a code that is not in the table.
    public init?(of error: some Sequence<UInt8>) {
        // Longer than each of them.
        var code = ""
        for byte in error {
            guard byte != UInt8(ascii: " ") else { break }
            guard byte < 0x80, code.utf8.count < 24 else { return nil }
            code.unicodeScalars.append(Unicode.Scalar(byte))
        }
        self.init(rawValue: code)
    }

    /// The same of bytes that are borrowed.
    public init?(of error: Span<UInt8>) {
        var code: [UInt8] = []
        for index in error.indices where code.count == index {
            if error[index] == UInt8(ascii: " ") || index == 24 { break }
            code.append(error[index])
        }
        self.init(of: code)
    }

    /// Whether a server gives it before it carries a command out, so that nothing was changed.
    public var isGivenBeforeExecution: Bool { self != .unblocked }

    /// What it says of the server, in an operator's words that go on from the server's name; `nil` where that depends on the
    /// command.
    public var words: String? {
        switch self {
        case .wrongPassword: "refuses the user name or the password"
        case .protected: "is in protected mode and refuses other hosts: give it a password or a bind"
        case .loading: "is loading its data"
        case .masterDown: "does not serve its data while the link to its master is down (replica-serve-stale-data no)"
        case .busy: "runs a script that takes long and answers nothing else (-BUSY)"
        case .outOfMemory: "has no memory left for writes: raise maxmemory, or choose a maxmemory-policy that evicts"
        case .cannotSave: "refuses writes because its last save failed: see its log, and the room on its volume"
        case .needsReplicas: "refuses writes because fewer than min-replicas-to-write replicas are in step with it"
        case .generic, .wrongType, .needsPassword, .needsPermission, .readOnly, .unknownScript, .transactionAborted,
            .moved,
            .ask, .tryAgain, .clusterDown, .crossSlot, .redirect, .unknownProtocol, .unblocked:
            nil
        }
    }
}
