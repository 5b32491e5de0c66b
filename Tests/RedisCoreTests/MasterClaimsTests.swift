import RedisCore
import ServerSelection
import Testing

/// Servers are letters; times are milliseconds.
@Suite("Whether one name leads to several masters")
struct MasterClaimsTests {
    private enum Step {
        /// A server is asked, answers, and says that it is a master or not.
        case says(Character, isMaster: Bool, asked: Int64, answered: Int64)
        /// The last connection to it has ended.
        case lost(Character, at: Int64)
        /// Nothing listens at the address.
        case refused(at: Int64)
    }

    private enum Expected: Equatable {
        case one(Character?)
        case unclear
        case several(String)
    }

    private static let table: [(name: String, steps: [Step], at: Int64, expected: Expected)] = [
        ("nothing is heard", [], 0, .one(nil)),
        ("one is heard", [.says("a", isMaster: true, asked: 0, answered: 1)], 1, .one("a")),
        ("a replica is no master", [.says("a", isMaster: false, asked: 0, answered: 1)], 1, .one(nil)),
        (
            "the other was not asked since",
            [
                .says("a", isMaster: true, asked: 0, answered: 1), .says("b", isMaster: true, asked: 2, answered: 3),
            ], 3, .unclear
        ),
        (
            "both were asked at the same time: neither answer is the later one",
            [
                .says("a", isMaster: true, asked: 0, answered: 5), .says("b", isMaster: true, asked: 1, answered: 4),
            ], 5, .unclear
        ),
        (
            "the older one says it again, after the other",
            [
                .says("a", isMaster: true, asked: 0, answered: 1), .says("b", isMaster: true, asked: 2, answered: 3),
                .says("a", isMaster: true, asked: 4, answered: 5),
            ], 5, .several("ab")
        ),
        (
            "the older one answers a question that is as old as the other's answer",
            [
                .says("a", isMaster: true, asked: 0, answered: 1), .says("b", isMaster: true, asked: 2, answered: 4),
                .says("a", isMaster: true, asked: 3, answered: 5),
            ], 5, .unclear
        ),
        (
            "the older one is a replica now",
            [
                .says("a", isMaster: true, asked: 0, answered: 1), .says("b", isMaster: true, asked: 2, answered: 3),
                .says("a", isMaster: false, asked: 4, answered: 5),
            ], 5, .one("b")
        ),
        (
            "an old answer that comes late changes nothing",
            [
                .says("a", isMaster: true, asked: 3, answered: 4), .says("a", isMaster: false, asked: 1, answered: 6),
            ], 6, .one("a")
        ),
        (
            "the older one has lost its connections, which a death does",
            [
                .says("a", isMaster: true, asked: 0, answered: 1), .says("b", isMaster: true, asked: 2, answered: 3),
                .lost("a", at: 4), .refused(at: 5),
            ], 5, .one("b")
        ),
        (
            "its connections have ended, and nothing says that it is gone",
            [
                .says("a", isMaster: true, asked: 0, answered: 1), .lost("a", at: 4),
                .says("b", isMaster: true, asked: 5, answered: 6),
            ], 1506, .unclear
        ),
        (
            "the same, and it is not met again",
            [
                .says("a", isMaster: true, asked: 0, answered: 1), .lost("a", at: 4),
                .says("b", isMaster: true, asked: 5, answered: 6),
            ], 1507, .one("b")
        ),
        (
            "the same, and it had not answered for as long before",
            [
                .says("a", isMaster: true, asked: 0, answered: 1), .lost("a", at: 2000),
                .says("b", isMaster: true, asked: 2001, answered: 2002),
            ], 2002, .one("b")
        ),
        (
            "the same, and it is met again",
            [
                .says("a", isMaster: true, asked: 0, answered: 1), .lost("a", at: 4),
                .says("b", isMaster: true, asked: 5, answered: 6), .says("a", isMaster: true, asked: 7, answered: 8),
            ], 8, .several("ab")
        ),
        (
            "a refusal does not speak of one that has connections",
            [
                .says("a", isMaster: true, asked: 0, answered: 1), .refused(at: 2),
            ], 3, .one("a")
        ),
        (
            "the older one hangs",
            [
                .says("a", isMaster: true, asked: 0, answered: 1), .says("b", isMaster: true, asked: 2, answered: 3),
                .says("b", isMaster: true, asked: 1600, answered: 1601),
            ], 1601, .one("b")
        ),
        (
            "it goes on after that",
            [
                .says("a", isMaster: true, asked: 0, answered: 1), .says("b", isMaster: true, asked: 2, answered: 3),
                .says("b", isMaster: true, asked: 1600, answered: 1601),
                .says("a", isMaster: true, asked: 1700, answered: 1701),
            ], 1701, .several("ab")
        ),
        (
            "with two masters the end of a connection shows nothing",
            [
                .says("a", isMaster: true, asked: 0, answered: 1), .says("b", isMaster: true, asked: 2, answered: 3),
                .says("a", isMaster: true, asked: 4, answered: 5), .lost("a", at: 6),
            ], 6, .several("ab")
        ),
        (
            "what is not heard any more is over",
            [
                .says("a", isMaster: true, asked: 0, answered: 1), .says("b", isMaster: true, asked: 2, answered: 3),
                .says("a", isMaster: true, asked: 4, answered: 5),
                .says("b", isMaster: true, asked: 5000, answered: 5001),
            ], 5006, .one("b")
        ),
        (
            "two that were seen at the same time stay so, whatever is asked of both at once later",
            [
                .says("a", isMaster: true, asked: 0, answered: 2), .says("b", isMaster: true, asked: 1, answered: 3),
                .says("b", isMaster: true, asked: 5, answered: 6), .says("a", isMaster: true, asked: 7, answered: 8),
                .says("b", isMaster: true, asked: 10, answered: 12),
                .says("a", isMaster: true, asked: 11, answered: 13),
            ], 13, .several("ab")
        ),
        (
            "of three, two",
            [
                .says("a", isMaster: true, asked: 0, answered: 1), .says("b", isMaster: true, asked: 2, answered: 3),
                .says("c", isMaster: false, asked: 3, answered: 4), .says("a", isMaster: true, asked: 4, answered: 5),
            ], 5, .several("ab")
        ),
        (
            "a master of long ago begins again: what it said then proves nothing",
            [
                .says("a", isMaster: true, asked: 0, answered: 1),
                .says("b", isMaster: true, asked: 9000, answered: 9001),
                .says("a", isMaster: true, asked: 9002, answered: 9003),
            ], 9003, .unclear
        ),
    ]

    @Test("by what was said in which order", arguments: table.indices)
    func verdict(index: Int) {
        let row = Self.table[index]
        var claims = MasterClaims()
        for step in row.steps { Self.perform(step, on: &claims) }
        #expect(Self.short(claims.verdict(at: row.at * 1_000_000)) == row.expected, "\(row.name)")
    }

    @Test("a name in front of any number of servers costs a bounded memory, and the newest are kept")
    func bound() {
        var claims = MasterClaims()
        for number in 0..<1000 {
            claims.take(
                .init(
                    server: "\(number)", endpoint: "e", history: nil, isMaster: true, askedAt: Int64(number) * 2,
                    answeredAt: Int64(number) * 2 + 1))
        }
        #expect(claims.claims.count <= 16)
        #expect(claims.claims.contains { $0.server == "999" })
    }

    private static func perform(_ step: Step, on claims: inout MasterClaims) {
        switch step {
        case .says(let server, let isMaster, let asked, let answered):
            claims.take(
                .init(
                    server: String(server), endpoint: "e", history: nil, isMaster: isMaster,
                    askedAt: asked * 1_000_000, answeredAt: answered * 1_000_000))
        case .refused: claims.refuse("e")
        case .lost(let server, let time): claims.lose(String(server), at: time * 1_000_000)
        }
    }

    private static func short(_ verdict: MasterClaims.Verdict) -> Expected {
        switch verdict {
        case .one(let server): .one(server?.first)
        case .unclear: .unclear
        case .several(let claims): .several(claims.map(\.server).joined())
        }
    }
}
