import RedisCore
import ReplicaReconciler
import Testing

@Suite struct ServerInformationTests {
    private func section(_ text: String) -> [UInt8] { Array(text.replacing("\n", with: "\r\n").utf8) }

    @Test func readsTheSectionsInAnyOrder() throws {
        let information = try #require(
            ServerInformation(parsing: [
                section("# Keyspace\ndb0:keys=5,expires=1,avg_ttl=0\ndb12:keys=7,expires=0,avg_ttl=0,subexpiry=0\n"),
                section("# Server\nredis_version:7.2.4\nvalkey_version:8.1.0\nrun_id:\(id("f"))\ntcp_port:6379\n"),
                section("# Persistence\nloading:1\nasync_loading:0\n"),
                section(
                    """
                    # Replication
                    role:slave
                    master_host:redis-master
                    master_port:6379
                    master_link_status:up
                    slave_repl_offset:14
                    master_replid:\(id("a"))

                    """),
            ]))
        #expect(information.runID == id("f"))
        #expect(information.version == "8.1.0")
        #expect(information.keys == 12)
        #expect(information.databases.map(\.name) == ["db0", "db12"])
        #expect(information.databases[0].expiringKeys == 1)
        #expect(information.isLoading)
        #expect(information.replication.masterLink?.host == "redis-master")
        #expect(information.fields["tcp_port"] == "6379")
    }

    @Test(arguments: [[], ["# Server\nrun_id:x\n"], ["# Replication\nconnected_slaves:0\n"]])
    func withoutARoleThereIsNone(_ sections: [String]) {
        #expect(ServerInformation(parsing: sections.map(section)) == nil)
    }

    @Test func oddLinesArePassedOver() throws {
        let sections = ["# Replication\nrole:master\nno colon\ndb0:nothing\ndbx:keys=1\n:\n"]
        let information = try #require(ServerInformation(parsing: sections.map(section)))
        #expect(information.keys == 0)
    }

    @Test(arguments: ["", "# Keyspace\ndb0:keys=NaN,expires=0\n", "# Keyspace\ndb99999999999999999999:keys=5\n"])
    func keysThatCannotBeReadAreNotNone(_ keyspace: String) throws {
        let replication =
            "# Replication\nrole:slave\nmaster_host:h\nmaster_port:1\nmaster_link_status:down\nslave_repl_offset:1\n"
        let information = try #require(ServerInformation(parsing: [replication, keyspace].map(section)))
        #expect(!information.hasKeyspace)
        #expect(information.replication.masterLink?.lostItsData == false)
        let empty = try #require(ServerInformation(parsing: [replication, "# Keyspace\n"].map(section)))
        #expect(empty.hasKeyspace)
        #expect(empty.replication.masterLink?.lostItsData == true)
    }
}
