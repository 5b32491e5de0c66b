/// What the beginning of an RDB tells: whose history it is a copy of, and whether any key follows.
///
/// Source: redis/redis `src/rdb.c`, `rdbSaveRio` and `rdbLoadRioWithLoadingCtx`: magic and version, then AUX fields, then the
/// databases, each from a SELECTDB on, then EOF.
public struct RDBHeader: Equatable, Sendable {
    /// Which servers can load it.
    public struct Format: Equatable, Sendable, CustomStringConvertible {
        /// Valkey's own name, from Valkey 9 on.
        public var isValkey: Bool
        public var version: Int

        public init(isValkey: Bool, version: Int) {
            self.isValkey = isValkey
            self.version = version
        }

        public var description: String { "\(isValkey ? "Valkey's RDB" : "RDB") version \(version)" }
    }

    public var format: Format
    /// Whether anything but AUX fields and functions lies before the end.
    public var hasKeys: Bool
    /// The replication id that the writer had; nil where it wrote none.
    public var replicationID: String?
    /// How far in that history the data is.
    public var replicationOffset: Int64?
    /// When the writer began, in seconds since 1970 by its own clock.
    package var createdSeconds: Int64?
    /// How many keys a database has: of the first one, the writer says so.
    public struct Database: Equatable, Sendable {
        public var number: Int
        public var keys: Int

        public init(number: Int, keys: Int) {
            self.number = number
            self.keys = keys
        }
    }

    /// The first database that holds keys; nil where its size is not in the file.
    public var firstDatabase: Database?
    /// Bytes up to and including the checksum; known only where there are no keys.
    public var length: Int?

    /// Bytes of a file that are enough for every header that servers write (some hundreds), unless it holds functions.
    public static let prefixBytes = 1 << 16

    /// - Parameter prefix: the first bytes of the file, ``prefixBytes`` of them or all.
    /// - Returns: nil where this is not the beginning of an RDB, or it breaks off within the header.
    public init?(_ prefix: [UInt8]) {
        var reader = RDBReader(prefix)
        guard let format = reader.takeMagic() else { return nil }
        self.init(format: format, hasKeys: false)
        while let opcode = reader.takeByte() {
            switch opcode {
            case RDBReader.auxiliary:
                guard let name = reader.takeString(), let value = reader.takeString() else { return nil }
                take(name, value)
            case RDBReader.endOfFile:
                // From version 5 on, eight bytes of checksum.
                length = min(reader.index + 8, prefix.count)
                return
            case RDBReader.function:
                // A library is no key, and as long as it likes: where it leaves the prefix, the rest is taken for data.
                guard reader.takeString() != nil else {
                    hasKeys = true
                    return
                }
            case RDBReader.database:
                hasKeys = true
                if let number = reader.takeLength(), reader.takeByte() == RDBReader.sizes,
                    let keys = reader.takeLength()
                {
                    firstDatabase = Database(number: number, keys: keys)
                }
                return
            default:
                hasKeys = true
                return
            }
        }
        return nil
    }

    private init(format: Format, hasKeys: Bool) {
        self.format = format
        self.hasKeys = hasKeys
    }

    private mutating func take(_ name: [UInt8], _ value: [UInt8]) {
        let text = String(decoding: value, as: UTF8.self)
        if name == utf8("repl-id") { replicationID = text }
        if name == utf8("ctime") { createdSeconds = Int64(text) }
        if name == utf8("repl-offset") { replicationOffset = Int64(text) }
    }
}

/// RDB's bytes, one field after the other; nil where they end too early.
private struct RDBReader {
    static let function: UInt8 = 0xF5
    static let auxiliary: UInt8 = 0xFA
    static let sizes: UInt8 = 0xFB
    static let database: UInt8 = 0xFE
    static let endOfFile: UInt8 = 0xFF

    private let bytes: [UInt8]
    private(set) var index = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// `REDIS0011`, or `VALKEY080` from Valkey 9 on.
    mutating func takeMagic() -> RDBHeader.Format? {
        guard bytes.count >= 9 else { return nil }
        let isValkey = bytes.starts(with: utf8("VALKEY"))
        guard isValkey || bytes.starts(with: utf8("REDIS")), let version = number(Array(bytes[(isValkey ? 6 : 5)..<9]))
        else { return nil }
        index = 9
        return .init(isValkey: isValkey, version: version)
    }

    mutating func takeByte() -> UInt8? {
        guard index < bytes.count else { return nil }
        defer { index += 1 }
        return bytes[index]
    }

    /// A string in any of its encodings; a compressed one is skipped and given as empty: no AUX field of ours is.
    mutating func takeString() -> [UInt8]? {
        guard let first = takeByte() else { return nil }
        switch first >> 6 {
        case 0: return takeBytes(Int(first & 0x3F))
        case 1: return takeByte().flatMap { takeBytes(Int(first & 0x3F) << 8 | Int($0)) }
        case 2: return takeNumber(bytes: first == 0x81 ? 8 : 4).flatMap { takeBytes($0) }
        default: return takeEncoded(first & 0x3F)
        }
    }

    private mutating func takeEncoded(_ encoding: UInt8) -> [UInt8]? {
        switch encoding {
        case 0...2:
            guard let raw = takeBytes(1 << Int(encoding)) else { return nil }
            let bits = raw.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            let number: Int =
                encoding == 0
                ? Int(Int8(truncatingIfNeeded: bits))
                : encoding == 1 ? Int(Int16(truncatingIfNeeded: bits)) : Int(Int32(truncatingIfNeeded: bits))
            return utf8("\(number)")
        case 3:
            guard let compressed = takeLength(), takeLength() != nil, takeBytes(compressed) != nil else { return nil }
            return []
        default: return nil
        }
    }

    mutating func takeLength() -> Int? {
        guard let first = takeByte() else { return nil }
        switch first >> 6 {
        case 0: return Int(first & 0x3F)
        case 1: return takeByte().map { Int(first & 0x3F) << 8 | Int($0) }
        default: return takeNumber(bytes: first == 0x81 ? 8 : 4)
        }
    }

    /// Big-endian; nil where it is larger than any file.
    private mutating func takeNumber(bytes count: Int) -> Int? {
        takeBytes(count).flatMap { Int(exactly: $0.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }) }
    }

    private mutating func takeBytes(_ count: Int) -> [UInt8]? {
        guard count <= bytes.count - index else { return nil }
        defer { index += count }
        return Array(bytes[index..<index + count])
    }
}
