public import Hiredis

/// Why a command got no reply.
public enum RedisFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// No connection is up. The command was not sent.
    case notConnected
    /// The server that is configured as the master is a replica. The command was not sent.
    case readOnly
    /// Several servers say that they are the master, and none can be preferred. The command was not sent.
    case noSingleMaster
    /// The server refuses the credentials. The command was not sent.
    case denied
    /// As many commands as are allowed wait for their reply already. The command was not sent.
    case overloaded
    /// The connection was given up, since a large reply would hold it up. A read that waited on it is asked once more.
    case displaced
    /// The process is going down. The command was not sent.
    case shuttingDown
    /// No reply within the deadline. A write may have been applied.
    case timedOut
    /// The connection ended before the reply. A write may have been applied.
    case connectionLost
    /// The reply could not be read, so the connection was closed. A write may have been applied.
    case unreadable(ReplyReaderError)

    /// Whether the server may have been sent the command: only then may a write have been applied.
    public var mayHaveBeenSent: Bool {
        switch self {
        // No channel that a write was sent over is given up.
        case .notConnected, .readOnly, .noSingleMaster, .denied, .overloaded, .displaced, .shuttingDown: false
        case .timedOut, .connectionLost, .unreadable: true
        }
    }

    /// Whether the failure lies in what is stored, so that another server would fail in the same way.
    public var isOfTheReply: Bool {
        if case .unreadable(.replyTooLong) = self { true } else { false }
    }

    public var description: String {
        switch self {
        case .notConnected: "no connection to the server is up"
        case .readOnly: "the server that is configured as the master is a replica"
        case .noSingleMaster: "several servers claim to be the master"
        case .denied: "the server refuses the credentials"
        case .overloaded: "too many commands wait for the server"
        case .displaced: "the connection was given up for a large reply"
        case .shuttingDown: "the process is shutting down"
        case .timedOut: "the server did not answer in time"
        case .connectionLost: "the connection to the server was lost"
        case .unreadable(let error): error.description
        }
    }
}
