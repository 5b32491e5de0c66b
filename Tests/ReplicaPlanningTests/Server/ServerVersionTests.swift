import ReplicaPlanning
import Testing

@Suite("The version of a server")
struct ServerVersionTests {
    private static let valkey9 = ServerVersion(.valkey, 9, 1, 2)
    private static let redis7 = ServerVersion(.redis, 7, 0, 15)

    @Test("is read from what the program prints, and from INFO, forks by their own name")
    func parsed() {
        for (text, version) in [
            ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64 build=1\n", Self.redis7),
            ("Valkey server v=9.1.2 sha=00000000:0 malloc=jemalloc-5.3.1\n", Self.valkey9),
            ("Redict server v=7.3.6 sha=00000000:0\n", ServerVersion(.redict, 7, 3, 6)),
            ("Redis server v=8.0-rc1 sha=0", ServerVersion(.redis, 8, 0, 0)),
            ("Valkey server v=255.255.255 sha=0", ServerVersion(.valkey, 255, 255, 255)),
        ] {
            #expect(ServerVersion(programOutput: text) == version, "\(text)")
        }
        for text in [
            "", "v=7.0.15", "redis-cli 7.0.15", "Redis server v=x sha=0", "Redis server v=99999999999999999999",
        ] {
            #expect(ServerVersion(programOutput: text) == nil, "\(text)")
        }
        let forks = "# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\n"
        #expect(ServerVersion(information: forks) == Self.valkey9)
        #expect(ServerVersion(information: "# Server\r\nredis_version:7.0.15\r\n") == Self.redis7)
        #expect(ServerVersion(information: "# Server\r\n") == nil)
    }

    @Test("is announced as that server's own replicas do: Valkey in three numbers, the others not at all")
    func announced() {
        #expect(Self.valkey9.announcement == "9.1.2")
        #expect(ServerVersion(.valkey, 9, 1, 0).announcement == "9.1.0")
        #expect(Self.redis7.announcement == nil)
        #expect(ServerVersion(.redict, 7, 3, 6).announcement == nil)
    }

    @Test("decides which RDB the server can load")
    func loads() {
        func redis(_ version: Int) -> RDBHeader.Format { .init(isValkey: false, version: version) }
        let valkey80 = RDBHeader.Format(isValkey: true, version: 80)
        for (server, newest) in [
            (ServerVersion(.redis, 6, 0, 16), 9), (.init(.redis, 6, 2, 5), 9), (Self.redis7, 10),
            (.init(.redis, 7, 2, 4), 11), (.init(.redis, 7, 4, 0), 12), (.init(.redis, 8, 0, 6), 12),
            (.init(.valkey, 8, 1, 1), 11), (Self.valkey9, 11), (.init(.redict, 7, 3, 6), 12),
        ] {
            #expect(server.loads(redis(newest)) && !server.loads(redis(newest + 1)), "\(server)")
            #expect(server.loads(valkey80) == (server == Self.valkey9), "\(server)")
        }
        #expect(!Self.valkey9.loads(.init(isValkey: true, version: 81)))
    }

    @Test("explains a transfer that Valkey 9 ended: what it could not write for an older server, and the cure")
    func explained() {
        let words = Self.redis7.explanation(forTransferEndedBy: Self.valkey9)
        #expect(words.contains("Valkey 9.1.2") && words.contains("Redis 7.0.15"), "\(words)")
        #expect(words.contains("start Valkey 9.1 or newer here"), "\(words)")
        #expect(Self.valkey9.explanation(forTransferEndedBy: Self.valkey9) == "its log says why (Valkey 9.1.2)")
        #expect(Self.redis7.explanation(forTransferEndedBy: nil) == "its log says why")
    }
}
