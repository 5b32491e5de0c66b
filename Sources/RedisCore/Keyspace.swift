/// The section `keyspace` of INFO: the databases that hold keys.
///
/// Source: redis/redis `src/server.c`, `genRedisInfoString`. An empty server sends the title of the section alone.
public struct Keyspace: Equatable, Sendable {
    /// One line `dbN:keys=…,expires=…,…`, whose fields may come in any order.
    public struct Database: Equatable, Sendable {
        public var number: Int
        public var keys: Int64
        public var expiringKeys: Int64 = 0
        /// Keys whose items expire one by one, as fields of a hash (`keys_with_volatile_items`, Valkey 9).
        public var keysWithExpiringItems: Int64 = 0
    }

    public var databases: [Database] = []

    /// The keys of all databases.
    public var keys: Int64 { databases.reduce(0) { $0.saturatingAdding($1.keys) } }

    /// - Parameter text: the answer to `INFO` or to `INFO keyspace`.
    /// - Returns: `nil` where the section is missing or the line of a database cannot be read. Such an answer does not say
    ///   that there are no keys.
    public init?(parsing text: [UInt8]) {
        var isFound = false
        var isInside = false
        for line in text.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) {
            if line.first == UInt8(ascii: "#") {
                isInside = line.elementsEqual("# Keyspace".utf8)
                isFound = isFound || isInside
                continue
            }
            guard line.starts(with: "db".utf8) else { continue }
            let name = line.prefix { $0 != UInt8(ascii: ":") }
            // Other sections have names like `db0_distrib_strings_sizes`.
            guard isInside || name.dropFirst(2).allSatisfy(Self.isDigit) else { continue }
            guard let database = Database(name: name, fields: line.dropFirst(name.count + 1)) else { return nil }
            databases.append(database)
        }
        guard isFound else { return nil }
    }

    fileprivate static func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }
}

extension Keyspace.Database {
    fileprivate init?(name: ArraySlice<UInt8>, fields: ArraySlice<UInt8>) {
        guard let number = Self.number(name.dropFirst(2)).flatMap({ Int(exactly: $0) }) else { return nil }
        var values: [String: Int64] = [:]
        for field in fields.split(separator: UInt8(ascii: ",")) {
            let name = field.prefix { $0 != UInt8(ascii: "=") }
            let key = String(decoding: name, as: UTF8.self)
            guard ["keys", "expires", "keys_with_volatile_items"].contains(key) else { continue }
            guard values[key] == nil, let value = Self.number(field.dropFirst(name.count + 1)) else { return nil }
            values[key] = value
        }
        guard let keys = values["keys"] else { return nil }
        self.init(
            number: number, keys: keys, expiringKeys: values["expires"] ?? 0,
            keysWithExpiringItems: values["keys_with_volatile_items"] ?? 0)
    }

    /// Digits and nothing else; `nil` where they are too many.
    private static func number(_ text: ArraySlice<UInt8>) -> Int64? {
        guard text.allSatisfy(Keyspace.isDigit) else { return nil }
        return Int64(String(decoding: text, as: UTF8.self))
    }
}
