/// The canonical name of a directive: lower case, aliases folded (`slaveof` is `replicaof`).
///
/// Aliases come from the tables of redis/redis and valkey-io/valkey src/config.c; which of two spellings a version knows
/// is the writer's concern.
public struct DirectiveName: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    public let text: String
    /// FNV-1a of the canonical spelling; equal names have equal hashes, not the other way round.
    let fingerprint: UInt32

    /// The canonical name for any spelling.
    public init(_ spelling: String) {
        let lowered = spelling.lowercasedASCII
        let own = Self.fingerprint(of: Array(lowered.utf8).span)
        if let index = Self.aliasFingerprints.firstIndex(of: own), Self.aliases[index] == lowered {
            text = Self.canonicals[index]
            fingerprint = Self.canonicalFingerprints[index]
        } else {
            text = lowered
            fingerprint = own
        }
    }

    public init(stringLiteral value: String) { self.init(value) }

    public var description: String { text }

    /// Whether several lines of this name add up instead of the last one winning.
    public var accumulates: Bool { Self.accumulating.contains(text) }

    /// Whether its arguments may hold a password, so that they must never be shown.
    public var isSecret: Bool { Self.secretFingerprints.contains(fingerprint) && Self.secrets.contains(text) }

    private static let accumulating: [String] = [
        "save", "rename-command", "loadmodule", "user", "sentinel", "include", "client-output-buffer-limit",
    ]

    private static let secrets: [String] = [
        "requirepass", "masterauth", "tls-key-file-pass", "tls-client-key-file-pass", "user", "sentinel",
    ]

    static let secretFingerprints: [UInt32] = secrets.map { fingerprint(of: Array($0.utf8).span) }

    static func fingerprint(of name: Span<UInt8>) -> UInt32 {
        var hash: UInt32 = 2_166_136_261
        for index in name.indices { hash = (hash ^ UInt32(Byte.lowercased(name[index]))) &* 16_777_619 }
        return hash
    }

    /// The fingerprint of the canonical spelling of whatever spelling is given.
    static func canonicalFingerprint(of name: Span<UInt8>) -> UInt32 {
        let hash = fingerprint(of: name)
        if let index = aliasFingerprints.firstIndex(of: hash) { return canonicalFingerprints[index] }
        return hash
    }

    private static let aliasFingerprints = aliases.map { fingerprint(of: Array($0.utf8).span) }
    private static let canonicalFingerprints = canonicals.map { fingerprint(of: Array($0.utf8).span) }

    /// Each alias, and at the same index its canonical name.
    private static let aliases = [
        "slaveof",
        "primaryauth",
        "primaryuser",
        "slave-announce-ip",
        "slave-announce-port",
        "slave-serve-stale-data",
        "slave-read-only",
        "slave-ignore-maxmemory",
        "slave-lazy-flush",
        "slave-priority",
        "repl-ping-slave-period",
        "min-slaves-to-write",
        "min-slaves-max-lag",
        "cluster-slave-validity-factor",
        "cluster-slave-no-failover",
        "lua-time-limit",
        "list-max-ziplist-size",
        "hash-max-ziplist-entries",
        "hash-max-ziplist-value",
        "zset-max-ziplist-entries",
        "zset-max-ziplist-value",
        "server_cpulist",
        "bio_cpulist",
        "aof_rewrite_cpulist",
        "bgsave_cpulist",
    ]

    private static let canonicals = [
        "replicaof",
        "masterauth",
        "masteruser",
        "replica-announce-ip",
        "replica-announce-port",
        "replica-serve-stale-data",
        "replica-read-only",
        "replica-ignore-maxmemory",
        "replica-lazy-flush",
        "replica-priority",
        "repl-ping-replica-period",
        "min-replicas-to-write",
        "min-replicas-max-lag",
        "cluster-replica-validity-factor",
        "cluster-replica-no-failover",
        "busy-reply-threshold",
        "list-max-listpack-size",
        "hash-max-listpack-entries",
        "hash-max-listpack-value",
        "zset-max-listpack-entries",
        "zset-max-listpack-value",
        "server-cpulist",
        "bio-cpulist",
        "aof-rewrite-cpulist",
        "bgsave-cpulist",
    ]
}

extension String {
    fileprivate var lowercasedASCII: String {
        utf8.allSatisfy { Byte.lowercased($0) == $0 }
            ? self : String(decoding: utf8.map(Byte.lowercased), as: UTF8.self)
    }
}
