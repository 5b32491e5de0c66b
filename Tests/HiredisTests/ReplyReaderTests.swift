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
        let refusal = RefusedReply(.elements(1_048_577), to: "the command", limit: 1_048_576)
        #expect(throws: ReplyReaderError.refused(refusal)) { try read([Array("*1048577\r\n".utf8)]) }
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

    /// How long values are announced, where the bound is 16 KiB.
    static let lengths = [
        (16_383, false), (16_384, false), (16_385, true), (100_000, true), (1_000_000, true),
    ]

    @Test(
        "a value over the bound is announced once its length is known, wherever the bytes are cut", arguments: lengths)
    func largeValue(length: Int, isLarge: Bool) throws {
        let head = Array(":1\r\n$2\r\nab\r\n$\(length)\r\n".utf8)
        let value = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
        let wire = head + value + Array("\r\n+behind\r\n".utf8)
        // Each cut in the head and in the beginning of the value, and around its end.
        let cuts = Array(0...head.count + 3) + Array(wire.count - 12...wire.count)
        for cut in cuts {
            var reader = ReplyReader(largeReplyBytes: 16_384)
            var seen: [ReplyValue] = []
            var found: (length: Int, body: Int)?
            var taken = 0
            for piece in [wire[..<cut], wire[cut...]] where found == nil {
                let large = try reader.read(Array(piece).span.bytes) { reply in
                    seen.append(ReplyValue(copying: reply))
                    return true
                }
                if let large { found = (large.length, taken + large.bodyOffset) }
                taken += piece.count
            }
            if isLarge {
                #expect(
                    found?.length == length && found?.body == head.count, "cut at \(cut): \(String(describing: found))")
                #expect(seen == [.integer(1), .bulk(Array("ab".utf8))])
            } else {
                #expect(found == nil)
                #expect(seen == [.integer(1), .bulk(Array("ab".utf8)), .bulk(value), .simple(Array("behind".utf8))])
            }
        }
    }

    @Test("an announced value is gathered as any other, if that is wanted, wherever the bytes are cut")
    func gatheredLargeValue() throws {
        let value = (0..<40_000).map { UInt8(truncatingIfNeeded: $0) }
        let wire = Array("$40000\r\n".utf8) + value + Array("\r\n$40000\r\n".utf8) + value + Array("\r\n:7\r\n".utf8)
        for cut in [0, 1, 5, 8, 9, 16_384, 16_393, 40_007, 40_008, 40_010, 40_012, 60_000, wire.count] {
            var reader = ReplyReader(largeReplyBytes: 16_384)
            var seen: [ReplyValue] = []
            var announced = 0
            for piece in [Array(wire[..<cut]), Array(wire[cut...])] {
                var start: Int? = 0
                while let offset = start {
                    let large = try reader.read(piece.span.bytes, startingAt: offset) { reply in
                        seen.append(ReplyValue(copying: reply))
                        return true
                    }
                    if large != nil { announced += 1 }
                    start = large?.nextOffset
                }
            }
            #expect(announced == 2, "cut at \(cut)")
            #expect(seen == [.bulk(value), .bulk(value), .integer(7)], "cut at \(cut)")
        }
    }

    @Test("what is within an array, no value, or longer than a number can say is not announced")
    func notLarge() throws {
        let long = Array(repeating: UInt8(ascii: "x"), count: 20_000)
        let inArray = Array("*2\r\n$20000\r\n".utf8) + long + Array("\r\n$1\r\na\r\n".utf8)
        for wire in [inArray, Array("+".utf8) + long + Array("\r\n".utf8), Array("$-1\r\n".utf8), Array("$1234".utf8)] {
            for cut in [0, 1, 4, 5, 12, wire.count] where cut <= wire.count {
                var reader = ReplyReader(largeReplyBytes: 16_384)
                #expect(try reader.read(Array(wire[..<cut]).span.bytes) { _ in true } == nil)
                #expect(try reader.read(Array(wire[cut...]).span.bytes) { _ in true } == nil)
            }
        }
        var reader = ReplyReader(largeReplyBytes: 16_384)
        #expect(
            try reader.read(Array("$999999999999999999\r\n".utf8).span.bytes) { _ in true }?.length
                == 999_999_999_999_999_999)
        reader = ReplyReader(largeReplyBytes: 16_384)
        #expect(throws: ReplyReaderError.self) {
            try reader.read(Array("$99999999999999999999\r\n".utf8).span.bytes) { _ in true }
        }
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
