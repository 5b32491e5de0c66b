/// Which servers have failed one read, and whether another may be asked.
///
/// A read does no harm twice. It is asked of three servers at the most, so that two replicas that die in the same instant
/// still leave it the master, and of two where one of them let it wait to the deadline.
public struct ReadAttempts {
    private var first: RedisConnection?
    private var second: RedisConnection?
    private var furtherAllowed = 2
    /// How often a read that was displaced may be asked once more, without a server that failed it.
    private var displacementsAllowed = 8

    public init() {}

    /// Whether the server, over this connection or another, has failed the read.
    public func include(_ connection: RedisConnection) -> Bool {
        guard let first else { return false }
        return first.endpoint == connection.endpoint || second?.endpoint == connection.endpoint
    }

    /// Notes that a large reply took the connection from the read.
    ///
    /// - Returns: whether the read may be asked once more, also of the same server.
    public mutating func mayGoOnAfterDisplacement() -> Bool {
        displacementsAllowed -= 1
        return displacementsAllowed >= 0
    }

    /// Notes that a server failed the read.
    ///
    /// - Parameter failure: `nil` where the server answered that it serves no reads now.
    /// - Returns: whether another server may be asked.
    public mutating func mayGoOn(after connection: RedisConnection, failing failure: RedisFailure?) -> Bool {
        // A value that is too long would cost one connection after the other.
        if failure?.isOfTheReply == true { return false }
        if failure == .timedOut { furtherAllowed = min(furtherAllowed, 1) }
        guard furtherAllowed > 0 else { return false }
        furtherAllowed -= 1
        if first == nil { first = connection } else { second = connection }
        return true
    }
}
