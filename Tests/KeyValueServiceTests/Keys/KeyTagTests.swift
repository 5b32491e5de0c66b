import NIOCore
import Testing

@testable import KeyValueService

@Suite("The tag of a value")
struct KeyTagTests {
    /// The key of the reference's vectors, 00…0f.
    private static let key: (UInt64, UInt64) = (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908)

    @Test(arguments: [
        ([UInt8](), "a3817f04ba25a8e66df67214c7550293"), ([0], "da87c1d86b99af44347659119b22fc45"),
        ([0, 1], "8177228da4a45dc7fca38bdef60affe4"),
    ])
    func `is hashed as the reference hashes`(input: [UInt8], output: String) {
        let (first, second) = SipHash.hash(input.span, key: Self.key)
        let bytes = [first, second].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
        #expect(bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == output)
    }

    @Test func `is written as 32 digits, and read again`() throws {
        var generator = SystemRandomNumberGenerator()
        for length in 0..<300 {
            let value = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let tag = KeyTag(of: value)
            var written = ByteBuffer()
            written.writeWithOutputRawSpan(minimumWritableBytes: 32) { tag.write(to: &$0) }
            #expect(Array(buffer: written) == tag.text)
            #expect(tag.text.count == 32)
            #expect(KeyTag(parsing: tag.text.span) == tag)
        }
    }

    @Test func `of pieces is that of the whole, wherever it is cut`() {
        var generator = SystemRandomNumberGenerator()
        for length in [0, 1, 7, 8, 9, 15, 16, 17, 63, 64, 255, 256, 257, 300] {
            let value = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            for first in 0...length {
                let second = Int.random(in: first...length, using: &generator)
                var hasher = KeyTag.Hasher()
                for piece in [value[..<first], value[first..<second], value[second...]] {
                    hasher.take(Array(piece).span)
                }
                #expect(hasher.finished() == KeyTag(of: value.span), "\(length), cut at \(first) and \(second)")
            }
        }
    }

    /// Clients keep tags: with another hash or key they would fetch everything again.
    @Test func `is the same for ever`() {
        #expect(String(decoding: KeyTag(of: [UInt8]()).text, as: UTF8.self) == "9ceab1c1b8576a1bd002c548475cfaa4")
        #expect(
            String(decoding: KeyTag(of: Array("value_1".utf8)).text, as: UTF8.self)
                == "a0c684d027cfcddea7cf8e2037e04420")
    }

    @Test(arguments: ["", "0", String(repeating: "0", count: 31), String(repeating: "0", count: 33)])
    func `is nothing but 32 lowercase digits`(text: String) {
        #expect(KeyTag(parsing: Array(text.utf8).span) == nil)
        for wrong in ["g", "A", " ", "\"", "é"] {
            let text = String(repeating: "0", count: 30) + wrong + "0"
            #expect(KeyTag(parsing: Array(text.utf8).span) == nil)
        }
    }
}

@Suite("If-None-Match")
struct EntityTagListTests {
    private static let tag = String(decoding: KeyTag(of: [1]).text, as: UTF8.self)
    private static let other = String(decoding: KeyTag(of: [2]).text, as: UTF8.self)

    @Test(arguments: [
        "*", "\"\(tag)\"", "W/\"\(tag)\"", "\"\(other)\",\"\(tag)\"", "\"\(other)\" ,\t \"\(tag)\"",
        ",,\"\(tag)\", ,", "\"a,b\",\"\(tag)\"", "\"\(tag)\",\"\"", "\"é\", W/\"x\", \"\(tag)\"", "\"\\\",\"\(tag)\"",
        "\"*\",\"\(tag)\"",
    ])
    func `names the value`(field: String) {
        #expect(matches(field))
    }

    @Test(arguments: [
        "", ",", " ", "\"\"", tag, "\"\(tag)", "\(tag)\"", "'\(tag)'", "w/\"\(tag)\"", "W\"\(tag)\"", "W/\(tag)", "W/",
        "W",
        "/\"\(tag)\"", "\"\(other)\"", "\"\(tag.uppercased())\"", "\"\(tag) \"", "\" \(tag)\"", "\"\(tag)\" \"\(tag)\"",
        "\"\(tag)\";q=1", "\"\(tag)\"x", "\"\(tag)\",x", "x,\"\(tag)\"", "\"\(tag)\",*", "*,\"\(tag)\"", "**", "\"*\"",
        "\"a b\",\"\(tag)\"", "\"a\"b\",\"\(tag)\"", "\"\(tag),\"", "\"\(tag)\u{7f}\"",
    ])
    func `names nothing, or nothing well-formed`(field: String) {
        #expect(!matches(field))
    }

    @Test func `is read or passed over whatever is in it, never a trap`() {
        var generator = SystemRandomNumberGenerator()
        let field = Array("W/\"\(Self.tag)\", \"\(Self.other)\" ,*".utf8)
        for end in 0...field.count { _ = EntityTagList(parsing: Array(field[..<end]).span) }
        for _ in 0..<20_000 {
            var changed = field
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                changed[Int.random(in: 0..<changed.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            _ = EntityTagList(parsing: changed.span)
        }
    }

    private func matches(_ field: String) -> Bool {
        EntityTagList(parsing: Array(field.utf8).span).matches(KeyTag(of: [1]))
    }
}

extension KeyTag {
    fileprivate init(of value: [UInt8]) { self.init(of: value.span) }
}
