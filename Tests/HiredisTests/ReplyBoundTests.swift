import Hiredis
import Testing

@testable import Hiredis

@Suite("The bound on a reply")
struct ReplyBoundTests {
    private static let list = ExpectedReply(to: "SCAN", elements: 1000)
    private static let role = ExpectedReply(to: "ROLE", elements: 4096, bytes: 1 << 20)

    /// What a server sends, the same piece over and over behind a beginning, and how little of it is taken.
    struct Shape: Sendable, CustomTestStringConvertible {
        var name: String
        var begin = ""
        var piece: String
        var expected = ExpectedReply(to: "GET")
        var error: ReplyReaderError
        /// How many bytes are taken before it is refused, at the most.
        var taken: Int

        var testDescription: String { name }
    }

    private static func refused(_ part: RefusedReply.Part, _ command: String, _ limit: Int) -> ReplyReaderError {
        .refused(RefusedReply(part, to: command, limit: limit))
    }

    private static let limit = 8 << 20

    static let shapes = [
        Shape(
            name: "an array where a value is expected", begin: "*1000000\r\n", piece: "$0\r\n\r\n",
            error: refused(.elements(1_000_000), "GET", 0), taken: 16),
        Shape(
            name: "an array of one element where a value is expected", begin: "*1\r\n", piece: ":1\r\n",
            error: refused(.elements(1), "GET", 0), taken: 8),
        Shape(
            name: "a message of a channel", begin: "*3\r\n$7\r\nmessage\r\n", piece: "$1\r\nc\r\n",
            error: refused(.elements(3), "GET", 0), taken: 8),
        Shape(
            name: "a longer array than is expected", begin: "*1000000\r\n", piece: "$0\r\n\r\n", expected: list,
            error: refused(.elements(1_000_000), "SCAN", 1000), taken: 16),
        Shape(
            name: "as many arrays in an array as it may have", begin: "*1000\r\n", piece: "*1\r\n:1\r\n",
            expected: list, error: refused(.elements(1001), "SCAN", 1000), taken: 16),
        Shape(
            name: "arrays in arrays", piece: "*500\r\n", expected: list,
            error: refused(.elements(1500), "SCAN", 1000), taken: 24),
        Shape(
            name: "a million arrays within seven", begin: String(repeating: "*1\r\n", count: 6) + "*1000000\r\n",
            piece: ":1\r\n", expected: list, error: refused(.elements(1_000_006), "SCAN", 1000), taken: 48),
        Shape(
            name: "elements whose texts take too much together", begin: "*1000\r\n",
            piece: "$100000\r\n" + String(repeating: "x", count: 100_000) + "\r\n", expected: list,
            error: .replyTooLong(limitBytes: limit), taken: limit + (1 << 14)),
        Shape(
            name: "statuses that take too much together", begin: "*4000\r\n",
            piece: "+" + String(repeating: "x", count: 4000) + "\r\n", expected: role,
            error: refused(.whole, "ROLE", 1 << 20), taken: 1 << 20),
        Shape(
            name: "elements that take too much by their number", begin: "*4096\r\n",
            piece: "$2000\r\n" + String(repeating: "x", count: 2000) + "\r\n", expected: role,
            error: refused(.whole, "ROLE", 1 << 20), taken: (1 << 20) - 4096 * ExpectedReply.elementBytes + (1 << 14)),
        Shape(
            name: "a value that announces 512 MB", begin: "$536870912\r\n", piece: "x",
            error: .replyTooLong(limitBytes: limit), taken: 16),
        Shape(
            name: "a report that announces 512 MB", begin: "$536870912\r\n", piece: "x", expected: .information,
            error: refused(.bytes(536_870_912), "INFO", 1 << 20), taken: 16),
        Shape(
            name: "a text that announces more than there is", begin: "$9223372036854775807\r\n", piece: "x",
            error: .replyTooLong(limitBytes: limit), taken: 24),
        Shape(
            name: "an element that announces 512 MB", begin: "*2\r\n$536870912\r\n", piece: "x", expected: list,
            error: .replyTooLong(limitBytes: limit), taken: 24),
        Shape(
            name: "an error without an end", begin: "-ERR ", piece: "x", error: refused(.line, "GET", 65_536),
            taken: 65_536 + (1 << 14)),
        Shape(
            name: "a status without an end", begin: "+", piece: "OK ", expected: .small(to: "SET"),
            error: refused(.line, "SET", 65_536), taken: 65_536 + (1 << 14)),
        Shape(
            name: "a number without an end", begin: ":", piece: "1", error: refused(.line, "GET", 32), taken: 64),
        Shape(
            name: "a length without an end", begin: "$", piece: "0", error: refused(.line, "GET", 32), taken: 64),
        Shape(
            name: "a count without an end", begin: "*", piece: "0", error: refused(.line, "GET", 32), taken: 64),
    ]

    @Test("is kept where a server sends without end, in pieces of any size", arguments: shapes, [1, 7, 4096])
    func endless(shape: Shape, size: Int) throws {
        var reader = ReplyReader(maximumReplyBytes: Self.limit)
        // Of the large ones that come byte by byte there would be millions.
        let size = shape.taken > 1 << 17 ? 4096 : size
        let pieces = Array(shape.piece.utf8)
        var rest = Array(shape.begin.utf8)
        var taken = 0
        let error = #expect(throws: ReplyReaderError.self) {
            while taken < 64 << 20 {
                while rest.count < size { rest += pieces }
                let piece = Array(rest.prefix(size))
                rest.removeFirst(size)
                taken += size
                try reader.read(piece.span.bytes, expecting: shape.expected) { _ in
                    Issue.record("a reply was handed over")
                    return true
                }
            }
        }
        #expect(error == shape.error)
        #expect(taken <= shape.taken + size, "\(taken) bytes were taken")
    }

    @Test("counts each reply separately, without what precedes it")
    func perReply() throws {
        let wire = Array(String(repeating: "*2\r\n:1\r\n*3\r\n+a\r\n$1\r\nb\r\n$-1\r\n", count: 1000).utf8)
        for size in [1, 9, 4096, wire.count] {
            var reader = ReplyReader(maximumReplyBytes: 6 * ExpectedReply.elementBytes)
            var count = 0
            var rest = wire[...]
            while !rest.isEmpty {
                try reader.read(
                    Array(rest.prefix(size)).span.bytes, expecting: ExpectedReply(to: "SCAN", elements: 5)
                ) { _ in
                    count += 1
                    return true
                }
                rest = rest.dropFirst(size)
            }
            #expect(count == 1000)
        }
    }

    @Test("is that of the reply's own command, where several are answered at once")
    func perCommand() throws {
        let commands = [
            ExpectedReply(to: "A", elements: 2), ExpectedReply(to: "B"), ExpectedReply(to: "C", elements: 1),
        ]
        func read(_ wire: String) throws -> Int {
            var reader = ReplyReader()
            var count = 0
            try reader.read(Array(wire.utf8).span.bytes, expecting: commands[min(count, 2)]) { _ in
                count += 1
                return true
            }
            return count
        }
        #expect(try read("*2\r\n:1\r\n:2\r\n$1\r\na\r\n*1\r\n:1\r\n") == 3)
        #expect(throws: Self.refused(.elements(2), "C", 1)) {
            try read("*2\r\n:1\r\n:2\r\n$1\r\na\r\n*2\r\n:1\r\n:2\r\n")
        }
        #expect(throws: Self.refused(.elements(1), "B", 0)) { try read("*0\r\n*1\r\n:1\r\n") }
    }

    @Test("says what came, for which command, and what may come")
    func words() {
        let texts = [
            (RefusedReply(.elements(7), to: "GET", limit: 0), "its answer to GET is an array of 7 elements, where"),
            (.init(.elements(7), to: "SCAN", limit: 6), "its answer to SCAN has 7 elements, and at most 6 are taken:"),
            (.init(.bytes(7), to: "INFO", limit: 6), "its answer to INFO announces 7 bytes, and at most 6 are taken:"),
            (.init(.whole, to: "ROLE", limit: 6), "its answer to ROLE takes more than 6 bytes of memory:"),
            (.init(.line, to: "", limit: 6), "what it sends unasked is a line of more than 6 bytes:"),
        ]
        for (refusal, text) in texts {
            #expect(refusal.description.hasPrefix(text), "\(refusal)")
            #expect(refusal.description.hasSuffix("a redis-server answers there, and that nothing changes its answers"))
        }
    }

    @Test("counts without overflow", arguments: [0, 1, 1 << 20, Int.max])
    func overflow(limit: Int) {
        for count in [0, 1, 1 << 31, Int.max] {
            var allowance = ReplyAllowance(ExpectedReply(to: "X", elements: limit), maximumBytes: limit)
            _ = allowance.takeArray(count)
            _ = allowance.takeArray(count)
            _ = allowance.takeText(count)
            _ = allowance.expectText(count)
            _ = allowance.expectLine(count, isNumber: true)
            #expect(allowance.bytes >= 0 && allowance.elements >= 0)
        }
    }
}
