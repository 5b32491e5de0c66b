/// Which server a program or a peer is, as it says itself.
public struct ServerVersion: Equatable, Sendable, CustomStringConvertible {
    public enum Product: String, Sendable {
        case redis = "Redis"
        case valkey = "Valkey"
        case redict = "Redict"
    }

    public var product: Product
    public var major: Int
    package var minor: Int
    public var patch: Int

    public init(_ product: Product, _ major: Int, _ minor: Int, _ patch: Int) {
        self.product = product
        self.major = major
        self.minor = minor
        self.patch = patch
    }

    /// What `redis-server --version` prints: `Valkey server v=9.1.2 sha=00000000:0 …`.
    public init?(programOutput text: String) {
        let words = text.split { $0 == " " || $0 == "\n" }
        guard let product = words.first.flatMap({ Product(rawValue: String($0)) }),
            let version = words.first(where: { $0.hasPrefix("v=") })
        else { return nil }
        self.init(product, version.dropFirst(2))
    }

    /// The fields of `INFO server`; a fork has `redis_version` too, for clients that look at that.
    public init?(information text: String) {
        let lines = text.split(whereSeparator: \.isNewline)
        let fields: [(String, Product)] = [
            ("valkey_version:", .valkey), ("redict_version:", .redict), ("redis_version:", .redis),
        ]
        for (prefix, product) in fields {
            if let line = lines.first(where: { $0.hasPrefix(prefix) }) {
                self.init(product, line.dropFirst(prefix.count))
                return
            }
        }
        return nil
    }

    /// `9.1.2`, also `255.255.255` of an unstable build, or `8.0-rc1`.
    private init?(_ product: Product, _ version: Substring) {
        let parts = version.split(separator: ".").map { part in Int(part.prefix { ("0"..."9").contains($0) }) }
        guard let first = parts.first, let major = first else { return nil }
        self.init(
            product, major, (parts.count > 1 ? parts[1] : nil) ?? 0, (parts.count > 2 ? parts[2] : nil) ?? 0)
    }

    public var description: String { "\(product.rawValue) \(major).\(minor).\(patch)" }

    /// What this server's own replicas send as `REPLCONF version`; nil for a server whose replicas send none.
    ///
    /// Valkey takes three numbers only. It writes an old RDB for a replica that announces nothing, and ends the transfer
    /// where a key does not fit into that (valkey-io/valkey `src/replication.c`, `replconfCommand`).
    public var announcement: String? { product == .valkey ? "\(major).\(minor).\(patch)" : nil }

    /// Whether this server can load an RDB of that version.
    ///
    /// Sources: `RDB_VERSION` of each release and its check in `src/rdb.c`; tried with the servers themselves.
    public func loads(_ format: RDBHeader.Format) -> Bool {
        switch (product, format.isValkey) {
        case (.valkey, true): major >= 9 && (major > 9 || format.version <= 80)
        // Version 12 and later of the old name are Redis' own, which Valkey refuses.
        case (.valkey, false): format.version <= 11
        case (_, true): false
        case (.redict, false): format.version <= 12
        case (.redis, false):
            switch (major, minor) {
            case (...6, _): format.version <= 9
            case (7, 0...1): format.version <= 10
            case (7, 2...3): format.version <= 11
            case (7, _), (8, 0...1): format.version <= 12
            // A server newer than this list judges by itself.
            default: true
            }
        }
    }

    /// Why a replica that ended the transfer may have done so.
    ///
    /// - Parameter source: what the replica runs; nil where it does not say.
    public func explanation(forTransferEndedBy source: ServerVersion?) -> String {
        let log = "its log says why"
        guard let source else { return log }
        guard source.product == .valkey, source.major >= 9, product != .valkey || major < 9 else {
            return "\(log) (\(source))"
        }
        return
            "it runs \(source) and was asked for an RDB that \(self) can load: it cannot make one of a hash whose fields "
            + "expire, for instance (its log then says \"Can't store key\"); start \(source.product.rawValue) "
            + "\(source.major).\(source.minor) or newer here"
    }
}
