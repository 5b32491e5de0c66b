import RedisCore
import Testing

@Suite("INFO keyspace")
struct KeyspaceTests {
    private func read(_ lines: String...) -> Keyspace? {
        Keyspace(parsing: Array(lines.map { "\($0)\r\n" }.joined().utf8))
    }

    @Test("what every version sends, an empty server among them")
    func real() throws {
        #expect(read("# Keyspace")?.keys == 0)
        #expect(read("# Server", "redis_version:6.0.16", "", "# Keyspace")?.keys == 0)
        let keyspace = try #require(
            read(
                "# Server", "redis_version:8.0.0", "", "# Keyspace", "db0:keys=5,expires=1,avg_ttl=0,subexpiry=0",
                "db12:keys=7,expires=0,avg_ttl=0,keys_with_volatile_items=2", "", "# Keysizes",
                "db0_distrib_strings_sizes:1=5"))
        #expect(keyspace.keys == 12)
        #expect(keyspace.databases.map(\.number) == [0, 12])
        #expect(keyspace.databases[0].expiringKeys == 1)
        #expect(keyspace.databases[1].keysWithExpiringItems == 2)
    }

    @Test(
        "fields are found by name, and others are passed over",
        arguments: [
            "expires=0,keys=5", "expires=0,avg_ttl=0,keys=5", "keys=5", "keys=5,new=x", "new,keys=5,",
            "cached_keys=9,keys=5",
        ])
    func order(_ fields: String) { #expect(read("# Keyspace", "db0:\(fields)")?.keys == 5) }

    @Test("a line behind another title counts", arguments: ["# Last DBSIZE SCAN Time: now", "# Other"])
    func titles(_ title: String) { #expect(read("# Keyspace", title, "db0:keys=5")?.keys == 5) }

    @Test("the sum of more keys than a number holds is the largest one")
    func sum() {
        #expect(read("# Keyspace", "db0:keys=\(Int64.max)", "db1:keys=\(Int64.max)")?.keys == .max)
    }

    @Test(
        "a line that cannot be read is no empty database",
        arguments: [
            "db0:keys=99999999999999999999", "db0:keys=9223372036854775808", "db0:keys=-5", "db0:keys=+5",
            "db0:keys=NaN", "db0:keys=1e9", "db0:keys=0x5", "db0:keys=5;", "db0:keys=5 ", "db0:keys=", "db0:keys",
            "db0:", "db0", "db:keys=5", "dbx:keys=5", "db-1:keys=5", "db99999999999999999999:keys=5",
            "db0:keys=0,keys=5", "db0:KEYS=5", "db0:expires=0", "db0:keys=5,expires=x", "db0:keys=\u{1B}[31m5",
        ])
    func unreadable(_ line: String) {
        #expect(read("# Keyspace", line) == nil)
        #expect(read("# Keyspace", "db1:keys=5,expires=0", line, "db2:keys=5") == nil)
    }

    @Test("without the section nothing is known", arguments: ["", "# Server", "db0:keys=5,expires=0", "# Keyspaces"])
    func missing(_ text: String) { #expect(read(text) == nil) }
}
