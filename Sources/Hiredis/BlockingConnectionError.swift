/// Why a blocking connection has no answer. A server's error *reply* is not here: see ``BlockingReply/error(_:)``.
public enum BlockingConnectionError: Error, Hashable, Sendable {
    /// No connection came about; `address` is `host:port` or a socket's path.
    case connect(address: String, reason: String)
    /// The deadline passed; the connection is of no further use, since a late reply would answer the wrong command.
    case timedOut(address: String, command: String)
    /// The connection broke, or what came was not RESP. `command` is the command's name, never its arguments.
    case broken(address: String, command: String, reason: String)
    /// The reply is another one than was expected, or larger: see ``BlockingConnection/maximumReplyElements``.
    case refused(address: String, ReplyReaderError)
}

extension BlockingConnectionError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .connect(let address, let reason):
            "cannot connect to \(address): \(reason)"
        case .timedOut(let address, let command):
            "\(address) did not answer \(command) in time"
        case .broken(let address, let command, let reason):
            "the connection to \(address) broke during \(command): \(reason)"
        case .refused(let address, let error):
            "cannot use what \(address) says: \(error)"
        }
    }
}
