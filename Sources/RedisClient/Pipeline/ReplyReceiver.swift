public import RedisCore

/// Takes the replies of one submission, in order, on the connection's event loop.
///
/// A class to inherit from rather than a protocol: one object a request, one virtual call a reply, no existential. By itself it
/// drops what comes, as most request handlers may: they ask nothing.
open class ReplyReceiver {
    /// Here rather than with those who count: where the commands go is known here alone.
    final var asked = AskedRole.none

    public init() {}

    /// The server that the commands were sent to last.
    public final var askedRole: AskedRole { asked }

    /// Takes note that another receiver asked in this one's place.
    public final func noteAsked(by other: ReplyReceiver) { asked = other.asked }

    /// The command of the submission that is answered at the index: a reply that cannot be its own is refused before all of it
    /// is in memory. A value is expected, unless it is overridden.
    open func command(at index: Int) -> RedisCommand { .get }

    /// - Parameter index: which command of the submission this answers, from 0.
    open func receive(_ reply: RedisReply, at index: Int) {}

    /// Takes the INFO replication that was asked for as ``InformationForm/parsed``, after all replies. An error reply to INFO
    /// goes to ``receive(_:at:)`` instead.
    ///
    /// - Parameter information: `nil` where the answer cannot be read.
    open func receive(_ information: ReplicationInfo?) {}

    /// Whether the commands may be sent once more to any server, as reads may.
    open var mayBeAskedAgain: Bool { false }

    /// The reply that has begun is large. The connection is given up, and all that wait on it fail with
    /// ``RedisFailure/displaced`` next, this one too.
    open func noteLargeReply() {}

    /// Offers a large value to be taken piece by piece, on a connection that it has to itself.
    ///
    /// - Returns: whether it is taken. The value then tells itself how it ends; where it ends badly, ``fail(_:)`` is not called.
    open func take(_ value: LargeValue, at index: Int) -> Bool { false }

    /// Called once, in place of the replies still owed.
    open func fail(_ failure: RedisFailure) {}
}
