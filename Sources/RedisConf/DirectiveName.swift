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
        if let index = Self.aliasFingerprints.firstIndex(where: { $0.0 == own }), Self.aliases[index].alias == lowered {
            text = Self.aliases[index].canonical
            fingerprint = Self.aliasFingerprints[index].1
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
        for (alias, canonical) in aliasFingerprints where alias == hash { return canonical }
        return hash
    }

    private static let aliasFingerprints: [(UInt32, UInt32)] = aliases.map {
        (fingerprint(of: Array($0.alias.utf8).span), fingerprint(of: Array($0.canonical.utf8).span))
    }

    private static let aliases: [(alias: String, canonical: String)] = [
        ("slaveof", "replicaof"),
        ("primaryauth", "masterauth"),
        ("primaryuser", "masteruser"),
        ("slave-announce-ip", "replica-announce-ip"),
        ("slave-announce-port", "replica-announce-port"),
        ("slave-serve-stale-data", "replica-serve-stale-data"),
        ("slave-read-only", "replica-read-only"),
        ("slave-ignore-maxmemory", "replica-ignore-maxmemory"),
        ("slave-lazy-flush", "replica-lazy-flush"),
        ("slave-priority", "replica-priority"),
        ("repl-ping-slave-period", "repl-ping-replica-period"),
        ("min-slaves-to-write", "min-replicas-to-write"),
        ("min-slaves-max-lag", "min-replicas-max-lag"),
        ("cluster-slave-validity-factor", "cluster-replica-validity-factor"),
        ("cluster-slave-no-failover", "cluster-replica-no-failover"),
        ("lua-time-limit", "busy-reply-threshold"),
        ("list-max-ziplist-size", "list-max-listpack-size"),
        ("hash-max-ziplist-entries", "hash-max-listpack-entries"),
        ("hash-max-ziplist-value", "hash-max-listpack-value"),
        ("zset-max-ziplist-entries", "zset-max-listpack-entries"),
        ("zset-max-ziplist-value", "zset-max-listpack-value"),
        ("server_cpulist", "server-cpulist"),
        ("bio_cpulist", "bio-cpulist"),
        ("aof_rewrite_cpulist", "aof-rewrite-cpulist"),
        ("bgsave_cpulist", "bgsave-cpulist"),
    ]
}

extension String {
    fileprivate var lowercasedASCII: String {
        utf8.allSatisfy { Byte.lowercased($0) == $0 }
            ? self : String(decoding: utf8.map(Byte.lowercased), as: UTF8.self)
    }
}
