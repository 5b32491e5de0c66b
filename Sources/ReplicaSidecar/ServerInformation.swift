public import Replication

/// What one server says of itself in one look: INFO's sections `server`, `replication`, `persistence` and `keyspace`.
///
/// Source: redis/redis `src/server.c`, `genRedisInfoString`.
public struct ServerInformation: Equatable, Sendable {
    /// One line of the section `keyspace`.
    public struct Database: Equatable, Sendable {
        /// `db0`, as INFO has it.
        public var name: String
        public var keys: Int64
        public var expiringKeys: Int64

        public init(name: String, keys: Int64, expiringKeys: Int64 = 0) {
            self.name = name
            self.keys = keys
            self.expiringKeys = expiringKeys
        }
    }

    /// Which life of which server this is: made anew at each start. Empty where the server does not say it.
    public var runID: String
    public var replication: ReplicationInfo
    /// It reads its data from disk, or what its master sent.
    public var isLoading: Bool
    public var databases: [Database]
    /// How far a replica is with its link, in ROLE's word: `connect`, `connecting`, `handshake`, `sync` or `connected`; `nil`
    /// where that was not asked.
    public var linkState: String?
    /// The lines of `server`, `replication` and `persistence` by their names, for those that nothing here is made of.
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
    public var keys: Int64 { databases.reduce(0) { $0 + $1.keys } }

    public var version: String { fields["valkey_version"] ?? fields["redis_version"] ?? "" }
}

extension ServerInformation {
    /// - Parameter sections: the answers to INFO, in any order.
    /// - Returns: `nil` where the section `replication` is not among them, or cannot be read.
    public init?(parsing sections: [[UInt8]]) {
        var replication: ReplicationInfo?
        var fields: [String: String] = [:]
        var databases: [Database] = []
        for section in sections {
            let text = String(decoding: section, as: UTF8.self)
            if text.hasPrefix("# Replication") { replication = ReplicationInfo(parsing: section.span) }
            for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
                guard let colon = line.firstIndex(of: ":") else { continue }
                let value = line[line.index(after: colon)...]
                if let database = Database(name: line[..<colon], parsing: value) {
                    databases.append(database)
                } else {
                    fields[String(line[..<colon])] = String(value)
                }
            }
        }
        guard let replication else { return nil }
        self.init(
            runID: fields["run_id"] ?? "", replication: replication, isLoading: fields["loading"] == "1",
            databases: databases, fields: fields)
    }
}

extension ServerInformation.Database {
    /// Reads `db0` and `keys=5,expires=1,avg_ttl=0`.
    fileprivate init?(name: Substring, parsing value: Substring) {
        guard name.hasPrefix("db"), Int(name.dropFirst(2)) != nil else { return nil }
        var keys: Int64?
        var expires: Int64 = 0
        for pair in value.split(separator: ",") {
            if pair.hasPrefix("keys=") { keys = Int64(pair.dropFirst(5)) }
            if pair.hasPrefix("expires=") { expires = Int64(pair.dropFirst(8)) ?? 0 }
        }
        guard let keys else { return nil }
        self.init(name: String(name), keys: keys, expiringKeys: expires)
    }
}
