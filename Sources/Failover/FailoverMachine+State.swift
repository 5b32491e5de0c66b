extension FailoverMachine {
    package enum State: Equatable, Sendable {
        /// Does not lead. The server refuses writes.
        case following
        /// The lease is asked for.
        case taking(term: UInt64, sentAt: Duration)
        /// The lease is ours, and the server is to become a master that refuses writes.
        case promoting(Leadership, since: Duration)
        /// The server is a master, and the name of its history is to be in the lease before it takes writes.
        case recording(Leadership, LeaseRecord.History)
        case leading(Leadership)
        /// Writes are paused until the target has all of them; `pausedAt` is `nil` until the server has confirmed the pause.
        case handingOver(Leadership, to: String, since: Duration, pausedAt: Duration?)
        /// The server has the order to refuse writes; until it does, nothing else happens.
        case fencing(FenceReason, Leadership?, Handover?)
        /// The server refuses writes, and the lease is given back.
        case releasing(Leadership, successor: LeaseRecord.Successor?)
    }

    package struct Leadership: Equatable, Sendable {
        package var term: UInt64
        /// From when the duration counts.
        package var validFrom: Duration
        /// The server's process that was promoted; `nil` before.
        package var run: String?
    }

    /// What is handed over, and until when writes surely do not go on by themselves.
    package struct Handover: Equatable, Sendable {
        package var successor: LeaseRecord.Successor
        package var pauseEnds: Duration
    }

    package enum FenceReason: Equatable, Sendable {
        /// No renewal in time, and not all members agreed.
        case leaseRanOut
        case leaseTaken(by: NodeID?)
        case serverAway
        /// The server takes writes, and this node does not lead.
        case notLeader
        case handover
        case promotionFailed
        /// Nothing would kill the server if this process froze.
        case unwatched
    }

    package enum Action: Equatable, Sendable {
        case readLease
        /// Create it where `replacing` is `nil`. Answer by ``leaseWritten(_:_:sentAt:at:)`` or ``leaseNotWritten(isConflict:at:)``.
        case writeLease(LeaseRecord, replacing: LeaseVersion?)
        /// Ask every other node's server; answer by ``see(peer:_:)``.
        case askPeers
        /// Ask every other node whether it agrees that this one leads; answer by ``agreed(_:askedAt:)``.
        case askForAgreement(term: UInt64)
        /// Make the server a master that refuses writes; answer by ``promoted(_:at:)``.
        case promote(term: UInt64)
        case takeWrites(term: UInt64)
        /// Have the address for writes lead here, then cut the connections to the old master.
        case publish(term: UInt64)
        /// Have the server refuse writes, then end the connections of clients that wait for replicas (WAIT): a replica that comes
        /// later must not acknowledge. SIGKILL where that takes too long. Answer by ``fenced(at:)``.
        case fence(FenceReason)
        /// Keep what only this node has, then replicate from that node.
        case follow(String, term: UInt64)
        /// Hold writes for that long at the most; answer by ``writesPaused(at:)``.
        case pauseWrites(Duration)
        case resumeWrites
        case tell(Event)
    }

    package enum Event: Equatable, Sendable {
        case blocked(BlockReason)
        case leads(term: UInt64)
        case fencing(FenceReason)
        case switchoverFailed(String)
        case forceFailed(String)
        case goesOnByAgreement(term: UInt64)
    }

    package static let stateNames = [
        "following", "taking_lease", "promoting", "recording_history", "leading", "handing_over", "fencing",
        "releasing_lease",
    ]

    /// The state's name, in lower case with underscores: for status and metrics.
    package var stateName: String {
        switch state {
        case .following: "following"
        case .taking: "taking_lease"
        case .promoting: "promoting"
        case .recording: "recording_history"
        case .leading: "leading"
        case .handingOver: "handing_over"
        case .fencing: "fencing"
        case .releasing: "releasing_lease"
        }
    }

    package enum LeaseAnswer: Equatable, Sendable {
        case absent(since: Duration)
        case present(LeaseObservation)
    }
}

extension FailoverMachine.Event: CustomStringConvertible {
    /// A line for the log.
    package var description: String {
        switch self {
        case .blocked(let reason): "no node leads, and this one is not promoted: \(reason)"
        case .leads(let term): "leads in term \(term) and takes writes"
        case .fencing(let reason): "has redis-server refuse writes: \(reason)"
        case .switchoverFailed(let reason): "the planned change failed, and this node goes on: \(reason)"
        case .forceFailed(let reason): "the forced fail-over failed: \(reason)"
        case .goesOnByAgreement(let term):
            "the lease store is away; all nodes agree that this one leads on in term \(term)"
        }
    }

    package var isTrouble: Bool {
        switch self {
        case .blocked, .switchoverFailed, .forceFailed, .goesOnByAgreement: true
        case .fencing(let reason): reason != .handover
        case .leads: false
        }
    }
}

extension FailoverMachine.FenceReason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .leaseRanOut: "the lease was not renewed in time"
        case .leaseTaken(let node?): "\(node.name) has the lease"
        case .leaseTaken(nil): "the lease was removed"
        case .serverAway: "the server that was promoted is gone"
        case .notLeader: "it takes writes, and this node does not lead"
        case .handover: "the lease is handed over"
        case .unwatched: "the dead-man process is missing"
        case .promotionFailed: "it was not promoted in time"
        }
    }
}
