import RedisClient
import RedisCore

/// What is known of a write, as a value: what was sent and what came back goes in, what may be said of it comes out.
///
/// ```
/// begin ─▶ replied(applied)  ─▶ applied, regardless of what follows
///      ├─▶ replied(unmet)    ─▶ unmet        ┐
///      ├─▶ replied(refused)  ─▶ notApplied   ├─ unknown, once an attempt was sent and its reply was lost
///      ├─▶ failed, not sent  ─▶ notApplied   ┘
///      └─▶ replied(unclear), or failed and maybe sent ─▶ unknown
/// ```
/// Only what was handed to a socket can have been applied, and only the reply to the write itself says that it was: a failure
/// that comes later, or the refusal of another attempt, takes nothing of that back.
struct WriteRecord: Equatable, Sendable {
    /// What the server said to the write itself, not to a command beside it.
    enum Reply: Equatable, Sendable {
        case applied
        /// Its condition does not hold, or there was nothing to delete: nothing was changed.
        case unmet
        /// An error that a server gives in place of carrying the write out.
        case refused(Problem)
        /// An error of another kind.
        case unclear
    }

    enum Outcome: Equatable, Sendable {
        case applied
        case unmet
        case notApplied(Problem)
        case unknown
    }

    private enum State: Equatable {
        case awaited
        case replied(Reply)
        case unsent(RedisFailure)
        case lost
    }

    private var state = State.unsent(.notConnected)
    /// An earlier attempt may have been applied.
    private var hasLostAttempt = false

    /// The write is given to a connection, for the first time or once more.
    mutating func begin() {
        if mayBeApplied { hasLostAttempt = true }
        state = .awaited
    }

    /// The reply to the write has come; the first one of an attempt counts.
    mutating func replied(_ reply: Reply) {
        if state == .awaited { state = .replied(reply) }
    }

    /// The write need not be sent, or not be waited for: what goes before it, or replaces it, has said it.
    mutating func decide(_ reply: Reply) {
        if mayBeApplied { hasLostAttempt = true }
        state = .replied(reply)
    }

    /// No reply comes any more to what is still owed one.
    mutating func failed(_ failure: RedisFailure) {
        if state == .awaited { state = failure.mayHaveBeenSent ? .lost : .unsent(failure) }
    }

    var outcome: Outcome {
        switch state {
        case .replied(.applied): .applied
        case .replied(.unmet): hasLostAttempt ? .unknown : .unmet
        case .replied(.refused(let problem)): hasLostAttempt ? .unknown : .notApplied(problem)
        case .unsent(let failure): hasLostAttempt ? .unknown : .notApplied(Problem(failure, role: "Redis master"))
        case .replied(.unclear), .lost, .awaited: .unknown
        }
    }

    /// Whether the reply to the write has come, so that only what is said beside it may be missing.
    var isReplied: Bool { if case .replied = state { true } else { false } }

    /// Whether the write may be sent once more as if for the first time, since it was surely not applied: the master was a
    /// replica, or the connection to it was lost a moment ago.
    ///
    /// - Parameters:
    ///   - isComingBack: whether the latter is worth a try.
    ///   - findsLeader: whether another node may lead in a moment, or take writes again.
    func mayRepeat(isComingBack: Bool, findsLeader: Bool = false) -> Bool {
        guard !hasLostAttempt else { return false }
        return switch state {
        case .replied(.refused(.redisReadOnly)): true
        // Too few replicas, loading, busy: what a change of the leader brings, and what passes.
        case .replied(.refused(.redisNeedsReplicas)), .replied(.refused(.redisUnavailable)): findsLeader
        case .unsent(.readOnly): findsLeader
        case .unsent(.notConnected): isComingBack
        case .replied, .unsent, .lost, .awaited: false
        }
    }

    /// Whether what was done so far may have changed something.
    var mayBeApplied: Bool {
        switch state {
        case .lost, .awaited, .replied(.applied), .replied(.unclear): true
        case .replied(.unmet), .replied(.refused), .unsent: hasLostAttempt
        }
    }
}

extension WriteRecord.Reply {
    /// What an error reply to a write says of it.
    ///
    /// A server gives the codes of ``RedisErrorCode`` before it carries the command out. Another code may come from something
    /// between the app and the server, which may have lost the server's own reply.
    init(error: Span<UInt8>) {
        switch RedisErrorCode(of: error) {
        case .some(let code) where code.isGivenBeforeExecution: self = .refused(Problem(redisError: error))
        // A write that a pause delayed while its server became a replica.
        case .unblocked where error.text.hasPrefix("UNBLOCKED force unblock from blocking operation"):
            self = .refused(.redisReadOnly)
        default: self = .unclear
        }
    }
}
