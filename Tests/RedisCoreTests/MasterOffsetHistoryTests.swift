import RedisCore
import Testing

@Suite("The history of a master's offsets")
struct MasterOffsetHistoryTests {
    static let second: Int64 = 1_000_000_000

    private func token(_ offset: Int64, of id: Character = "a") -> ReplicationToken {
        .of(String(repeating: id, count: 40), offset)
    }

    /// A sample each second from 1 to `last`; the offset is the second.
    private func history(until last: Int64) -> MasterOffsetHistory {
        var history = MasterOffsetHistory()
        for time in 1...last { history.record(token(time), atNanoseconds: time * Self.second) }
        return history
    }

    @Test(
        "the oldest sample within the bound is given, and none where the youngest is too old",
        arguments: [
            (0, nil), (499, nil), (500, 10), (1_499, 10), (1_500, 9), (2_000, 9), (3_500, 7), (9_499, 2), (9_500, 1),
            (3_600_000, 1),
        ] as [(Int64, Int64?)])
    func bounds(milliseconds: Int64, offset: Int64?) {
        let found = history(until: 10).token(
            noOlderThanNanoseconds: milliseconds * 1_000_000, atNanoseconds: 10 * Self.second + Self.second / 2)
        #expect(found == offset.map { token($0) })
    }

    @Test("a history without samples proves nothing")
    func empty() {
        #expect(MasterOffsetHistory().token(noOlderThanNanoseconds: .max, atNanoseconds: 5) == nil)
    }

    @Test("a read that came in at the time of the youngest sample, or before it, may have it")
    func youngest() {
        let history = history(until: 3)
        #expect(history.token(noOlderThanNanoseconds: 0, atNanoseconds: 3 * Self.second) == token(3))
        #expect(history.token(noOlderThanNanoseconds: 1, atNanoseconds: 3 * Self.second - 1) == token(3))
    }

    @Test("bounds up to an hour find a sample of three quarters of their age, less a second, in bounded memory")
    func coverage() {
        var history = MasterOffsetHistory()
        let bounds: [Int64] = [1, 2, 3, 5, 8, 13, 21, 34, 60, 61, 100, 180, 300, 500, 900, 1_800, 2_700, 3_000, 3_600]
        for time in 1...(3 * 3_600) as ClosedRange<Int64> {
            history.record(token(time), atNanoseconds: time * Self.second)
            #expect(history.count <= MasterOffsetHistory.capacity)
            guard time < 200 || time % 37 == 0 else { continue }
            for bound in bounds where bound < time {
                let found = history.token(
                    noOlderThanNanoseconds: bound * Self.second, atNanoseconds: time * Self.second)
                let age = time - (found?.offset ?? 0)
                #expect(age <= bound && 4 * age >= 3 * bound - 4, "bound \(bound) s at \(time) s: \(age) s")
            }
        }
    }

    @Test("samples by the thousand a second neither grow the memory nor keep the old ones out")
    func flood() {
        var history = MasterOffsetHistory()
        for time in 1...120_000 as ClosedRange<Int64> {
            history.record(token(time), atNanoseconds: time * Self.second / 1_000)
        }
        #expect(history.count <= MasterOffsetHistory.capacity)
        for bound in [1, 5, 20, 60, 100] as [Int64] {
            let found = history.token(
                noOlderThanNanoseconds: bound * Self.second, atNanoseconds: 120 * Self.second)
            let age = 120_000 - (found?.offset ?? 0)
            #expect(age <= bound * 1_000 && age >= bound * 500, "bound \(bound) s: \(age) ms")
        }
    }

    @Test("an offset that does not move is one sample, as young as it was seen last")
    func idle() {
        var history = MasterOffsetHistory()
        for time in 1...1_000 as ClosedRange<Int64> { history.record(token(7), atNanoseconds: time * Self.second) }
        #expect(history.count == 1)
        history.record(token(8), atNanoseconds: 1_001 * Self.second)
        let now = 1_001 * Self.second
        #expect(history.token(noOlderThanNanoseconds: 0, atNanoseconds: now) == token(8))
        #expect(history.token(noOlderThanNanoseconds: Self.second, atNanoseconds: now) == token(7))
        #expect(history.token(noOlderThanNanoseconds: 500 * Self.second, atNanoseconds: now) == token(7))
    }

    @Test("a new id drops the samples of the one before, and an old one that comes back starts again")
    func newID() {
        var history = history(until: 10)
        history.record(token(4, of: "b"), atNanoseconds: 11 * Self.second)
        #expect(history.count == 1)
        let found = history.token(noOlderThanNanoseconds: 60 * Self.second, atNanoseconds: 11 * Self.second)
        #expect(found == token(4, of: "b"))
        history.record(token(12), atNanoseconds: 12 * Self.second)
        #expect(history.count == 1)
    }

    @Test("a sample that is older than the newest is skipped, with any id")
    func overtaken() {
        var history = history(until: 10)
        history.record(token(11), atNanoseconds: 9 * Self.second)
        history.record(token(11, of: "b"), atNanoseconds: 9 * Self.second)
        #expect(history.count == 10)
        #expect(history.token(noOlderThanNanoseconds: 0, atNanoseconds: 10 * Self.second) == token(10))
    }

    @Test("after an hour's silence the samples before it are gone")
    func silence() {
        var history = history(until: 10)
        let later = 10 * Self.second + MasterOffsetHistory.longestAgeNanoseconds
        history.record(token(11), atNanoseconds: later)
        #expect(history.count == 2, "one is an hour old to the nanosecond")
        history.record(token(12), atNanoseconds: later + 1)
        #expect(history.count == 2)
        #expect(history.token(noOlderThanNanoseconds: .max, atNanoseconds: later + 1) == token(11))
    }
}
