/// Whether a server should be asked for a read, judged by what it says of itself.
public enum ReadSuitability: Equatable, Sendable {
    /// A master, or a replica whose link is up.
    case fresh
    /// A replica that was in step once and lost its master since: it answers, and may be behind. The last resort, told
    /// to the reader by `Served-Stale: true`.
    case stale
    /// Its answers would be wrong rather than old.
    case unusable(Reason)

    public enum Reason: String, CaseIterable, Equatable, Sendable {
        /// A replica that has not seen its master since it started answers nil for keys that exist (redis/redis#3172).
        case neverSynchronised = "has not synchronised with its master yet"
        /// A full synchronisation is about to replace the data set.
        case synchronising = "is in a full synchronisation"
        /// A replica that lost its master, and is configured to answer `-MASTERDOWN` then.
        case refusesStaleReads = "has lost its master, and serves no reads without it (replica-serve-stale-data no)"
        /// A full copy from its master began and did not end, and the server holds no key since.
        case emptied = """
            holds no data since a full copy that it could not load: see its log; a server of an older version than its \
            master's cannot read the copy
            """
        /// A master beside the one in use: what it is asked, the others do not know.
        case strayMaster = """
            is a master beside the one in use, and is left out of reads: make it a replica again (REPLICAOF), or, to have it \
            followed, point the other replicas at it
            """
        /// A replica of another master than the one in use.
        case anotherHistory = """
            follows another master than the one in use, and is left out of reads: point it at the master (REPLICAOF)
            """
        /// One of several masters of which none can be preferred.
        case rival = """
            is one of several masters, none of which continues the others: make all but one of them its replicas (REPLICAOF)
            """
        /// The answer to INFO could not be read.
        case unreadable = "gave an answer to INFO that cannot be read"
    }
}

extension ReplicationInfo {
    public var readSuitability: ReadSuitability {
        guard role == .replica, let link = masterLink else { return .fresh }
        if link.isUp { return .fresh }
        if link.isSynchronising { return .unusable(.synchronising) }
        if link.lostItsData { return .unusable(.emptied) }
        return link.hasBeenUp ? .stale : .unusable(.neverSynchronised)
    }
}
