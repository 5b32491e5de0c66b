import ReplicaPlanning
import Testing

private func command(_ words: String...) -> String {
    "*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
}

@Suite("A placeholder master, to its clients,")
struct ReplicaHandshakeTests {
    private static let id = "c29d1cdb26ed1a5c5266913d861394744a47049d"
    private static let loading = "-LOADING redis-replica-init restores the data of this master from a replica\r\n"
    private static let continuing = "+CONTINUE \(id)\r\n"

    private func handshake() -> ReplicaHandshake {
        ReplicaHandshake(continuingAt: .init(replicationID: Self.id, offset: 4322))
    }

    /// What a replica of 7.0 says, one after the other or all at once.
    private let script: [(says: String, answer: String)] = [
        (command("PING"), "+PONG\r\n"), (command("AUTH", "user", "s3cret"), "+OK\r\n"),
        (command("REPLCONF", "listening-port", "6380"), "+OK\r\n"),
        (command("REPLCONF", "ip-address", "10.0.0.2"), "+OK\r\n"),
        (command("REPLCONF", "capa", "eof", "capa", "psync2"), "+OK\r\n"),
        (command("PSYNC", id, "4322"), continuing), (command("REPLCONF", "ACK", "4321"), ""),
    ]

    @Test("answers a replica that asks to go on where the sync source is as its master would")
    func transcript() {
        var handshake = handshake()
        for (says, answer) in script {
            #expect(text(handshake.take(bytes(says))) == answer, "\(says)")
        }
        #expect(handshake.outcome == .continued)
    }

    @Test("answers the same when all of it comes at once, or cut at any byte")
    func cuts() {
        let all = bytes(script.map(\.says).joined())
        let answers = script.map(\.answer).joined()
        var whole = handshake()
        #expect(text(whole.take(all)) == answers)
        for cut in 0...all.count {
            var handshake = handshake()
            let answer = handshake.take(Array(all.prefix(cut))) + handshake.take(Array(all.dropFirst(cut)))
            #expect(text(answer) == answers && handshake.outcome == .continued, "cut at \(cut)")
        }
        var slow = handshake()
        #expect(text(all.flatMap { slow.take([$0]) }) == answers)
        #expect(slow == whole)
    }

    @Test("understands inline commands, in any case, as probes and people send them")
    func inline() {
        var handshake = handshake()
        #expect(text(handshake.take(bytes("ping\r\n"))) == "+PONG\r\n")
        #expect(text(handshake.take(bytes("PiNg\nAUTH x\r\n\r\n \r\n"))) == "+PONG\r\n+OK\r\n")
        #expect(text(handshake.take(bytes("GET key\r\n"))) == Self.loading)
        #expect(text(handshake.take(bytes("psync \(Self.id) 4322\r\n"))) == Self.continuing)
        #expect(handshake.outcome == .continued)
    }

    @Test("is loading, for all other commands")
    func loading() {
        for words in [
            command("GET", "key"), command("SET", "key", "value"), command("INFO"), command("SYNC"),
            command("HELLO", "3"),
            command("REPLICAOF", "NO", "ONE"), command("PSYNC"), command("PSYNC", Self.id),
            command("PSYNC", Self.id, "4322", "FAILOVER"), command(""),
        ] {
            var handshake = handshake()
            #expect(text(handshake.take(bytes(words))) == Self.loading, "\(words)")
            #expect(handshake.outcome == .talking)
        }
    }

    @Test("never lets one in that is not exactly where the sync source is")
    func wrongPlace() {
        for (id, offset) in [
            (Self.id, "4321"), (Self.id, "4323"), (Self.id, "04322"), (Self.id, "-1"), (Self.id, ""),
            (Self.id.uppercased(), "4322"), (String(Self.id.dropLast()), "4322"), ("", "4322"),
        ] {
            var handshake = handshake()
            #expect(text(handshake.take(bytes(command("PSYNC", id, offset)))) == Self.loading)
            #expect(handshake.outcome == .talking, "\(id) \(offset)")
        }
    }

    @Test("tells who knows no place, and lets it in neither")
    func noPlace() {
        for offset in ["-1", "4322"] {
            var handshake = handshake()
            #expect(text(handshake.take(bytes(command("PSYNC", "?", offset)))) == Self.loading)
            #expect(handshake.outcome == .knowsNoPlace)
        }
    }

    @Test("accepts the replica at the new position once the position is changed")
    func moved() {
        var handshake = handshake()
        handshake.place = .init(replicationID: "new", offset: 1)
        #expect(text(handshake.take(bytes(command("PSYNC", Self.id, "4322")))) == Self.loading)
        #expect(text(handshake.take(bytes(command("PSYNC", "new", "1")))) == "+CONTINUE new\r\n")
    }

    @Test("hangs up on what is no RESP, and says nothing more")
    func malformed() {
        for wrong in [
            "*\r\n", "*x\r\n", "*-1\r\n", "*65\r\n", "*1\n", "*99999999999\r\n", "*1\r\n\r\n", "*1\r\nPING\r\n",
            "*1\r\n:1\r\n", "*1\r\n$-1\r\n", "*1\r\n$x\r\n", "*1\r\n$65537\r\n", "*1\r\n$4\nPING\r\n",
        ] {
            var handshake = handshake()
            #expect(handshake.take(bytes("PING\r\n" + wrong)) == bytes("+PONG\r\n"), "\(wrong)")
            #expect(handshake.outcome == .malformed, "\(wrong)")
            #expect(handshake.take(bytes("PING\r\n")) == [])
        }
    }

    @Test("hangs up on what never ends")
    func endless() {
        for beginning in ["", "*1\r\n", "*2\r\n$65000\r\n", "*64\r\n", "PING"] {
            var handshake = handshake()
            _ = handshake.take(bytes(beginning))
            var taken = 0
            while handshake.outcome == .talking, taken < 1 << 20 {
                taken += handshake.take([UInt8](repeating: UInt8(ascii: "x"), count: 4096)).count + 4096
            }
            #expect(handshake.outcome == .malformed && taken <= 132 << 10, "\(beginning): \(taken)")
        }
    }

    @Test("survives random bytes")
    func random() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = bytes("*$\r\n 0123456789PSYNC?-") + [0, 0xFF]
        for _ in 0..<5000 {
            var handshake = handshake()
            for _ in 0..<4 {
                let some = (0..<Int.random(in: 0...24, using: &generator)).map { _ in
                    alphabet.randomElement(using: &generator)!
                }
                _ = handshake.take(some)
            }
            #expect(handshake.outcome != .continued)
        }
    }
}
