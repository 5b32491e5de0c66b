/// What a redis-server says of itself, and what its node's position file adds.
package struct NodeObservation: Equatable, Sendable {
    package var role: Role
    /// `nil` where no data is known: an empty server of a new installation.
    package var position: DataPosition?
    /// Names the process (`run_id`): a restarted server has another one. Empty where nothing answers.
    package var run: String
    /// When it was asked, on the clock of the node that asked.
    package var askedAt: Duration

    package enum Role: Equatable, Sendable {
        /// `isTakingWrites`: writes are not refused by the agent.
        case master(isTakingWrites: Bool)
        /// - `isLinkUp`: whether it gets its master's stream.
        case replica(of: String?, isLinkUp: Bool)
        /// It loads its data, takes a full copy, or was emptied by a copy that failed: its data is not whole.
        case incomplete(Reason)
        /// Nothing answers.
        case away
    }

    package enum Reason: String, Equatable, Sendable {
        case loading, copying, emptied
        /// It has data, and neither it nor its node's position file says in which term they were written, and how far they go.
        case positionUnknown
        /// It came back with less than it had: it keeps no append-only file, and ended without a save.
        case lostData
    }

    package init(role: Role, position: DataPosition?, run: String = "", askedAt: Duration) {
        self.role = role
        self.position = position
        self.run = run
        self.askedAt = askedAt
    }

    var isMaster: Bool { if case .master = role { true } else { false } }
    var isAway: Bool { role == .away }
}

extension NodeObservation.Role {
    package var isUnknown: Bool { self == .incomplete(.positionUnknown) }

    /// Whether its data are whole, as far as its server says.
    package var counts: Bool {
        switch self {
        case .master, .replica: true
        case .incomplete, .away: false
        }
    }
}
