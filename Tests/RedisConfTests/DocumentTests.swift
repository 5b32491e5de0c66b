import RedisConf
import SeededRandomness
import Testing

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

@Suite("A document gives back every byte")
struct DocumentTests {
    @Test("random bytes come back, and reading them never traps")
    func identity() {
        var random = SplitMix64(seed: 42)
        for round in 0..<20_000 {
            let source = round.isMultiple(of: 2) ? random.bytes(upTo: 200) : random.nastyBytes(upTo: 200)
            let document = Document(source)
            #expect(document.rendered() == source)
            _ = document.entries
            _ = document.faults
        }
    }

    @Test("editing random bytes is idempotent")
    func idempotence() {
        var random = SplitMix64(seed: 43)
        for _ in 0..<5_000 {
            // A NUL joins lines for Redis; the plan refuses such a file.
            let source = random.nastyBytes(upTo: 300).filter { $0 != 0 }
            var first = Document(source)
            first.set("replicaof", to: [bytes("host"), bytes("6379")])
            first.set("bind", to: [bytes("*"), bytes("-::*")])
            first.remove("dir")
            let once = first.rendered()
            var second = Document(once)
            #expect(second.set("replicaof", to: [bytes("host"), bytes("6379")]) == .unchanged)
            second.set("bind", to: [bytes("*"), bytes("-::*")])
            #expect(second.remove("dir") == 0)
            #expect(second.rendered() == once, "source \(source)")
        }
    }

    @Test("entries know name, arguments and place; comments and blank lines are none")
    func entries() {
        let document = Document(bytes("# a\n\n  BIND 127.0.0.1 # x\r\n\t\"slaveof\" a 1\nsave \"\""))
        let entries = document.entries
        #expect(entries.map(\.name.text) == ["bind", "replicaof", "save"])
        #expect(
            entries.map(\.position) == [
                .init(line: 3, column: 3), .init(line: 4, column: 2), .init(line: 5, column: 1),
            ])
        #expect(entries[0].values.map(text) == ["127.0.0.1", "#", "x"])
        #expect(entries[0].position(ofArgument: 1) == .init(line: 3, column: 18))
        #expect(entries[2].values == [[]])
    }

    @Test(
        "faults have their place",
        arguments: [
            ("\u{FEFF}bind *\n", 1, 1, Fault.byteOrderMark),
            ("port 1\n# a\0b\n", 2, 4, .nulByte),
            ("port 1\n  requirepass \"a\n", 2, 15, .unterminatedQuote),
            ("\"port\"x 1", 1, 7, .textAfterQuote),
            ("\"port 1", 1, 1, .unterminatedQuote),
        ])
    func faults(source: String, line: Int, column: Int, fault: Fault) {
        let faults = Document(bytes(source)).faults
        #expect(faults.count == 1)
        #expect(faults.first?.position == Position(line: line, column: column))
        #expect(faults.first?.fault == fault)
    }

    @Test("a quote in a comment is no fault")
    func comments() { #expect(Document(bytes("# it's \"\nport 1\n")).faults.isEmpty) }
}

@Suite("Edits change what is meant and nothing else")
struct EditingTests {
    @Test(
        "replicaof is set once, where it stands",
        arguments: [
            ("", "replicaof h 1\n"),
            ("port 1", "port 1\nreplicaof h 1\n"),
            ("port 1\r\n", "port 1\r\nreplicaof h 1\r\n"),
            ("a 1\n replicaof x 2 \r\nb 1\n", "a 1\n replicaof h 1 \r\nb 1\n"),
            ("slaveof a 1\n# c\nreplicaof b 2\nport 1\n", "# c\nreplicaof h 1\nport 1\n"),
            ("replicaof b 2\nSLAVEOF h 1\n", "SLAVEOF h 1\n"),
            ("\"slaveof\" \"h\" '1'\n", "\"slaveof\" \"h\" '1'\n"),
            ("# replicaof <masterip> <masterport>\n", "# replicaof <masterip> <masterport>\nreplicaof h 1\n"),
            ("replicaof \"h 1\n", "replicaof \"h 1\nreplicaof h 1\n"),
        ])
    func set(source: String, expected: String) {
        var document = Document(bytes(source))
        document.set("replicaof", to: [bytes("h"), bytes("1")])
        #expect(text(document.rendered()) == expected)
    }

    @Test("a directive set twice in one go has the second value")
    func twice() {
        var document = Document(bytes("port 1\n"))
        document.set("dir", to: [bytes("/a")])
        document.set("dir", to: [bytes("/b")])
        document.set("port", to: [bytes("2")])
        document.set("port", to: [bytes("3")])
        #expect(text(document.rendered()) == "port 3\ndir /b\n")
    }

    @Test("placed at the end, it leaves its old line or keeps it, as asked")
    func placements() {
        var moved = Document(bytes("dir /a\ninclude x\n"))
        moved.set("dir", to: [bytes("/b")], placement: .atEnd)
        #expect(text(moved.rendered()) == "include x\ndir /b\n")
        var kept = Document(bytes("dir /a\ninclude x\n"))
        kept.set("dir", to: [bytes("/b")], keepingEarlier: true)
        let once = kept.rendered()
        #expect(text(once) == "dir /a\ninclude x\ndir /b\n")
        var again = Document(once)
        #expect(again.set("dir", to: [bytes("/b")], keepingEarlier: true) == .unchanged)
        again.set("dir", to: [bytes("/c")], keepingEarlier: true)
        #expect(text(again.rendered()) == "dir /a\ninclude x\ndir /c\n")
    }

    @Test("accumulating lines are added once")
    func add() {
        var document = Document(bytes("loadmodule \"/a.so\"\n"))
        document.add("loadmodule", [bytes("/a.so")])
        document.add("loadmodule", [bytes("/b.so")])
        document.add("loadmodule", [bytes("/b.so")])
        #expect(text(document.rendered()) == "loadmodule \"/a.so\"\nloadmodule /b.so\n")
    }

    @Test("removal takes every alias and leaves comments")
    func remove() {
        var document = Document(bytes("# x\r\nslaveof a 1\r\nport 1\r\nreplicaof b 2"))
        #expect(document.remove("replicaof") == 2)
        #expect(text(document.rendered()) == "# x\r\nport 1\r\n")
    }
}
