/// What stands between the commands of a ``BlockingConnection`` and its socket: TLS, for instance.
public protocol ConnectionTransport: AnyObject {
    /// Writes all of it; each wait for the other end takes at most so long.
    func write(_ bytes: [UInt8], within timeout: Duration) throws(ConnectionTransportError)

    /// Waits for bytes.
    /// - Returns: some, `count` at most; none where the other end has closed.
    func read(upTo count: Int, within timeout: Duration) throws(ConnectionTransportError) -> [UInt8]
}

public enum ConnectionTransportError: Error, Equatable, Sendable {
    case timedOut
    case broken(reason: String)
}
