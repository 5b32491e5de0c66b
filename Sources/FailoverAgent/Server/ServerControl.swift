/// What the agent has done to the server beside it.
///
/// Every call has one completion, on the event loop and never within the call. A call that comes while another is under way is
/// carried out after it.
package protocol ServerControl: AnyObject {
    /// Has the server refuse writes, by commands and by force. It is done when the server refuses or is gone.
    ///
    /// - Parameters:
    ///   - limit: how long the commands may take before SIGKILL.
    ///   - completion: never called where not even SIGKILL ends the process: then it is not known to refuse writes.
    func fence(within limit: Duration, _ completion: @escaping (FenceOutcome) -> Void)
    /// Makes it a master that refuses writes, whose history stays what it is when the first replica comes.
    func promote(within limit: Duration, _ completion: @escaping (Result<Promotion, ServerControlError>) -> Void)
    /// Has a master that ``promote(within:_:)`` made take writes.
    func takeWrites(within limit: Duration, _ completion: @escaping (ServerControlError?) -> Void)
    /// Holds writes for that long at the most; where a server knows no such pause (before 6.2), refuses them.
    func pauseWrites(for time: Duration, within limit: Duration, _ completion: @escaping (ServerControlError?) -> Void)
    func resumeWrites(within limit: Duration, _ completion: @escaping (ServerControlError?) -> Void)
    /// Ends the connections of ordinary clients, which a former leader would refuse for ever.
    func endClientConnections(within limit: Duration, _ completion: @escaping (ServerControlError?) -> Void)
    /// Has it replicate from another one. What it has is lost where the other one does not have it, too.
    func follow(
        host: String, port: Int, within limit: Duration, _ completion: @escaping (ServerControlError?) -> Void)
}

package enum FenceOutcome: Equatable, Sendable {
    /// It is a replica that refuses writes.
    case refusesWrites
    /// It did not obey, for this reason, which goes on from "the server", and its process has ended.
    case killed(String)
    /// Nothing listens where it was: its process has ended.
    case gone
}

package struct Promotion: Equatable, Sendable {
    /// The new history's name.
    package var history: String
    /// The process.
    package var run: String

    package init(history: String, run: String) {
        self.history = history
        self.run = run
    }
}

package struct ServerControlError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Goes on from "the server".
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// How a master refuses writes: it asks for more replicas than there can be.
package enum WriteGate {
    /// `min-replicas-to-write`; the largest that servers take.
    static let closed = 2_147_483_647
}
