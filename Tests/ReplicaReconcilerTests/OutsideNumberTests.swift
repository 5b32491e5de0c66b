import RedisCore
import ReplicaReconciler
import Testing

@Suite("Numbers and texts of servers end nothing and spoil no log")
struct OutsideNumberTests {
    private static let extremes: [Int64] = [.min, .min + 1, -1, 0, 1, .max - 1, .max]

    /// The answers to INFO of a server that says such numbers.
    private static func sections(_ numbers: (Int64, Int64, Int64), role: String) -> [[UInt8]] {
        let (first, second, third) = numbers
        let replication = """
            # Replication\r
            role:\(role)\r
            master_host:10.0.0.1\r
            master_port:\(first)\r
            master_link_status:\(second > 0 ? "up" : "down")\r
            master_last_io_seconds_ago:\(third)\r
            master_link_down_since_seconds:\(first)\r
            slave_repl_offset:\(second)\r
            slave_read_repl_offset:\(third)\r
            master_replid:\(String(repeating: "a", count: 40))\r
            master_replid2:\(String(repeating: "b", count: 40))\r
            master_repl_offset:\(third)\r
            second_repl_offset:\(first)\r
            slave0:ip=10.0.0.2,port=\(second),state=online,offset=\(first),lag=\(third)\r

            """
        let keyspace = (0..<3).map {
            "db\($0):keys=\(first),expires=\(second),avg_ttl=\(third),keys_with_volatile_items=\(third)\r\n"
        }
        return [
            Array(replication.utf8), Array("# Server\r\nrun_id:r\r\nuptime_in_seconds:\(first)\r\n".utf8),
            Array("# Persistence\r\nloading:0\r\n".utf8), Array("# Keyspace\r\n\(keyspace.joined())".utf8),
            Array("# Stats\r\nsync_full:\(first)\r\ntotal_net_repl_input_bytes:\(second)\r\n".utf8),
        ]
    }

    private static func info(_ text: String) -> ReplicationInfo? {
        let bytes = Array(text.utf8)
        return ReplicationInfo(parsing: bytes.span)
    }

    @Test("the ends of Int64 in every field, of the replica and of its master")
    func extremes() throws {
        var seen = 0
        for first in Self.extremes {
            for second in Self.extremes {
                for third in Self.extremes {
                    let numbers = (first, second, third)
                    let replica = try #require(ServerInformation(parsing: Self.sections(numbers, role: "slave")))
                    let master = try #require(
                        ServerInformation(parsing: Self.sections((third, first, second), role: "master")))
                    var watch = Watch(MasterAddress(host: "10.0.0.1", port: 6379))
                    for information in [replica, master, replica] {
                        _ = watch.lookOn(information, .at(.master(master)))
                        if let address = watch.reconciler.awaitedSource {
                            _ = watch.reconciler.see(source: master, at: address, now: watch.now)
                        }
                    }
                    var history = MasterOffsetHistory()
                    if let token = ReplicationToken(of: master.replication) {
                        history.record(token, atNanoseconds: watch.now.nanoseconds)
                    }
                    var bounds = ReadinessBounds()
                    bounds.maximumLagBytes = 1
                    bounds.maximumLagSeconds = 2
                    _ = "\(bounds.verdict(on: watch.reconciler, by: history, at: watch.now))"
                    _ = history.lagBytes(of: replica.replication, at: watch.now)
                    _ = "\(DataComparison(replica, against: master))\(DataComparison(master, against: replica))"
                    var rule = ReadinessRule(maximumSilenceSeconds: first, maximumUnappliedBytes: second)
                    rule.requiresLink = third == 0
                    _ = "\(rule.verdict(on: replica.replication, isLoading: false))"
                    seen += 1
                }
            }
        }
        #expect(seen == 343)
    }

    @Test("a port is none beyond 65535, and a damaged line of a replica is left out whole")
    func ports() throws {
        for (port, expected) in [("-1", 0), ("65536", 0), ("9999999999999999999", 0), ("6379", 6379)] {
            let text = "role:slave\r\nmaster_host:h\r\nmaster_port:\(port)\r\n"
            let info = try #require(Self.info(text))
            #expect(info.masterLink?.port == expected)
        }
        for line in ["port=70000", "port=6379,offset=x", "port=6379,lag=", "port=-1", "offset=1"] {
            let text = "role:master\r\nslave0:ip=10.0.0.1,state=online,\(line)\r\n"
            let info = try #require(Self.info(text))
            #expect(info.replicas.isEmpty, "\(line)")
        }
    }

    @Test("a name with control characters, or of a megabyte, is escaped and cut")
    func words() throws {
        let odd = ["a\u{1B}[31mred", "a\u{7}", "a\u{202E}b", "a b", "a\u{0}b", String(repeating: "x", count: 1 << 20)]
        for host in odd {
            let text = "role:slave\nmaster_host:\(host)\nmaster_replid:\(host)\n"
            let info = try #require(Self.info(text))
            let shown = try #require(info.masterLink?.host)
            #expect(shown.utf8.count < 300 && shown.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }, "\(shown)")
            #expect(!shown.contains("\u{202E}"))
        }
        for host in odd {
            let shown = "\(MasterAddress(host: host, port: 6379))"
            #expect(shown.utf8.count < 300 && shown.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }, "\(shown)")
        }
        #expect("\(MasterAddress(host: "fd00::1", port: 1)) \(MasterAddress(host: "h", port: 2))" == "[fd00::1]:1 h:2")
        let plain = "role:slave\nmaster_host:redis-máster.example\n"
        let info = try #require(Self.info(plain))
        #expect(info.masterLink?.host == "redis-máster.example")
        var information = try #require(ServerInformation(parsing: [Array("# Replication\r\nrole:master\r\n".utf8)]))
        information.fields["redis_version"] = "7.0\u{1B}[2J" + String(repeating: "9", count: 1 << 20)
        #expect(information.version.utf8.count < 40 && !information.version.contains("\u{1B}"))
        let refused = ObservedMaster.Standing(role: "x\u{1B}" + String(repeating: "y", count: 999), information)
        #expect("\(refused)".count < 200)
    }

    /// What servers say in numbers, as the sources name it.
    private static let names = [
        "offset", "appliedOffset", "receivedOffset", "secondOffset", "fork", "keys", "expiringKeys", "downSeconds",
        "silentSeconds", "lagSeconds", "copiedBytes", "receivedBytes", "uptime", "fullCopyRequests", "received",
        "applied", "lag", "requests", "rises", "term",
    ]

    @Test("no source adds, subtracts or multiplies such a number plainly")
    func plainArithmetic() throws {
        let folders = [
            "RedisCore", "ReplicaReconciler", "ServerSelection", "ReplicaAgent", "RedisClient", "ReplicaPlanning",
            "redis-replica-init",
        ]
        var lines = 0
        var found: [String] = []
        for folder in folders {
            for path in try SourceTexts.files(in: "Sources/\(folder)") {
                for line in try SourceTexts.contents(path).split(separator: "\n") {
                    lines += 1
                    let code = Self.code(line)
                    // How far the program itself has read a file.
                    let isOwn = path.hasSuffix("/DamageCheck.swift")
                    if !isOwn, Self.isPlain(code) { found.append("\(path): \(line)") }
                }
            }
        }
        #expect(lines > 10_000)
        #expect(found.isEmpty, "\(found.joined(separator: "\n"))")
        for wrong in [
            "let lag = received - link.appliedOffset", "sum + $0.keys", "info.offset + 1", "keys += database.keys",
            "1 + offset", "master.offset * 2",
        ] { #expect(Self.isPlain(wrong), "\(wrong)") }
    }

    /// A line without its comment and what stands between quotes.
    private static func code(_ line: Substring) -> String {
        var code = ""
        var isQuoted = false
        var last: Character = " "
        for character in line {
            if character == "/", last == "/", !isQuoted { return String(code.dropLast()) }
            if character == "\"", last != "\\" { isQuoted.toggle() }
            if !isQuoted { code.append(character) }
            last = character
        }
        return code
    }

    private static func isPlain(_ code: String) -> Bool {
        let words = code.split(separator: " ").map(String.init)
        for (index, word) in words.enumerated() where ["+", "-", "*", "+=", "-=", "*="].contains(word) {
            guard index > 0, index + 1 < words.count else { continue }
            if isNumber(words[index - 1]) || isNumber(words[index + 1]) { return true }
        }
        return false
    }

    /// Whether the last name of an operand is one of these: `link.appliedOffset)` is.
    private static func isNumber(_ operand: String) -> Bool {
        let parts = operand.split { !$0.isLetter && !$0.isNumber && $0 != "." && $0 != "_" }
        guard let name = parts.first?.split(separator: ".").last, parts.count == 1 else { return false }
        return names.contains(String(name))
    }
}
