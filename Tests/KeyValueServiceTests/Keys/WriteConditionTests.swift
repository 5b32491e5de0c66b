import HTTPWire
import Testing

@testable import KeyValueService

@Suite("The condition of a write")
struct WriteConditionTests {
    private static let tag = KeyTag(of: [1].span)
    private static let other = KeyTag(of: [2].span)
    private static let lists: [EntityTagList?] = [
        nil, .any, .noTag, .tags([tag]), .tags([other, tag]), .tags([other]),
    ]
    private static let states: [WriteCondition.Stored] = [.nothing, .value(tag), .other]

    @Test func `is met as RFC 9110 says, for every list and every key`() {
        for match in Self.lists {
            for noneMatch in Self.lists {
                let condition = WriteCondition(match: match, noneMatch: noneMatch)
                for stored in Self.states {
                    let expected =
                        Self.holds(match, stored, whereAbsent: true)
                        && !Self.holds(noneMatch, stored, whereAbsent: false)
                    #expect(condition.isMet(by: stored) == expected, "\(condition) \(stored)")
                }
            }
        }
    }

    /// Whether a list names what is stored.
    private static func holds(_ list: EntityTagList?, _ stored: WriteCondition.Stored, whereAbsent: Bool) -> Bool {
        guard let list else { return whereAbsent }
        if list == .any { return stored != .nothing }
        guard case .value(let tag) = stored, case .tags(let tags) = list else { return false }
        return tags.contains(tag)
    }

    @Test func `is of a kind that decides it as a look at the value would`() {
        for match in Self.lists {
            for noneMatch in Self.lists {
                let condition = WriteCondition(match: match, noneMatch: noneMatch)
                let met = Self.states.map { condition.isMet(by: $0) }
                switch condition.kind {
                case .always: #expect(met == [true, true, true], "\(condition)")
                case .never: #expect(met == [false, false, false], "\(condition)")
                case .absent: #expect(met == [true, false, false], "\(condition)")
                case .present: #expect(met == [false, true, true], "\(condition)")
                case .compare: break
                }
            }
        }
    }

    private static let digits = String(decoding: tag.text, as: UTF8.self)

    @Test func `takes stars and lists; weak tags count for If-None-Match alone`() throws {
        let cases: [([String], WriteCondition)] = [
            ([], WriteCondition()),
            (["If-Match: *"], WriteCondition(match: .any)),
            (["If-None-Match: *"], WriteCondition(noneMatch: .any)),
            (["If-Match: \"\(Self.digits)\""], WriteCondition(match: .tags([Self.tag]))),
            (["If-Match: W/\"\(Self.digits)\""], WriteCondition(match: .noTag)),
            (["If-Match: W/\"\(Self.digits)\", \"x\""], WriteCondition(match: .noTag)),
            (["If-Match: \"x\", \"\(Self.digits)\""], WriteCondition(match: .tags([Self.tag]))),
            (["If-None-Match: W/\"\(Self.digits)\""], WriteCondition(noneMatch: .tags([Self.tag]))),
            (["If-None-Match: \"x\""], WriteCondition(noneMatch: .noTag)),
            (
                ["If-Match: *", "If-None-Match: \"\(Self.digits)\""],
                WriteCondition(match: .any, noneMatch: .tags([Self.tag]))
            ),
        ]
        for (headers, condition) in cases { #expect(try parse(headers) == condition, "\(headers)") }
    }

    @Test(arguments: [
        ["If-Match:"], ["If-Match: x"], ["If-Match: \"a"], ["If-Match: *, \"a\""], ["If-Match: *,*"], ["If-Match: ,"],
        ["If-None-Match:"], ["If-None-Match: W/*"], ["If-None-Match: \"a\" \"b\""],
        ["If-Match: \"a\"", "If-Match: \"b\""], ["If-None-Match: *", "If-None-Match: *"],
    ])
    func `is refused where it cannot be read whole`(headers: [String]) {
        #expect(throws: Problem.unsupportedPrecondition) { try parse(headers) }
    }

    private func parse(_ headers: [String]) throws -> WriteCondition {
        let bytes = Array(
            ("PUT /v1/keys/k HTTP/1.1\r\nHost: a\r\n" + headers.map { $0 + "\r\n" }.joined() + "\r\n").utf8)
        var decoder = RequestDecoder(limits: RequestLimits())
        var offset = 0
        guard case .head(let head) = decoder.next(bytes.span, from: &offset) else {
            Issue.record("not a head")
            return WriteCondition()
        }
        return try WriteCondition(RequestView(head, in: bytes.span))
    }
}

@Suite("The script that compares tags")
struct CompareScriptTests {
    @Test func `gives a number for each outcome, and no others`() {
        #expect(CompareScript.Reply(0) == .unmet)
        #expect(CompareScript.Reply(1) == .applied(existed: false))
        #expect(CompareScript.Reply(2) == .applied(existed: true))
        #expect(CompareScript.Reply(513) == .tooLong(bytes: 513))
        for number in [Int64.min, -1, 3, 512] { #expect(CompareScript.Reply(number) == nil) }
    }
}
