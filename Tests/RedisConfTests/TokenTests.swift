import RedisConf
import SeededRandomness
import Testing

@Suite("Lines are split as redis-server splits them")
struct TokenTests {
    @Test(
        "tokens",
        arguments: [
            ("", []),
            (" \t ", []),
            ("bind 127.0.0.1 -::1", ["bind", "127.0.0.1", "-::1"]),
            ("\"bind\" '127.0.0.1'", ["bind", "127.0.0.1"]),
            ("ab\"c d\"", ["abc d"]),
            ("ab'c d' e", ["abc d", "e"]),
            (#"a "\x41\n\r\t\b\a\\\"\q""#, ["a", "A\n\r\t\u{8}\u{7}\\\"q"]),
            (#"a "\x4""#, ["a", "x4"]),
            (#"a "\xZZ""#, ["a", "xZZ"]),
            (#"a 'it\'s \n'"#, ["a", #"it's \n"#]),
            (#"a b\n#c"#, ["a", #"b\n#c"#]),
            ("bind * -::*   # like the default", ["bind", "*", "-::*", "#", "like", "the", "default"]),
            ("save \"\"", ["save", ""]),
            ("\u{B}\u{C}a\u{B}b \u{C} c", ["a\u{B}b", "c"]),
            ("a\rb", ["a", "b"]),
            ("a \"b\"\u{B}c", ["a", "b", "c"]),
            ("a b\0c d", ["a", "b"]),
        ])
    func tokens(line: String, expected: [String]) throws {
        let tokens = try splitArguments(Array(line.utf8))
        #expect(tokens.map { String(decoding: $0.bytes, as: UTF8.self) } == expected)
    }

    @Test(
        "what redis-server calls unbalanced is refused, with the place",
        arguments: [
            ("requirepass \"abc", TokenError.unterminatedQuote(offset: 12)),
            ("requirepass 'abc", .unterminatedQuote(offset: 12)),
            ("a \"b\"c", .textAfterQuote(offset: 5)),
            ("a 'b'\"c\"", .textAfterQuote(offset: 5)),
            ("a \"b\\\"", .unterminatedQuote(offset: 2)),
            ("a 'b\\'", .unterminatedQuote(offset: 2)),
            ("a \"b\0\"", .unterminatedQuote(offset: 2)),
        ])
    func unbalanced(line: String, expected: TokenError) {
        #expect(throws: expected) { try splitArguments(Array(line.utf8)) }
    }

    @Test(
        "Valkey from 9.0 joins text behind a closing quote to the token",
        arguments: [
            (#"dbfilename "dump"x.rdb"#, ["dbfilename", "dumpx.rdb"]),
            (#"masterauth a"b c"d"#, ["masterauth", "ab cd"]),
            (#"mast"er"auth 'a'"b"'c' d"#, ["masterauth", "abc", "d"]),
            (#"a "" """" x"#, ["a", "", "", "x"]),
            ("a \"b\"#c", ["a", "b#c"]),
            (#"a "b"\x41"#, ["a", #"b\x41"#]),
            ("a \"b\"\u{B}c", ["a", "b\u{B}c"]),
        ])
    func joined(line: String, expected: [String]) throws {
        let tokens = try splitArguments(Array(line.utf8), quotes: .joinsText)
        #expect(tokens.map { String(decoding: $0.bytes, as: UTF8.self) } == expected)
        #expect(throws: TokenError.unterminatedQuote(offset: 6)) {
            try splitArguments(Array(#"a "b"c"d"#.utf8), quotes: .joinsText)
        }
        let document = Document(Array(line.utf8), quotes: .joinsText)
        #expect(document.faults.isEmpty && document.entries.count == 1)
        #expect(document.entries(named: DirectiveName(expected[0])).count == 1)
    }

    @Test("a token says where it begins and whether it was quoted")
    func places() throws {
        let tokens = try splitArguments(Array("bind \"*\" #x".utf8))
        #expect(tokens.map(\.offset) == [0, 5, 9])
        #expect(tokens.map(\.isQuoted) == [false, true, false])
    }

    @Test("every single byte survives quoting")
    func singleBytes() throws {
        for byte in UInt8.min...UInt8.max {
            let line = directiveLine("requirepass", [[byte]])
            #expect(try splitArguments(line).last?.bytes == [byte], "byte \(byte)")
            #expect(!line.contains(0) && !line.contains(UInt8(ascii: "\n")))
        }
    }

    @Test("random passwords survive quoting")
    func randomBytes() throws {
        var random = SplitMix64(seed: 7)
        for _ in 0..<5_000 {
            let arguments = (0...Int.random(in: 0...2, using: &random)).map { _ in random.bytes(upTo: 40) }
            let tokens = try splitArguments(directiveLine("x", arguments))
            #expect(tokens.dropFirst().map(\.bytes) == arguments)
        }
    }

    @Test("plain arguments stay plain, the others are quoted")
    func plain() {
        #expect(
            String(decoding: directiveLine("bind", [Array("*".utf8), Array("-::*".utf8)]), as: UTF8.self)
                == "bind * -::*")
        #expect(String(decoding: directiveLine("logfile", [[]]), as: UTF8.self) == "logfile \"\"")
        #expect(String(decoding: quoted(Array("#1".utf8)), as: UTF8.self) == "\"#1\"")
        #expect(String(decoding: quoted([0xC3, 0xA9, 0]), as: UTF8.self) == "\"\\xc3\\xa9\\x00\"")
    }
}
