import RedisCore
import SeededRandomness
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
            // Of a server that does not say its run id, and with what a name in /etc/hosts can be.
            MasterRecord(.master(a), by: .start, configured: a, serverRunID: ""),
            MasterRecord(
                .master(MasterAddress(host: "my master é%eth0", port: 1)), by: .hand, configured: a,
                serverRunID: server,
                term: .max),
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

    @Test(arguments: [
        " ", "   \n", "\r\n \r\n", "\t", "#", " #", "\u{85}\n", "\u{2028}", "\0", "replicaof", "supersedes", "server",
        "term",
        "term x\n", "  \nreplicaof",
    ])
    func oddLinesAreNoRecordAndNoEnd(_ text: String) { #expect(MasterRecord(parsing: text) == nil) }

    @Test(arguments: [" ", "   ", "\t", "\u{85}", "\u{2028}", "\0", "# x", " # y"])
    func oddLinesAmongOthersArePassedOver(_ line: String) {
        let record = MasterRecord(.nobody, by: .hand, superseding: [a], configured: a, serverRunID: "x", term: 7)
        for text in [
            "\(line)\n\(record.text)", "\(record.text)\(line)", record.text.replacing("\n", with: "\n\(line)\n"),
        ] {
            #expect(MasterRecord(parsing: text) == record)
        }
    }

    @Test func bytesThatAreNoTextAreNoHost() {
        for bytes: [UInt8] in [[0xFF], [0x80], [0xC3], [0x00], [0x09], [0x7F], Array("%00".utf8), Array("%0A".utf8)] {
            let file =
                Array("replicaof h".utf8) + bytes + Array(" 6379\ndecided-by hand\nconfigured a 6379\nserver x\n".utf8)
            #expect(MasterRecord(parsing: file) == nil, "\(bytes)")
        }
    }

    @Test(arguments: ["", "-1", "+1", "18446744073709551616", "1 2", "0x1", "１"])
    func aTermIsANumber(_ term: String) {
        let text = "replicaof a 6379\ndecided-by hand\nconfigured a 6379\nserver x\nterm \(term)\n"
        #expect(MasterRecord(parsing: text) == nil)
    }

    @Test func aRecordOfAnEarlierVersionIsOfTheFirstTerm() {
        let text = "replicaof fe80::1%eth0 6379\ndecided-by hand\nconfigured a 6379\nserver x\n"
        #expect(MasterRecord(parsing: text)?.term == 0)
        #expect(MasterRecord(parsing: text)?.following == .master(MasterAddress(host: "fe80::1%eth0", port: 6379)))
    }

    @Test func whatIsTooLongIsNone() {
        let record = MasterRecord(.nobody, by: .hand, configured: a, serverRunID: "x")
        let filler = String(repeating: "#", count: MasterRecord.maximumBytes)
        #expect(MasterRecord(parsing: record.text + filler) == nil)
        #expect(MasterRecord(parsing: record.text + filler.dropLast(record.text.utf8.count)) == record)
    }

    @Test func howeverOftenItIsMovedTheNewestAreKept() {
        let many = (1...1000).map { MasterAddress(host: "10.0.0.1", port: $0) }
        let record = MasterRecord(.nobody, by: .hand, superseding: many + [a], configured: a, serverRunID: "x")
        #expect(record.superseded.count == MasterRecord.maximumSuperseded && record.overrules(a))
        #expect(MasterRecord(parsing: record.text) == record)
    }

    @Test func everyEndAndEveryByteOfARecord() {
        let file = Array(
            MasterRecord(.master(b), by: .hand, superseding: [a], configured: a, serverRunID: "x", term: 12).text.utf8)
        for end in file.indices { _ = MasterRecord(parsing: Array(file[..<end])) }
        for index in file.indices {
            for byte in Array("\n\r\t #%\"0aF\u{0}\u{7F}".utf8) + [0x80, 0xC3, 0xFF] {
                var other = file
                other[index] = byte
                if let record = MasterRecord(parsing: other) { #expect(MasterRecord(parsing: record.text) == record) }
            }
        }
    }
}
