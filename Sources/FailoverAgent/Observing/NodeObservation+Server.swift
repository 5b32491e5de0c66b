package import Failover
import RedisCore
import ReplicaReconciler

/// How far the data of a server go that does not say it itself, from its node's position file.
package struct PositionStatement: Equatable, Sendable {
    /// The server's process.
    package var run: String
    package var position: DataPosition
    /// The process before it ended in order, and the position is where its data ended.
    package var endedInOrder: Bool

    package init(run: String, position: DataPosition, endedInOrder: Bool = true) {
        self.run = run
        self.position = position
        self.endedInOrder = endedInOrder
    }
}

/// What is known besides a server's answer.
package struct ObservationContext: Sendable {
    /// `nil` where there is none.
    package var lease: LeaseRecord?
    package var members: [FailoverMember]
    /// How long a master may say nothing before its replica's link counts as down: its agent has it send a PING every second.
    package var silenceLimit: Duration
    /// What this node's position file says last: where the lease was removed, or restored from a backup, it names a history
    /// whose term is known.
    package var last: DataPosition?

    package init(
        lease: LeaseRecord?, members: [FailoverMember], silenceLimit: Duration = .seconds(3), last: DataPosition? = nil
    ) {
        self.lease = lease
        self.members = members
        self.silenceLimit = silenceLimit
        self.last = last
    }
}

/// What an answer says of the data's position.
enum PositionFinding: Equatable {
    case known(DataPosition)
    /// An empty server of a new installation.
    case none
    /// There are terms, and the server's history is in none of them.
    case unknown
}

extension ServerAnswer {
    /// In which term, in which history and up to where the data are.
    func position(_ context: ObservationContext, _ statement: PositionStatement?) -> PositionFinding {
        let replication = information.replication
        let offset = max(0, replication.masterLink?.appliedOffset ?? replication.offset)
        if let term = context.namedTerm(of: replication.replicationID) {
            return .known(DataPosition(term: term, history: replication.replicationID, offset: offset))
        }
        // In a history that the lease does not name no write was taken: what counts is where it branched off.
        if let second = replication.secondReplicationID, replication.secondOffset > 0,
            let term = context.namedTerm(of: second)
        {
            // Its agent knows its term: the lease is older than the data.
            if let statement, statement.run == run, statement.position.term > term { return .known(statement.position) }
            return .known(
                DataPosition(term: term, history: second, offset: min(replication.secondOffset - 1, offset)))
        }
        // No version reads a history out of an append-only file (6.0 to 9.1, ran).
        if isAppendOnly, let statement, statement.run == run { return .known(statement.position) }
        if context.lease?.newestHistory != nil { return .unknown }
        if information.keys == 0 { return .none }
        // The lease was removed, for there were terms. In another history there may be newer ones: its agent knows.
        if let last = context.last {
            guard replication.replicationID == last.history else { return .unknown }
            return .known(DataPosition(term: last.term, history: last.history, offset: offset))
        }
        return .known(DataPosition(term: 0, history: replication.replicationID, offset: offset))
    }

    /// Whether a restarted server has less than it had: it keeps no append-only file, and comes back with its last save.
    ///
    /// Only after an orderly end the file says where its data ended. After another end a save that goes as far as the file may
    /// still lack the writes of the last moments.
    func hasLostData(_ context: ObservationContext, _ statement: PositionStatement?) -> Bool {
        guard !isAppendOnly, let statement, statement.run == run else { return false }
        let last = statement.position
        return switch position(context, nil) {
        case .known(let own):
            !statement.endedInOrder || own.term < last.term
                || own.history == last.history && own.offset < last.offset
        case .none: true
        case .unknown: false
        }
    }

    /// Whether the position is the server's own, and the disk has data that go as far.
    func isOwnPosition(_ position: DataPosition) -> Bool {
        information.replication.replicationID == position.history
    }
}

extension ObservationContext {
    /// The term in which a history was written, as the lease or this node's position file names it.
    func namedTerm(of history: String) -> UInt64? {
        if let term = lease?.term(of: history) { return term }
        guard lease?.newestHistory != nil, let last, last.history == history, last.term > 0 else { return nil }
        return last.term
    }
}

extension ServerAnswer {
    /// Whether only its node's agent knows what its data are worth, while it neither leads nor follows.
    ///
    /// A server without an append-only file may have lost what it had acknowledged, and looks as one that did not. A history
    /// that the lease does not name may be of a later term than the lease.
    func needsStatement(_ context: ObservationContext) -> Bool {
        guard context.lease?.newestHistory != nil else { return false }
        return !isAppendOnly || context.namedTerm(of: information.replication.replicationID) == nil
    }
}

extension NodeObservation {
    /// - Parameters:
    ///   - statement: what the node's agent says of a server that was restarted.
    ///   - isVouched: the node's agent counts these data. Without that a server whose answer does not suffice is one whose
    ///     position is not known.
    ///   - askedAt: when the server was asked, on the clock of the node that asked.
    package init(
        _ answer: ServerAnswer, _ context: ObservationContext, statement: PositionStatement? = nil,
        isVouched: Bool = true, askedAt: Duration
    ) {
        let finding = answer.position(context, statement)
        var position: DataPosition?
        if case .known(let known) = finding { position = known }
        var role = Self.role(answer, finding, context)
        switch role {
        case .replica(_, isLinkUp: false):
            if answer.hasLostData(context, statement) { role = .incomplete(.lostData) }
        case .master(isTakingWrites: false):
            // It was restarted while it was promoted. PINGs move the stream of a master: its offset says nothing.
            if let statement, !statement.endedInOrder, answer.hasLostData(context, statement) {
                role = .incomplete(.lostData)
            }
        case .replica, .master, .incomplete, .away: break
        }
        if !isVouched, answer.needsStatement(context) {
            switch role {
            case .replica(_, isLinkUp: false), .master(isTakingWrites: false): role = .incomplete(.positionUnknown)
            case .replica, .master, .incomplete, .away: break
            }
        }
        self.init(
            role: role, position: position, run: answer.run, askedAt: askedAt)
    }

    private static func role(
        _ answer: ServerAnswer, _ finding: PositionFinding, _ context: ObservationContext
    ) -> Role {
        let replication = answer.information.replication
        guard let link = replication.masterLink else {
            // A server that takes writes is reported, even if something else is wrong with it.
            if !answer.refusesWrites, !answer.isLoading { return .master(isTakingWrites: true) }
            if answer.isLoading { return .incomplete(.loading) }
            if finding == .unknown { return .incomplete(.positionUnknown) }
            return .master(isTakingWrites: false)
        }
        if answer.isLoading { return .incomplete(.loading) }
        if link.isSynchronising { return .incomplete(.copying) }
        // Without a place in the stream: a copy began and did not end, or the server has just been started, with a history that
        // no lease names. A failed copy leaves the old offset beside no data (6.0 to 8.1, ran), or beside a part of the data.
        if replication.isCopyIncomplete, replication.offset > 1 {
            if case .known(let position) = finding, answer.isOwnPosition(position), position.term > 0 {
                return .incomplete(answer.information.keys == 0 ? .emptied : .copying)
            }
            if finding == .none { return .incomplete(.emptied) }
        }
        if finding == .unknown { return .incomplete(answer.information.keys == 0 ? .emptied : .positionUnknown) }
        let master = context.members.first {
            $0.port == link.port && $0.host.lowercased() == link.host.lowercased()
        }
        let isSilent = link.silentSeconds.map { .seconds($0) >= context.silenceLimit } ?? false
        return .replica(of: master?.name, isLinkUp: link.isUp && !isSilent)
    }
}
