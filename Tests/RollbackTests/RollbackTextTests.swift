import FailoverAgent
import Testing

@testable import Rollback

@Suite("Rollback files")
struct RollbackTextTests {
    @Test(
        "have names that say what they hold",
        arguments: [
            RollbackFile(term: 1, history: "0123abcd", from: 100, to: 250),
            RollbackFile(term: .max, history: "unknown", from: 0, to: 0),
            RollbackFile(term: 0, history: "h", from: .max - 1, to: .max),
        ])
    func names(file: RollbackFile) throws {
        let parts = try #require(RollbackName(file.name))
        #expect(parts.term == file.term && parts.history == file.history)
        #expect(parts.from == file.from && parts.to == file.to && parts.bytes == file.to - file.from)
    }

    @Test(
        "are distinguished from others",
        arguments: [
            "", ".rdb", "term-1.rdb", "dump.rdb", "term-1-a-from-1-to-2-bytes-1.aof",
            "term-x-a-from-1-to-2-bytes-1.rdb",
            "term-1-a-from--1-to-2-bytes-1.rdb", "term-1--from-1-to-2-bytes-1.rdb", "term-1-a-from-1-to-2-bytes-1-.rdb",
            "term-99999999999999999999-a-from-1-to-2-bytes-1.rdb",
        ])
    func others(name: String) { #expect(RollbackName(name) == nil) }

    @Test(
        "show names of keys as redis-cli takes them, and nothing that a terminal obeys",
        arguments: [
            ([], #""""#), (Array("a \"b\" \\ c\n\r\t".utf8), #""a \"b\" \\ c\n\r\t""#),
            ([0, 27, 127, 200], #""\x00\x1b\x7f\xc8""#),
            (Array("ключ 键".utf8), #""ключ 键""#),
            (Array("a\u{202E}b\u{85}\u{200B}\u{A0}".utf8), #""a\xe2\x80\xaeb\xc2\x85\xe2\x80\x8b\xc2\xa0""#),
            ([0xC3], #""\xc3""#),
        ] as [([UInt8], String)])
    func quoted(bytes: [UInt8], text: String) { #expect(ShownBytes.quoted(bytes) == text) }

    @Test("give names that are no text in base 64")
    func base64() {
        #expect(ShownBytes.jsonKey(Array("a\"é".utf8)) == #""key": "a\"é""#)
        #expect(ShownBytes.jsonKey([0xFF]) == #""key_base64": "/w==""#)
        #expect(ShownBytes.jsonKey([0xFF, 0xFE]) == #""key_base64": "//4=""#)
        #expect(ShownBytes.jsonKey([0xFF, 0, 1]) == #""key_base64": "/wAB""#)
    }
}
