import RedisCore
import Testing

@Suite("INFO replication")
struct ReplicationInfoTests {
    static let replica70 = """
        # Replication\r\nrole:slave\r\nmaster_host:redis-master\r\nmaster_port:6379\r\nmaster_link_status:up\r
        master_last_io_seconds_ago:1\r\nmaster_sync_in_progress:0\r\nslave_read_repl_offset:42\r\nslave_repl_offset:40\r
        slave_priority:100\r\nslave_read_only:1\r\nreplica_announced:1\r\nconnected_slaves:0\r
        master_failover_state:no-failover\r\nmaster_replid:c29d1cdb26ed1a5c5266913d861394744a47049d\r
        master_replid2:1240e27ca130ca82d198b8b52cab94b7f6ca9367\r\nmaster_repl_offset:40\r\nsecond_repl_offset:29\r\n
        """

    @Test func `a replica's answer gives its link, its applied offset and both histories`() throws {
        let info = try #require(ReplicationInfo(text: Self.replica70))
        #expect(info.role == .replica)
        #expect(
            info.masterLink
                == .init(
                    host: "redis-master", port: 6379, isUp: true, appliedOffset: 40, receivedOffset: 42,
                    silentSeconds: 1))
        #expect(info.replicationID == "c29d1cdb26ed1a5c5266913d861394744a47049d")
        #expect(info.secondReplicationID == "1240e27ca130ca82d198b8b52cab94b7f6ca9367")
        #expect(info.secondOffset == 29)
        #expect(info.offset == 40)
    }

    @Test func `a master's answer lists each replica under its own address`() throws {
        let info = try #require(
            ReplicationInfo(
                text: """
                    role:master\r\nconnected_slaves:2\r\nslave0:ip=10.1.37.13,port=6379,state=online,offset=14,lag=1\r
                    slave1:ip=fd00::2,port=6380,state=wait_bgsave,offset=0,lag=0\r\nmaster_replid:abc\r
                    master_replid2:0000000000000000000000000000000000000000\r\nmaster_repl_offset:14\r\n
                    """))
        #expect(info.role == .master)
        #expect(info.masterLink == nil)
        #expect(
            info.replicas == [
                .init(address: "10.1.37.13", port: 6379, state: "online", offset: 14, lagSeconds: 1),
                .init(address: "fd00::2", port: 6380, state: "wait_bgsave", offset: 0, lagSeconds: 0),
            ])
        #expect(info.secondReplicationID == nil, "forty zeros are no history")
    }

    @Test(arguments: ["", "# Replication\r\n", "role", "role:sentinel\r\n", "-ERR no\r\n"])
    func `an answer without a role is no answer`(text: String) {
        #expect(ReplicationInfo(text: text) == nil)
    }

    @Test func `every prefix of an answer is read or refused, never a trap`() {
        let bytes = Array(Self.replica70.utf8)
        for end in 0...bytes.count { _ = ReplicationInfo(parsing: Array(bytes[..<end]).span) }
    }

    @Test func `random bytes are read or refused, never a trap`() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("role:slavemt_=,\r\n0123456789\u{ff}".utf8)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...80, using: &generator)).map { _ in alphabet.randomElement()! }
            _ = ReplicationInfo(parsing: bytes.span)
        }
    }
}

@Suite("Which server may serve a read")
struct ReadSuitabilityTests {
    typealias Link = ReplicationInfo.MasterLink

    @Test(arguments: [
        (Link(host: "m", port: 1, isUp: true), ReadSuitability.fresh),
        // 7.0 and 8.0 report -1 for a link that was never up, 6.0 the seconds since 1970 (both seen on real servers).
        (Link(host: "m", port: 1, isUp: false, downSeconds: -1), .unusable(.neverSynchronised)),
        (Link(host: "m", port: 1, isUp: false, downSeconds: 1_795_233_618), .unusable(.neverSynchronised)),
        (Link(host: "m", port: 1, isUp: false, downSeconds: nil), .unusable(.neverSynchronised)),
        (Link(host: "m", port: 1, isUp: false, downSeconds: 0), .stale),
        (Link(host: "m", port: 1, isUp: false, downSeconds: 86_400), .stale),
        (Link(host: "m", port: 1, isUp: false, isSynchronising: true, downSeconds: 3), .unusable(.synchronising)),
    ])
    func `a replica is judged by its link`(link: Link, expected: ReadSuitability) {
        #expect(ReplicationInfo(role: .replica, masterLink: link).readSuitability == expected)
    }

    @Test func `a master is always fresh`() {
        #expect(ReplicationInfo(role: .master).readSuitability == .fresh)
    }
}

extension ReplicationInfo {
    init?(text: String) {
        let bytes = Array(text.utf8)
        self.init(parsing: bytes.span)
    }
}
