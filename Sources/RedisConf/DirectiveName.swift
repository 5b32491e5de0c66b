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
        let own = Self.fingerprint(of: lowered)
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

    /// Every spelling of a directive, the canonical one first.
    public static func spellings(of name: DirectiveName) -> [String] {
        [name.text] + aliases.indices.filter { canonicals[$0] == name.text }.map { aliases[$0] }
    }

    /// Whether several lines of this name add up instead of the last one winning.
    public var accumulates: Bool { Self.accumulating.contains(text) }

    /// Whether its arguments may hold a password, so that they must never be shown.
    public var isSecret: Bool { Self.isSecret(fingerprint: fingerprint) && Self.secrets.contains(text) }

    private static let accumulating: [String] = [
        "save", "rename-command", "loadmodule", "user", "sentinel", "include", "client-output-buffer-limit",
    ]

    static let secrets: [String] = [
        "requirepass", "masterauth", "tls-key-file-pass", "tls-client-key-file-pass", "user", "sentinel",
    ]

    /// The directives that take several arguments, but for those with a secret in them.
    static let takingMany: [String] = [
        "bind", "bind-source-addr", "save", "loadmodule", "client-output-buffer-limit", "oom-score-adj-values",
        "latency-tracking-info-percentiles", "shutdown-on-sigterm", "shutdown-on-sigint", "notify-keyspace-events",
        "tls-protocols", "propagation-error-behavior",
    ]

    var takesMany: Bool { Self.takesMany(fingerprint: fingerprint) }

    /// Each alias, and at the same index its canonical name.
    static let aliases = [
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

    static let canonicals = [
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
