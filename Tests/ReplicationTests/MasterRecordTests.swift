import Replication
import Testing

@Suite struct MasterRecordTests {
    private let a = MasterAddress(host: "redis-master", port: 6379)
    private let b = MasterAddress(host: "fd00::1", port: 6380)

    @Test func readsWhatItWrites() {
        let server = String(repeating: "f", count: 40)
        let records = [
            MasterRecord(.master(b), by: .sidecar, superseding: [a], configured: b, serverRunID: server),
            MasterRecord(.nobody, by: .hand, superseding: [a, b, a], configured: a, serverRunID: server),
            MasterRecord(.master(a), by: .start, configured: a, serverRunID: server),
        ]
        for record in records { #expect(MasterRecord(parsing: record.text) == record) }
    }

    @Test func aDecisionDoesNotSupersedeItself() {
        let record = MasterRecord(.master(a), by: .hand, superseding: [a, b, b], configured: a, serverRunID: "x")
        #expect(record.superseded == [b])
        #expect(record.overrules(b) && !record.overrules(a))
    }

    @Test(arguments: [
        "", "replicaof a 6379", "replicaof a\ndecided-by hand\nconfigured a 6379\nserver x",
        "replicaof a 0\ndecided-by hand\nconfigured a 6379\nserver x",
        "replicaof a 6379\ndecided-by nobody\nconfigured a 6379\nserver x",
        "replicaof a 6379\ndecided-by hand\nsupersedes b\nconfigured a 6379\nserver x",
        "replicaof a 6379\ndecided-by hand\nconfigured a 6379",
        "replicaof a 6379\ndecided-by\nconfigured a 6379\nserver x",
    ])
    func anythingElseIsNoRecord(_ text: String) { #expect(MasterRecord(parsing: text) == nil) }

    @Test func wordsOfANewerSidecarArePassedOver() {
        let text = "replicaof a 6379\r\nmood good\ndecided-by hand\nconfigured a 6379\nserver x\n"
        #expect(MasterRecord(parsing: text)?.following == .master(MasterAddress(host: "a", port: 6379)))
    }
}
