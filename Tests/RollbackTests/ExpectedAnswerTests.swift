import RDBFile
import RedisClient
import Testing

@testable import Rollback

@Suite("A server's answer beside what the file has")
struct ExpectedAnswerTests {
    private static let times: ClosedRange<Int64> = 1_000_000...1_000_050

    private static func text(_ text: String) -> RedisValue { .bulk(Array(text.utf8)) }

    private static let cases: [(ExpectedAnswer, RedisValue, ExpectedAnswer.Finding)] = [
        (.expiry(nil, isRelative: false), .integer(-1), .same),
        (.expiry(nil, isRelative: false), .integer(5), .differs),
        (.expiry(nil, isRelative: true), .integer(-2), .missing), (.expiry(7, isRelative: false), .integer(7), .same),
        (.expiry(7, isRelative: false), .integer(1007), .same),
        (.expiry(7, isRelative: false), .integer(1008), .differs),
        (.expiry(7, isRelative: false), .integer(-1), .differs),
        (.expiry(1_005_000, isRelative: true), .integer(5000), .same),
        (.expiry(1_005_000, isRelative: true), .integer(3950), .same),
        (.expiry(1_005_000, isRelative: true), .integer(3949), .differs),
        (.expiry(1_005_000, isRelative: true), .integer(6001), .differs),
        (.expiry(.min, isRelative: true), .integer(.max), .differs),
        (.expiry(.max, isRelative: false), .integer(0), .differs),
        (.expiry(.min, isRelative: false), .integer(0), .differs),
        (.text([1]), .bulk([1]), .same), (.text([1]), .bulk([1, 2]), .differs), (.text([1]), .null, .differs),
        (.count(2...3), .integer(3), .same), (.count(2...3), .integer(4), .differs),
        (.texts([[1], [2]]), .array([.bulk([1]), .bulk([2])]), .same),
        (.texts([[1], [2]]), .array([.bulk([1]), .null]), .differs), (.texts([[1]]), .array([]), .differs),
        (.members(1), .integer(1), .same), (.members(1), .integer(0), .differs),
        (.members(2), .array([.integer(1), .integer(1)]), .same),
        (.members(2), .array([.integer(1), .integer(0)]), .differs),
        (.score(0.1), text("0.10000000000000001"), .same), (.score(.infinity), text("inf"), .same),
        (.score(-.infinity), text("-inf"), .same), (.score(.nan), text("nan"), .same), (.score(1), .null, .differs),
        (.scores([1, 2]), .array([text("1"), text("2")]), .same), (.scores([1, 2]), .array([text("1")]), .differs),
        (.times([nil, 5]), .array([.integer(-1), .integer(5)]), .same),
        (.times([nil, 5]), .array([.integer(-2), .integer(5)]), .differs),
        (
            .entries([.init(id: RDBStreamID(1, 2), fields: [[1]])]),
            .array([.array([text("1-2"), .array([.bulk([1])])])]),
            .same
        ),
        (.entries([.init(id: RDBStreamID(1, 2), fields: [])]), .array([]), .differs),
        (
            .lastEntry(RDBStreamID(1, 2)),
            .array([text("length"), .integer(1), text("last-generated-id"), text("1-2")]), .same
        ),
        (.lastEntry(RDBStreamID(1, 2)), .array([text("last-generated-id")]), .differs),
        (.lastEntry(RDBStreamID(1, 2)), .null, .differs),
        (
            .groups([.init(name: [1], last: RDBStreamID(1, 2), pending: 3)]),
            .array([
                .array([text("name"), .bulk([1]), text("pending"), .integer(3), text("last-delivered-id"), text("1-2")])
            ]), .same
        ),
        (.groups([]), .array([.array([text("name"), .bulk([1])])]), .differs),
        (
            .consumers([.init(name: [1], pending: 3)]),
            .array([.array([text("name"), .bulk([1]), text("pending"), .integer(3), text("idle"), .integer(9)])]), .same
        ),
        (.text([1]), .error(Array("WRONGTYPE Operation".utf8)), .differs),
        (.consumers([]), .error(Array("NOGROUP No such".utf8)), .differs),
        (.text([1]), .error(Array("NOPERM no".utf8)), .refused(Array("NOPERM no".utf8))),
    ]

    @Test("is the same, differs, is missing or refused", arguments: cases.indices)
    func finding(index: Int) {
        let (expectation, answer, finding) = Self.cases[index]
        #expect(expectation.finding(answer, between: Self.times) == finding, "\(expectation) \(answer)")
    }

    @Test("to TIME is read with care")
    func time() {
        #expect(RedisValue.array([Self.text("12"), Self.text("345678")]).time == 12_345)
        for bad in [[Self.text("x"), Self.text("1")], [Self.text("1")], [Self.text("1"), Self.text("1000000")]] {
            #expect(RedisValue.array(bad).time == nil)
        }
        #expect(RedisValue.array([Self.text("9223372036854775807"), Self.text("1")]).time == nil)
        #expect(RedisValue.null.time == nil)
    }
}
