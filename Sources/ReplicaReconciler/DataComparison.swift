import RedisCore

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
/// | has the history that the replica's was promoted out of, and the replica has gone on since | **behind** |
/// | has another history, and no keys | **empty** |
/// | has another history, and keys | another data set: followed, and reported |
/// | the same, and not all masters could be looked at | **doubtful**: it may be one of several |
///
/// The replica's look has to be the older one: what the replica had before the master was asked, a master that continues it
/// has, too. The other way round a master that is written to always seems to lack something.
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
    /// Another data set, of a master that may be one of several.
    case doubtful(ourKeys: Int64, theirKeys: Int64, why: String)

    /// What a master sends its replicas when it has nothing to say: `*1\r\n$4\r\nPING\r\n`. No write is so short.
    static let pingBytes: Int64 = 14

    /// - Parameters:
    ///   - replica: a server with role:slave, seen before the master was asked; of a link that was never up its id is of no history.
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
                applied.saturatingSubtracting(theirs.offset)
            } else if let second = theirs.secondReplicationID, second == ours.replicationID {
                // The first offset that is not of the old history any more.
                applied.saturatingSubtracting(theirs.secondOffset.saturatingSubtracting(1))
            } else if let second = ours.secondReplicationID, second == theirs.replicationID,
                applied >= ours.secondOffset, ours.secondOffset > 0
            {
                applied.saturatingSubtracting(ours.secondOffset.saturatingSubtracting(1))
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

    /// The same, where not all masters could be observed: one of them is not enough to replace a data set.
    ///
    /// - Parameter why: what could not be seen; `nil`: all were.
    func doubted(_ why: String?) -> DataComparison {
        if let why, case .unrelated(let ours, let theirs) = self {
            .doubtful(ourKeys: ours, theirKeys: theirs, why: why)
        } else {
            self
        }
    }

    /// Whether data would be lost that the other master does not have in another form.
    package var isLoss: Bool {
        switch self {
        case .nothingToLose, .continues, .unrelated: false
        case .empty, .behind, .doubtful: true
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
        case .doubtful(let ours, let theirs, let why):
            """
            it has another history with \(theirs) keys, this replica holds \(ours), and it may be one of several masters: \(why)
            """
        case .empty(let ours): "it is empty, and this replica holds \(ours) keys"
        case .behind(let bytes): "it lacks the last \(bytes) bytes of what this replica holds"
        }
    }
}
