/// One process of one node: a pod's name and UID, and a number for each start of the agent.
///
/// A StatefulSet reuses names, so the name alone is no identity. Two starts in one pod are two identities of one `pod`.
package struct NodeID: Hashable, Sendable {
    package var name: String
    package var pod: String
    package var start: UInt64

    package init(name: String, pod: String, start: UInt64) {
        self.name = name
        self.pod = pod
        self.start = start
    }

    /// Whether this is a later start in the same pod: the earlier process is gone, since both are PID 1 there.
    func isLaterStart(of other: NodeID) -> Bool { name == other.name && pod == other.pod && start > other.start }
}

/// What the lease store holds: who leads, in which term, and what the data of that term is called.
package struct LeaseRecord: Equatable, Sendable {
    /// `nil` where the last holder gave it back, after it had stopped taking writes.
    package var holder: NodeID?
    /// How often the lease has changed hands. The holder's writes belong to this term.
    package var term: UInt64
    /// How long the holder may take writes after it asked for a renewal that succeeded.
    package var duration: Duration
    /// The histories of the last terms, newest last. The newest one is missing until the holder was promoted.
    package var histories: [History]
    /// To whom the lease is handed over, and how far that node's data has to go.
    package var successor: Successor?
    /// A person keeps the leader where it is: a lease that ran out is not taken.
    package var isPaused: Bool
    /// Counts the renewals, so that each one changes the record.
    package var renewals: UInt64

    package struct History: Equatable, Sendable {
        package var term: UInt64
        package var id: String
        /// Where it branched off from the one before.
        package var start: Int64

        package init(term: UInt64, id: String, start: Int64) {
            self.term = term
            self.id = id
            self.start = start
        }
    }

    package struct Successor: Equatable, Sendable {
        /// The node's name: which process of it is up then does not matter.
        package var name: String
        /// Where the leader's data ended.
        package var offset: Int64

        package init(name: String, offset: Int64) {
            self.name = name
            self.offset = offset
        }
    }

    /// How many histories are kept.
    package static let keptHistories = 8

    package init(
        holder: NodeID?, term: UInt64, duration: Duration, histories: [History] = [], successor: Successor? = nil,
        isPaused: Bool = false, renewals: UInt64 = 0
    ) {
        self.holder = holder
        self.term = term
        self.duration = duration
        self.histories = histories
        self.successor = successor
        self.isPaused = isPaused
        self.renewals = renewals
    }

    /// The history of the newest term in which a node was promoted.
    package var newestHistory: History? { histories.last }

    /// The term in which a history was written; `nil` for one that is not known here.
    package func term(of history: String) -> UInt64? { histories.last { $0.id == history }?.term }

    mutating func append(_ history: History) {
        histories.append(history)
        if histories.count > Self.keptHistories { histories.removeFirst(histories.count - Self.keptHistories) }
    }
}

/// Which state of the record a write replaces, as the store names it. Only equality counts.
package struct LeaseVersion: Hashable, Sendable {
    package var text: String

    package init(_ text: String) { self.text = text }
}

/// The record as it was read, with since when this reader has seen it so.
package struct LeaseObservation: Equatable, Sendable {
    package var record: LeaseRecord
    package var version: LeaseVersion
    /// On the reader's own clock: when the answer with this version came first.
    package var unchangedSince: Duration

    package init(record: LeaseRecord, version: LeaseVersion, unchangedSince: Duration) {
        self.record = record
        self.version = version
        self.unchangedSince = unchangedSince
    }
}
