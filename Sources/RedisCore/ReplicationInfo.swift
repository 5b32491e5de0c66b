/// What one server says of its own replication: the answer to `INFO replication`, as a value.
///
/// Source: redis/redis `src/server.c`, `genRedisInfoString`, section `replication`. Fields that a version does not send
/// are `nil`; unknown fields are ignored, so that newer servers stay readable.
public struct ReplicationInfo: Equatable, Sendable {
    public enum Role: Equatable, Sendable {
        case master
        /// The field's own word on the wire is `slave`.
        case replica
    }

    public var role: Role

    /// What a replica knows of its master. `nil` on a master.
    public var masterLink: MasterLink?

    /// The replicas that are attached to this server, in the order in which it lists them.
    public var replicas: [AttachedReplica]

    /// The id of the history that this server writes or follows: 40 hexadecimal digits.
    public var replicationID: String

    /// The id of the history before the last fail-over, valid for offsets below `secondOffset`.
    public var secondReplicationID: String?

    /// Bytes of replication stream that this server has produced (master) or applied (replica).
    public var offset: Int64

    /// First offset that does *not* belong to `secondReplicationID`; -1 where there is none.
    public var secondOffset: Int64

    /// How many replicas are in step with a master, as `min-replicas-to-write` counts them (`min_slaves_good_slaves`); `nil` where
    /// that is not set, and so no write is refused for lack of replicas.
    public var goodReplicas: Int64?

    /// Whether that is fewer than `min-replicas-to-write`: for those who ask for it.
    public var refusesWrites = false

    public init(
        role: Role, masterLink: MasterLink? = nil, replicas: [AttachedReplica] = [], replicationID: String = "",
        secondReplicationID: String? = nil, offset: Int64 = 0, secondOffset: Int64 = -1
    ) {
        self.role = role
        self.masterLink = masterLink
        self.replicas = replicas
        self.replicationID = replicationID
        self.secondReplicationID = secondReplicationID
        self.offset = offset
        self.secondOffset = secondOffset
    }
}

extension ReplicationInfo {
    /// A replica's view of the link to its master.
    public struct MasterLink: Equatable, Sendable {
        public var host: String
        public var port: Int
        public var isUp: Bool
        /// A full synchronisation is under way: the data set is about to be replaced.
        public var isSynchronising: Bool
        /// How long the link has been down, in seconds. `nil` while it is up.
        public var downSeconds: Int64?
        /// The last offset that this replica has applied (`slave_repl_offset`).
        public var appliedOffset: Int64
        /// The last offset that this replica has received (`slave_read_repl_offset`, from 7.0); at least `appliedOffset`.
        public var receivedOffset: Int64?
        /// Seconds since the master was last heard (`master_last_io_seconds_ago`). `nil` while the link is down.
        public var silentSeconds: Int64?
        /// A full copy began and did not end, and the server holds no key since: for those who ask `INFO keyspace`, too.
        public var lostItsData = false
        /// The link is down, and every read is answered `-MASTERDOWN` (`replica-serve-stale-data no`): for those who ask.
        public var refusesStaleReads = false

        public init(
            host: String, port: Int, isUp: Bool, isSynchronising: Bool = false, downSeconds: Int64? = nil,
            appliedOffset: Int64 = 0, receivedOffset: Int64? = nil, silentSeconds: Int64? = nil
        ) {
            self.host = host
            self.port = port
            self.isUp = isUp
            self.isSynchronising = isSynchronising
            self.downSeconds = downSeconds
            self.appliedOffset = appliedOffset
            self.receivedOffset = receivedOffset
            self.silentSeconds = silentSeconds
        }

        /// Whether the link has been up at least once since this server started.
        ///
        /// A link that was never up reports -1 seconds from 6.2 on, and before that the seconds since 1970: the server
        /// subtracts a zero it never set. No real outage lasts thirty years.
        public var hasBeenUp: Bool {
            guard !isUp else { return true }
            guard let downSeconds else { return false }
            return downSeconds >= 0 && downSeconds < 1_000_000_000
        }
    }

    /// Whether the last full copy that began did not end: what the server had before may be gone.
    ///
    /// A server forgets its place in the old stream once a copy begins (redis/redis `src/replication.c`,
    /// `replicationDiscardCachedMaster`), and has one again once it ends; without one `slave_repl_offset` is 1, which no
    /// stream's first command is short enough for (6.0 to 8.0, Valkey 8.1 and 9.1, ran).
    public var isCopyIncomplete: Bool {
        guard let link = masterLink else { return false }
        return !link.isUp && link.appliedOffset == 1
    }

    /// One line `slaveN:ip=…,port=…,state=…,offset=…,lag=…` of a master's answer.
    public struct AttachedReplica: Equatable, Sendable {
        public var address: String
        public var port: Int
        /// `online`, `wait_bgsave`, `send_bulk` or `bg_transfer`, as the server says it.
        public var state: String
        public var offset: Int64
        /// Seconds since the replica's last acknowledgement.
        public var lagSeconds: Int64

        public init(address: String, port: Int, state: String, offset: Int64, lagSeconds: Int64) {
            self.address = address
            self.port = port
            self.state = state
            self.offset = offset
            self.lagSeconds = lagSeconds
        }
    }
}
