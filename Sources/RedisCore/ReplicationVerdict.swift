/// What one server can say of a ``ReplicationToken``.
public enum ReplicationVerdict: String, Equatable, Sendable {
    /// The server has applied every write up to the token.
    case satisfied
    /// A replica that follows the token's history, is connected, and has not applied so much of it yet.
    case wait
    /// The token's history ended in a fail-over before the token: the write is gone. Only a master may say so.
    case lost
    /// Nothing can be concluded. The master's own data is the best there is.
    case unknown
}

extension ReplicationInfo {
    /// Whether this server has what the token stands for. For a read that needs it, ask before the read.
    ///
    /// | token | a master | a replica whose link is up | any other replica |
    /// |---|---|---|---|
    /// | of `master_replid`, up to the server's offset | satisfied | satisfied | unknown |
    /// | of `master_replid`, beyond it | unknown | wait | unknown |
    /// | of `master_replid2`, below `second_repl_offset` | satisfied | satisfied | unknown |
    /// | of `master_replid2`, at or above it | lost | unknown | unknown |
    /// | of another id | unknown | unknown | unknown |
    ///
    /// A replica's offset is `slave_repl_offset`: what it has applied, not what it has received.
    ///
    /// - A master's offset is the end of its history, so there is nothing to wait for: a token of its own id beyond
    ///   that is made up, and is reported as unknown.
    /// - A replica that a partial resynchronisation moved to a promoted master has a `second_repl_offset` of its own:
    ///   one more than it had applied before the move. Below it everything is there, regardless of the new history's offset.
    ///   At or above it the new master may have the write all the same, so a replica never says lost (6.0 to 8.1, ran).
    /// - A link is never up in a full synchronisation (redis/redis `src/replication.c`: the states TRANSFER and
    ///   CONNECTED exclude each other), and the end of one forgets `master_replid2`. A link that is down tells nothing:
    ///   a master that was demoted keeps its old id, and serves its lost writes, until it has synchronised (6.0 to 8.1,
    ///   ran).
    /// - A master that restarts from an append-only file, or before 7.0, has a new id and no second one: what it lost
    ///   is unknown, not lost.
    public func verdict(on token: ReplicationToken) -> ReplicationVerdict {
        switch role {
        case .master:
            if follows(token.replicationID) { return offset >= token.offset ? .satisfied : .unknown }
            guard followed(token.replicationID) else { return .unknown }
            return token.offset < secondOffset ? .satisfied : .lost
        case .replica:
            guard let link = masterLink, link.isInStep else { return .unknown }
            if follows(token.replicationID) { return link.appliedOffset >= token.offset ? .satisfied : .wait }
            return followed(token.replicationID) && token.offset < secondOffset ? .satisfied : .unknown
        }
    }

    private func follows(_ id: ReplicationID) -> Bool { ReplicationID(replicationID) == id }

    /// An id without an offset up to which it holds proves nothing, least of all a loss.
    private func followed(_ id: ReplicationID) -> Bool {
        secondOffset > 0 && secondReplicationID.flatMap { ReplicationID($0) } == id
    }
}

extension ReplicationInfo.MasterLink {
    /// Whether the replica's id and applied offset are those of its data.
    public var isInStep: Bool { isUp && !isSynchronising }
}
