import Hiredis
import Testing

@Suite("The reply reader")
struct ReplyReaderTests {
    static let transcript: [(wire: String, value: ReplyValue)] = [
        ("+OK\r\n", .simple(Array("OK".utf8))),
        ("-WRONGTYPE Operation\r\n", .error(Array("WRONGTYPE Operation".utf8))),
        (":-42\r\n", .integer(-42)),
        ("$5\r\nhe\r\no\r\n", .bulk(Array("he\r\no".utf8))),
        ("$0\r\n\r\n", .bulk([])),
        ("$-1\r\n", .null),
        ("*0\r\n", .array([])),
        (
            "*3\r\n:1\r\n*2\r\n$1\r\na\r\n$-1\r\n+x\r\n",
            .array([
                .integer(1), .array([.bulk([97]), .null]), .simple([120]),
            ])
        ),
        ("$3\r\n\u{0}\u{1}\u{7f}\r\n", .bulk([0, 1, 127])),
    ]
    static let wire = transcript.flatMap { Array($0.wire.utf8) }
    static let values = transcript.map(\.value)

    @Test func `replies come out in order, whole, at every split point`() throws {
        for split in 0...Self.wire.count {
            #expect(try read([Array(Self.wire[..<split]), Array(Self.wire[split...])]) == Self.values)
        }
    }

    @Test func `replies come out when bytes arrive one at a time`() throws {
        #expect(try read(Self.wire.map { [$0] }) == Self.values)
    }

    @Test func `a truncated stream gives the whole replies and nothing of the last`() throws {
        for end in 0..<Self.wire.count {
            let values = try read([Array(Self.wire[..<end])])
            #expect(values == Array(Self.values.prefix(values.count)))
            #expect(values.count < Self.values.count)
        }
    }

    @Test func `a megabyte comes out byte for byte`() throws {
        let body = (0..<1_048_576).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let wire = Array("$\(body.count)\r\n".utf8) + body + Array("\r\n+OK\r\n".utf8)
        #expect(try read([wire]) == [.bulk(body), .simple(Array("OK".utf8))])
    }

    @Test(arguments: ["?\r\n", "$x\r\n", "HTTP/1.1 400 Bad Request\r\n", ":\r\n", "$-2\r\n", "*-2\r\n"])
    func `what is not RESP2 is refused, and says so`(wire: String) {
        #expect {
            try read([Array(wire.utf8)])
        } throws: { error in
            guard case ReplyReaderError.malformed(let text) = error else { return false }
            return !text.isEmpty
        }
    }

    @Test func `an array that announces two billion elements costs no memory`() {
        #expect(throws: ReplyReaderError.self) { try read([Array("*2147483647\r\n".utf8)]) }
        #expect(throws: ReplyReaderError.outOfMemory) { try read([Array("*1048577\r\n".utf8)]) }
    }

    @Test func `a reply over the limit is refused before it is held`() throws {
        let wire = Array("$100000\r\n".utf8) + Array(repeating: 97, count: 100_000) + Array("\r\n".utf8)
        #expect(throws: ReplyReaderError.replyTooLong(limitBytes: 50_000)) {
            try read([wire], maximumReplyBytes: 50_000)
        }
        #expect(try read([wire], maximumReplyBytes: 200_000).count == 1)
    }

    @Test func `reading stops when the receiver says so`() throws {
        var reader = ReplyReader()
        var seen = 0
        try reader.read(Array("+a\r\n+b\r\n+c\r\n".utf8).span.bytes) { _ in
            seen += 1
            return seen < 2
        }
        #expect(seen == 2)
    }

    /// Fed byte by byte, all but the shortest replies go through hiredis alone.
    @Test func `what lies whole in the bytes is read as hiredis reads it`() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("+-:$*\r\n0123456789aZ\u{0}".utf8)
        let pieces = Self.transcript.map { Array($0.wire.utf8) }
        var agreed = 0
        for _ in 0..<20_000 {
            var wire = (0..<Int.random(in: 1...4, using: &generator)).flatMap { _ in pieces.randomElement() ?? [] }
            if Bool.random(using: &generator) {
                wire[Int.random(in: wire.indices, using: &generator)] = alphabet.randomElement() ?? 0
            }
            let whole = Result { try read([wire]) }
            let dripped = Result { try read(wire.map { [$0] }) }
            switch (whole, dripped) {
            case (.success(let values), .success(let others)):
                #expect(values == others, "\(String(decoding: wire, as: UTF8.self).debugDescription)")
                agreed += 1
            case (.failure, .failure): break
            default: Issue.record("\(String(decoding: wire, as: UTF8.self).debugDescription): \(whole), \(dripped)")
            }
        }
        #expect(agreed > 5000)
    }

    @Test func `random bytes are read or refused, never a trap`() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("+-:$*\r\n0123456789aZ\u{0}".utf8)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 1...40, using: &generator)).map { _ in alphabet.randomElement()! }
            _ = try? read([bytes])
        }
    }
}

/// What the reader gives for the pieces, as values.
private func read(_ pieces: [[UInt8]], maximumReplyBytes: Int = 1 << 24) throws -> [ReplyValue] {
    var reader = ReplyReader(maximumReplyBytes: maximumReplyBytes)
    var values: [ReplyValue] = []
    for piece in pieces {
        try reader.read(piece.span.bytes) { reply in
            values.append(ReplyValue(copying: reply))
            return true
        }
    }
    return values
}
