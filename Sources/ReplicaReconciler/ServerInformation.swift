public import RedisCore

/// What one server reports in one observation: INFO's sections `server`, `replication`, `persistence`, `keyspace` and
/// `stats`.
///
/// Source: redis/redis `src/server.c`, `genRedisInfoString`.
public struct ServerInformation: Equatable, Sendable {
    /// One line of the section `keyspace`.
    public struct Database: Equatable, Sendable {
        /// `db0`, as INFO has it.
        public var name: String
        public var keys: Int64
        public var expiringKeys: Int64
        /// Keys whose items expire one by one, as fields of a hash (`keys_with_volatile_items`, Valkey 9).
        public var keysWithExpiringItems: Int64

        public init(name: String, keys: Int64, expiringKeys: Int64 = 0, keysWithExpiringItems: Int64 = 0) {
            self.name = name
            self.keys = keys
            self.expiringKeys = expiringKeys
            self.keysWithExpiringItems = keysWithExpiringItems
        }
    }

    /// Identifies one run of one server: different at each start. Empty where the server does not report it.
    public var runID: String
    public var replication: ReplicationInfo
    /// It reads its data from disk, or what its master sent.
    public var isLoading: Bool
    public var databases: [Database]
    /// The section `keyspace` came, and each line of it could be read: only then do ``databases`` say how many keys there are.
    public var hasKeyspace = true
    /// How far a replica is with its link, in ROLE's word: `connect`, `connecting`, `handshake`, `sync` or `connected`; `nil`
    /// where that was not asked.
    public var linkState: String?
    /// What it was asked, and does not know by that name.
    public var unknownCommands: [String] = []
    /// The user may run no command that would show whether reads are answered while the link is down.
    public var mayNotRead = false
    /// Whether this is Redis 7.0 or a later one, or a fork of it.
    public var isSevenOrNewer: Bool { (fields["redis_version"].flatMap { Int($0.prefix { $0 != "." }) } ?? 0) >= 7 }
    /// How many bytes of a full copy came so far; `nil` where none is under way, or the server does not say it (before 7.0).
    package var copiedBytes: Int64? {
        replication.masterLink?.isSynchronising == true ? fields["master_sync_read_bytes"].flatMap { Int64($0) } : nil
    }
    /// How many bytes came by replication in the server's life, copies included; `nil` before 7.0.
    public var receivedBytes: Int64? { fields["total_net_repl_input_bytes"].flatMap { Int64($0) } }
    /// The lines of `server`, `replication`, `persistence` and `stats` by their names, for those that nothing here is made of.
    public var fields: [String: String]

    /// - Parameter fields: further lines.
    public init(
        runID: String, replication: ReplicationInfo, isLoading: Bool = false, databases: [Database] = [],
        linkState: String? = nil, fields: [String: String] = [:]
    ) {
        self.runID = runID
        self.replication = replication
        self.isLoading = isLoading
        self.databases = databases
        self.linkState = linkState
        self.fields = fields
    }

    /// The keys of all databases. On a replica those that have expired are among them until the master deletes them.
    public var keys: Int64 { databases.reduce(0) { $0.saturatingAdding($1.keys) } }

    /// Those of them whose items expire one by one.
    public var keysWithExpiringItems: Int64 {
        databases.reduce(0) { $0.saturatingAdding($1.keysWithExpiringItems) }
    }

    public var version: String {
        printable(
            (fields["valkey_version"] ?? fields["redict_version"] ?? fields["redis_version"] ?? "").utf8, limit: 32)
    }
}

extension ServerInformation {
    /// No server writes a longer one; what is longer is left out.
    private static let longestLine = 4096
    /// Of a section. What comes behind them is left out.
    private static let maximumLines = 1 << 16
    /// Of all sections.
    private static let maximumFields = 4096

    /// - Parameter sections: the answers to INFO, in any order.
    /// - Returns: `nil` where the section `replication` is not among them, or cannot be read.
    public init?(parsing sections: [[UInt8]]) {
        var replication: ReplicationInfo?
        var fields: [String: String] = [:]
        var keyspace: Keyspace?
        for section in sections {
            let text = String(decoding: section, as: UTF8.self)
            if text.hasPrefix("# Replication") { replication = ReplicationInfo(parsing: section.span) }
            if text.hasPrefix("# Keyspace") {
                keyspace = Keyspace(parsing: section)
                continue
            }
            let lines = text.split(maxSplits: Self.maximumLines, whereSeparator: \.isNewline).prefix(Self.maximumLines)
            for line in lines where !line.hasPrefix("#") {
                guard let colon = line.firstIndex(of: ":"), line.utf8.count <= Self.longestLine,
                    fields.count < Self.maximumFields
                else { continue }
                fields[String(line[..<colon])] = String(line[line.index(after: colon)...])
            }
        }
        guard var replication else { return nil }
        let isLoading = fields["loading"] == "1"
        let isEmptied = replication.isCopyIncomplete && keyspace?.keys == 0 && !isLoading
        replication.masterLink?.lostItsData = isEmptied
        self.init(
            runID: printable((fields["run_id"] ?? "").utf8, limit: 64), replication: replication, isLoading: isLoading,
            databases: (keyspace?.databases ?? []).map(Database.init), fields: fields)
        hasKeyspace = keyspace != nil
    }
}

extension ServerInformation.Database {
    fileprivate init(_ database: Keyspace.Database) {
        self.init(
            name: "db\(database.number)", keys: database.keys, expiringKeys: database.expiringKeys,
            keysWithExpiringItems: database.keysWithExpiringItems)
    }
}
