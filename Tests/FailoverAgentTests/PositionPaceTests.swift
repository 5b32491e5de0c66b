import Failover
import FailoverAgent
import Testing

@Suite("The position file is written")
struct PositionPaceTests {
    private static let written = StoredPosition(
        position: DataPosition(term: 3, history: "h", offset: 100), run: "r", state: .leading)
    private static let changes = DataChanges(sinceSave: "7", savedAt: "1000")

    private static func pace(
        _ changes: DataChanges? = changes, _ change: (inout StoredPosition) -> Void
    ) -> PositionPace? {
        var position = written
        change(&position)
        return PositionPace(of: position, changes, after: written, Self.changes, interval: .seconds(1))
    }

    @Test("not at all while it has the position")
    func same() { #expect(Self.pace { _ in } == nil) }

    @Test("at once for another term, history or process, and the first time")
    func atOnce() {
        #expect(Self.pace { $0.position.term = 4 } == .atOnce)
        #expect(Self.pace { $0.position.history = "x" } == .atOnce)
        #expect(Self.pace { $0.run = "x" } == .atOnce)
        #expect(PositionPace(of: Self.written, nil, after: nil, nil, interval: .seconds(1)) == .atOnce)
    }

    @Test("every interval while data change, or where the server does not say whether they do")
    func often() {
        func grow(_ position: inout StoredPosition) { position.position.offset += 14 }
        let interval = PositionPace.often(.seconds(1))
        #expect(Self.pace(DataChanges(sinceSave: "8", savedAt: "1000"), grow) == interval)
        // A save begins the count again.
        #expect(Self.pace(DataChanges(sinceSave: "7", savedAt: "1001"), grow) == interval)
        #expect(Self.pace(nil, grow) == interval)
        #expect(Self.pace { $0.state = .fenced } == interval)
        let unknown = PositionPace(of: Self.written, nil, after: Self.written, nil, interval: .seconds(1))
        #expect(unknown == nil)
    }

    @Test("once a minute while only PINGs move the offset")
    func seldom() { #expect(Self.pace { $0.position.offset += 14 } == .seldom(.seconds(60))) }
}
