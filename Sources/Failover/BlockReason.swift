/// Why this node is not promoted although no node leads.
package enum BlockReason: Equatable, Sendable {
    case leaseUnknown
    /// A person stopped automatic fail-over.
    case paused
    /// This node promised the leader, which cannot reach the lease store, not to take over.
    case promised(until: Duration)
    case priorityZero
    /// Nothing would kill the server if this process froze.
    case unwatched
    case ownServerAway
    case ownDataIncomplete(NodeObservation.Reason)
    /// This node still gets the leader's stream.
    case linkUp
    /// This node never had all data of the last term.
    case notInSync
    /// This node does not have all that the leader had when it handed over.
    case behindHandover
    /// Too few nodes tell how far their data goes.
    case tooFewAnswers(Int, needed: Int)
    case peerAhead(String)
    case peerUnrelated(String)
    /// Without a lease: a node has data, and nothing says how new they are.
    case peerUnknown(String)
    /// A node takes writes in the current term.
    case masterAlive(String)
}

extension BlockReason {
    /// Whether it is about how far data go, which a person may overrule (`failover --force`).
    var isOfData: Bool {
        switch self {
        case .notInSync, .behindHandover, .tooFewAnswers, .peerAhead, .peerUnrelated, .peerUnknown: true
        case .leaseUnknown, .paused, .promised, .priorityZero, .unwatched, .ownServerAway, .ownDataIncomplete, .linkUp,
            .masterAlive:
            false
        }
    }
}

extension BlockReason: CustomStringConvertible {
    /// Why, and what to do.
    package var description: String {
        switch self {
        case .leaseUnknown: "The lease store does not answer. Look at the store and at the network to it"
        case .paused: "Automatic fail-over is paused. End the maintenance: redis-replica-sidecar resume"
        case .promised: "This node agreed that the leader goes on while the lease store is away. It waits"
        case .priorityZero: "The priority of this node is 0: it never leads"
        case .unwatched: "The dead-man process of this node is missing; its log says why"
        case .ownServerAway: "The redis-server of this node does not answer"
        case .ownDataIncomplete(.loading): "The redis-server of this node loads its data"
        case .ownDataIncomplete(.copying): "The redis-server of this node takes a full copy"
        case .ownDataIncomplete(.emptied):
            "The redis-server of this node has no whole data: a copy failed or has not begun"
        case .ownDataIncomplete(.positionUnknown):
            "Nothing says in which term the data of this node was written: the position file is missing, or the lease is "
                + "older than the data (restored from a backup?). On the node with the highest offset: failover --force"
        case .ownDataIncomplete(.lostData):
            "The redis-server of this node came back with less data than it had before (no append-only file). On the node "
                + "with the highest offset: failover --force"
        case .linkUp: "This node still gets the leader's stream"
        case .notInSync: "This node does not have the data of the last term"
        case .behindHandover: "This node lacks data that the last leader had when it handed over"
        case .tooFewAnswers(let answers, let needed):
            "Only \(answers) of the \(needed) nodes needed say how far their data goes. Start the others. If they run and have no "
                + "whole data, run failover on the node that has: it says what would be lost"
        case .peerAhead(let name): "\(name) has newer data"
        case .peerUnrelated(let name):
            "\(name) has another data set: the two were never one. Remove the node with the wrong volume"
        case .peerUnknown(let name):
            "There is no lease, and \(name) has data of which nothing says how new they are. Start its agent, or run "
                + "failover --force on the node whose data count"
        case .masterAlive(let name): "\(name) takes writes"
        }
    }
}

/// Whether a node may take the lease now.
package enum Candidacy: Equatable, Sendable {
    /// Write this record in place of `version`; create it where that is `nil`.
    case take(LeaseRecord, replacing: LeaseVersion?)
    /// The lease is another node's, at least until then.
    case wait(until: Duration)
    case blocked(BlockReason)
}
