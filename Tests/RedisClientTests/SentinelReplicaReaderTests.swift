import NIOCore
import RedisCore
import Testing

@testable import RedisClient

@Suite("A Sentinel's list of replicas is read as it comes")
struct SentinelReplicaReaderTests {
    private static func bulk(_ text: String) -> String { "$\(text.utf8.count)\r\n\(text)\r\n" }

    private static func replica(_ host: String, flags: String = "slave") -> String {
        let fields = ["name", "x", "ip", host, "port", "6379", "flags", flags]
        return "*\(fields.count)\r\n" + fields.map(bulk).joined()
    }

    private static func list(_ replicas: [String]) -> String { "*\(replicas.count)\r\n" + replicas.joined() }

    /// What is read of pieces, and how many of them were needed.
    private func outcome(
        _ pieces: [some Sequence<UInt8>], logIns: Int = 0
    ) -> (outcome: SentinelReplicaReader.Outcome?, pieces: Int) {
        var reader = SentinelReplicaReader(logIns: logIns)
        for (index, piece) in pieces.enumerated() {
            if let outcome = reader.read(ByteBuffer(bytes: piece)) { return (outcome, index + 1) }
        }
        return (nil, pieces.count)
    }

    private func hosts(_ outcome: SentinelReplicaReader.Outcome?) -> [String]? {
        guard case .list(let replicas)? = outcome else { return nil }
        return replicas.healthy.map(\.host)
    }

    @Test("cut anywhere, and never before its end; behind the answers to log-ins")
    func cuts() {
        let answer = Self.list([Self.replica("a"), Self.replica("b", flags: "slave,s_down"), Self.replica("c")])
        for (logIns, text) in [(0, answer), (1, "+OK\r\n" + answer), (1, "-WRONGPASS x\r\n" + answer)] {
            let bytes = Array(text.utf8)
            for cut in 0...bytes.count {
                let (whole, _) = outcome([bytes[..<cut], bytes[cut...]], logIns: logIns)
                #expect(hosts(whole) == ["a", "c"], "\(cut)")
                if cut < bytes.count { #expect(outcome([bytes[..<cut]], logIns: logIns).outcome == nil, "\(cut)") }
            }
            #expect(hosts(outcome(bytes.map { [$0] }, logIns: logIns).outcome) == ["a", "c"])
        }
        #expect(hosts(outcome([Array("*0\r\n".utf8)]).outcome) == [])
    }

    @Test("a long list is read to its end, and one beyond a bound up to it")
    func bounds() {
        let gone = (0..<4095).map { Self.replica("10.9.\($0 / 250).\($0 % 250)", flags: "s_down,slave,disconnected") }
        let whole = outcome([Array(Self.list(gone + [Self.replica("a")]).utf8)]).outcome
        #expect(hosts(whole) == ["a"])
        if case .list(let replicas)? = whole { #expect(replicas.bound == nil) }
        // Of more, the beginning is enough.
        let longer = outcome([
            Array(("*9999\r\n" + (gone + [Self.replica("a"), Self.replica("b")]).joined()).utf8)
        ])
        #expect(hosts(longer.outcome) == ["a"])
        if case .list(let replicas)? = longer.outcome { #expect(replicas.bound == .listed(4096)) }
        let healthy = outcome([Array(Self.list((0..<100).map { Self.replica("h\($0)") }).utf8)]).outcome
        #expect(hosts(healthy)?.count == 64)
    }

    @Test("more bytes than are taken end it, with what has come")
    func bytes() {
        let long = Self.replica("b", flags: "slave," + String(repeating: "x", count: 60_000))
        let pieces = ["*3000\r\n" + Self.replica("a")] + Array(repeating: long, count: 1000)
        let (read, count) = outcome(pieces.map { Array($0.utf8) })
        #expect(hosts(read) == ["a", "b"])
        if case .list(let replicas)? = read {
            #expect(replicas.bound == .bytes(SentinelReplicaReader.maximumBytes))
        }
        #expect(count < 200)
    }

    @Test(
        "an error is what it says; what is no list is said to be none",
        arguments: [
            ("-NOPERM x\r\n", SentinelReplicaReader.Outcome.refused("NOPERM x")),
            ("-ERR No such master\u{1B}\r\n", .refused("ERR No such master\\x1b")),
            ("+OK\r\n", .unreadable("no list")), ("\r\n", .unreadable("no list")),
            ("*-1\r\n", .unreadable("no number of replicas")), ("*x\r\n", .unreadable("no number of replicas")),
            (String(repeating: "x", count: 5000), .unreadable("a line without an end")),
        ])
    func odd(text: String, expected: SentinelReplicaReader.Outcome) {
        #expect(outcome([Array(text.utf8)]).outcome == expected)
    }

    @Test("a replica that is no array is none, and one that is too large ends it")
    func oddReplicas() {
        let odd = Self.list(["$1\r\nx\r\n", ":5\r\n", "*1\r\n*1\r\n:1\r\n", Self.replica("a")])
        #expect(hosts(outcome([Array(odd.utf8)]).outcome) == ["a"])
        for large in ["*1\r\n*1000\r\n", "*1\r\n*1\r\n$999999999\r\nx", "*1\r\nodd\r\n"] {
            guard case .unreadable? = outcome([Array(large.utf8)]).outcome else {
                Issue.record("\(large)")
                continue
            }
        }
    }
}
