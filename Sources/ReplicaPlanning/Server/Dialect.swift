import RedisConf

/// Which directives the server knows, told by `VALKEY_VERSION`, `REDICT_VERSION` or `REDIS_VERSION` without starting it to ask.
///
/// Where neither is set the server counts as modern (7.0), but nothing is written that only 7.0 knows and that is not needed.
public struct Dialect: Equatable, Sendable {
    package enum Flavour: Sendable { case redis, valkey, redict }

    package var flavour: Flavour
    /// Major and minor; nil where no variable tells.
    public var version: Version?

    public struct Version: Comparable, Sendable, CustomStringConvertible {
        public var major: Int
        package var minor: Int

        public init(_ major: Int, _ minor: Int) {
            self.major = major
            self.minor = minor
        }

        public static func < (left: Version, right: Version) -> Bool {
            (left.major, left.minor) < (right.major, right.minor)
        }

        public var description: String { "\(major).\(minor)" }
    }

    public init(_ environment: Environment) {
        if let valkey = environment["VALKEY_VERSION"] {
            flavour = .valkey
            version = Self.parse(valkey)
        } else if let redict = environment["REDICT_VERSION"] {
            flavour = .redict
            version = Self.parse(redict)
        } else {
            flavour = .redis
            version = environment["REDIS_VERSION"].flatMap(Self.parse)
        }
    }

    /// What an installed server says, where no variable tells.
    func settled(by release: ServerRelease) -> Dialect {
        var dialect = self
        dialect.version = release.version
        dialect.flavour =
            switch release.product {
            case .redis: .redis
            case .valkey: .valkey
            case .redict: .redict
            }
        return dialect
    }

    /// Whether the server has what came with a version; true where the version is not known.
    func has(_ major: Int, _ minor: Int) -> Bool { version.map { $0 >= Version(major, minor) } ?? true }

    /// Whether the server is known to have it.
    func surelyHas(_ major: Int, _ minor: Int) -> Bool { version.map { $0 >= Version(major, minor) } ?? false }

    /// The server that the variables tell of.
    var release: ServerRelease? {
        version.map {
            ServerRelease(
                product: flavour == .valkey ? .valkey : flavour == .redict ? .redict : .redis, version: $0)
        }
    }

    /// Where nothing tells the version, a line that some servers refuse counts as refused.
    var quotes: QuoteRule { flavour == .valkey && surelyHas(9, 0) ? .joinsText : .endsToken }

    /// `replicaof` exists from 5.0.
    var replicaof: String { has(5, 0) ? "replicaof" : "slaveof" }
    var announceAddress: String { has(5, 0) ? "replica-announce-ip" : "slave-announce-ip" }
    var announcePort: String { has(5, 0) ? "replica-announce-port" : "slave-announce-port" }

    /// The programs to look for, the likelier first.
    public var servers: [String] {
        switch flavour {
        case .redis: ["redis-server", "valkey-server", "redict-server"]
        case .valkey: ["valkey-server", "redis-server", "redict-server"]
        case .redict: ["redict-server", "redis-server", "valkey-server"]
        }
    }

    /// The users to look for, the likelier first.
    var users: [String] {
        switch flavour {
        case .redis: ["redis", "valkey", "redict"]
        case .valkey: ["valkey", "redis", "redict"]
        case .redict: ["redict", "redis", "valkey"]
        }
    }

    /// All interfaces of both families. From 6.2 a `-` lets the kernel lack an address; before, it always may.
    var bindToAll: [[UInt8]] { has(6, 2) ? [utf8("*"), utf8("-::*")] : [utf8("0.0.0.0"), utf8("::")] }

    /// `7.2.4`, `8.0-rc1`, `v7`; nil for anything else.
    static func parse(_ text: [UInt8]) -> Version? {
        let text = text.first == UInt8(ascii: "v") ? text.dropFirst() : text[...]
        let parts = text.split(separator: UInt8(ascii: "."), maxSplits: 2, omittingEmptySubsequences: false)
        guard let first = parts.first, let major = leadingNumber(first) else { return nil }
        return Version(major, parts.count > 1 ? leadingNumber(parts[1]) ?? 0 : 0)
    }

    private static func leadingNumber(_ text: ArraySlice<UInt8>) -> Int? {
        number(Array(text.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }))
    }
}
