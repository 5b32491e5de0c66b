/// A server that ``DirectiveTable`` was made from, by the place of its bit.
package enum ServerColumn: UInt8, CaseIterable, Sendable {
    case redis60, redis62, redis70, redis80, redis806, redict73, valkey81, valkey91

    var isBefore7: Bool { self == .redis60 || self == .redis62 }
    var isValkey: Bool { self == .valkey81 || self == .valkey91 }
    /// From 7.0 one quoted argument may hold the whole list.
    var splitsQuotedLists: Bool { !isBefore7 }
    var bit: UInt8 { 1 << rawValue }

    var name: String {
        switch self {
        case .redis60: "Redis 6.0"
        case .redis62: "Redis 6.2"
        case .redis70: "Redis 7.0"
        case .redis80, .redis806: "Redis 8.0"
        case .redict73: "redict 7.3"
        case .valkey81: "Valkey 8.1"
        case .valkey91: "Valkey 9.1"
        }
    }
}

/// The server that a start would execute, as far as it is known.
public struct ServerRelease: Equatable, Sendable {
    public enum Product: String, Sendable {
        case redis = "Redis"
        case redict
        case valkey = "Valkey"
    }

    public var product: Product
    /// Nil where nothing tells: then every server of the table counts.
    public var version: Dialect.Version?

    public init(product: Product, version: Dialect.Version?) {
        self.product = product
        self.version = version
    }

    /// Where neither a variable nor a server tells.
    static let unknown = ServerRelease(product: .redis, version: nil)

    /// What `redis-server --version` says: `Redis server v=7.0.15 …`.
    public init?(versionOutput output: [UInt8]) {
        let words = output.split { $0 == 0x20 || $0 == 0x0A }
        guard let first = words.first, let number = words.first(where: { $0.starts(with: utf8("v=")) }) else {
            return nil
        }
        switch String(decoding: first, as: UTF8.self) {
        case "Redis": product = .redis
        case "Redict": product = .redict
        case "Valkey": product = .valkey
        default: return nil
        }
        version = Dialect.parse(Array(number.dropFirst(2)))
    }

    /// As messages name it.
    var name: String { version.map { "\(product.rawValue) \($0)" } ?? "any known version" }

    /// Between two releases of the table a server may have what either has.
    package var columns: [ServerColumn] {
        guard let version else { return ServerColumn.allCases }
        switch product {
        case .redict: return [.redict73]
        case .redis:
            if version < .init(6, 2) { return [.redis60] }
            if version < .init(7, 0) { return [.redis62] }
            if version < .init(7, 1) { return [.redis70] }
            if version < .init(8, 0) { return [.redis70, .redis80, .redis806, .redict73] }
            return [.redis80, .redis806]
        case .valkey:
            if version < .init(8, 1) { return [.redis70, .redict73, .valkey81] }
            if version < .init(9, 0) { return [.valkey81] }
            return version < .init(9, 1) ? [.valkey81, .valkey91] : [.valkey91]
        }
    }

    /// Whether the table speaks for it: what a newer or older server makes of a line is not known.
    var isInTable: Bool {
        guard let version else { return true }
        return switch product {
        case .redis: version >= .init(6, 0) && version <= .init(8, 0)
        case .redict: version == .init(7, 3)
        case .valkey: version >= .init(7, 2) && version <= .init(9, 1)
        }
    }
}
