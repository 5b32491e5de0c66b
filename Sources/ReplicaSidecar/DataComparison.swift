import Replication

/// What a replica would lose by following another master, judged by what both say of themselves.
///
/// | the other master | verdict |
/// |---|---|
/// | anything, and the replica holds no keys | nothing to lose |
/// | has the replica's history, and has got as far | continues it |
/// | has the replica's history, and is behind by one PING | continues it: 14 bytes are no write |
/// | has the replica's history, and is behind by more | **behind** |
/// | was promoted out of the replica's history, after what the replica has | continues it |
/// | was promoted out of the replica's history, before what the replica has | **behind** |
/// | has another history, and no keys | **empty** |
/// | has another history, and keys | another data set: followed, and told |
///
/// Only offsets of one history can be compared. Keys alone are no measure: they expire, and are deleted.
public enum DataComparison: Equatable, Sendable {
    case nothingToLose
    case continues
    /// Both have keys and no history in common, as after a restart that made a new id.
    case unrelated(ourKeys: Int64, theirKeys: Int64)
    case empty(ourKeys: Int64)
    /// How much of the replica's data the master has never seen, in bytes of the replication stream.
    case behind(bytes: Int64)

    /// What a master sends its replicas when it has nothing to say: `*1\r\n$4\r\nPING\r\n`. No write is so short.
    static let pingBytes: Int64 = 14

    /// - Parameters:
    ///   - replica: a server with role:slave; of a link that was never up its id is of no history.
    ///   - master: a server with role:master.
    public init(_ replica: ServerInformation, against master: ServerInformation) {
        let ours = replica.replication
        let theirs = master.replication
        let applied = ours.masterLink?.appliedOffset ?? ours.offset
        guard replica.keys > 0 else {
            self = .nothingToLose
            return
        }
        let missing: Int64? =
            if ours.replicationID == theirs.replicationID {
                applied - theirs.offset
            } else if let second = theirs.secondReplicationID, second == ours.replicationID {
                // The first offset that is not of the old history any more.
                applied - (theirs.secondOffset - 1)
            } else {
                nil
            }
        if let missing {
            self = missing > Self.pingBytes ? .behind(bytes: missing) : .continues
        } else {
            self =
                master.keys == 0
                ? .empty(ourKeys: replica.keys) : .unrelated(ourKeys: replica.keys, theirKeys: master.keys)
        }
    }

    /// Whether data would be lost that the other master does not have in another form.
    public var isLoss: Bool {
        switch self {
        case .nothingToLose, .continues, .unrelated: false
        case .empty, .behind: true
        }
    }
}

extension DataComparison: CustomStringConvertible {
    public var description: String {
        switch self {
        case .nothingToLose: "this replica holds no keys"
        case .continues: "it continues this replica's history"
        case .unrelated(let ours, let theirs):
            "it has another history with \(theirs) keys; the \(ours) keys here are replaced by them"
        case .empty(let ours): "it is empty, and this replica holds \(ours) keys"
        case .behind(let bytes): "it lacks the last \(bytes) bytes of what this replica holds"
        }
    }
}
