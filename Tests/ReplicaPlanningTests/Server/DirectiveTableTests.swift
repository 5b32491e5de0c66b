import Testing

@testable import RedisConf
@testable import ReplicaPlanning

@Suite("Every entry of the table of directives is found")
struct DirectiveTableTests {
    private static func names(_ table: String) -> [[UInt8]] {
        Array(table.utf8).split(separator: 0x0A).map { Array($0.prefix { $0 != 0x20 }) }
    }

    @Test func `every name, in any case`() {
        for name in Self.names(DirectiveTable.directives) {
            let upper = name.map { $0 >= 0x61 && $0 <= 0x7A ? $0 & 0xDF : $0 }
            #expect(DirectiveTable.facts(name)?.kinds.isEmpty == false && DirectiveTable.facts(upper) != nil)
            // The grammar knows the same names.
            let isKnown = KnownNames.contains(upper.span)
            #expect(isKnown, "\(String(decoding: name, as: UTF8.self))")
        }
        let commands = Self.names(DirectiveTable.commands)
        #expect(commands.allSatisfy { name in ServerColumn.allCases.contains { DirectiveTable.hasCommand(name, $0) } })
        let categories = Self.names(DirectiveTable.categories)
        #expect(categories.allSatisfy { DirectiveTable.hasCategory($0, .redis70) })
    }

    @Test func `nothing else`() {
        for name in [
            "", " ", "acl-", "aclfil", "aclfilex", "zzz", "-", "maxmemory 1", "zset-max-ziplist-valu", "\u{FF}",
        ] {
            #expect(DirectiveTable.facts(Array(name.utf8)) == nil, "\(name)")
            #expect(!DirectiveTable.hasCommand(Array(name.utf8), .redis70), "\(name)")
        }
    }

    @Test(arguments: [
        ("maxmemry", "maxmemory"), ("maxmemory:", "maxmemory"), ("MAXMEMORY=2mb", "maxmemory"), ("timeou", "timeout"),
        ("pot", "port"), ("nothing-like-it", nil), ("", nil),
    ])
    func `the nearest name`(word: String, name: String?) {
        #expect(DirectiveTable.nearest(Array(word.utf8), in: [.redis70]) == name)
    }
}

@Suite("A command's new name is not printed by a server that refuses its line")
struct RenamedCommandsTests {
    private static let release = ServerRelease(product: .redis, version: .init(7, 0))

    private func outcome(_ lines: [(String, String)], _ release: ServerRelease? = release) -> [StartProblem?] {
        var renamed = RenamedCommands(release: release)
        return lines.map { renamed.take([Array($0.0.utf8), Array($0.1.utf8)]) }
    }

    @Test func `each way of being refused`() {
        let unknown = StartProblem.unknownCommand(server: "Redis 7.0")
        let taken = StartProblem.commandNameTaken(server: "Redis 7.0")
        #expect(outcome([("config", "s3cr3t"), ("CONFIG", "other")]) == [nil, unknown])
        #expect(outcome([("confg", "s3cr3t")]) == [unknown])
        #expect(outcome([("get", "s3cr3t"), ("set", "S3CR3T")]) == [nil, taken])
        #expect(outcome([("get", "set")]) == [taken])
        // What a rename frees can be taken, and what it makes can be renamed again.
        #expect(
            outcome([("get", "a"), ("set", "GET"), ("a", "b"), ("debug", ""), ("flushall", "debug")]) == [
                nil, nil, nil, nil, nil,
            ])
        #expect(outcome([("confg", "s3cr3t")], nil) == [nil])
    }
}
