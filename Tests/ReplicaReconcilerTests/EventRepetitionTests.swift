import RedisCore
import ReplicaReconciler
import Testing

@Suite("Repeated events")
struct EventRepetitionTests {
    private typealias Event = Reconciler.Event

    private static let change = Change(.reconnect, .nameMoved, masterRunID: "run-b", masterAddress: "10.0.0.1")
    private static let other = Change(.reconnect, .nameMoved, masterRunID: "run-c", masterAddress: "10.0.0.2")
    private static let unrelated = DataComparison.unrelated(ourKeys: 1, theirKeys: 2)

    @Test("a change that is refused is logged once, until its words change or five minutes are over")
    func refused() {
        var repetition = EventRepetition()
        for second in 0..<700 where second % 5 == 0 {
            let now = Duration.seconds(1000 + second)
            let isNews = second % 300 == 0
            let failed = repetition.severity(of: .failed(Self.change, "no"), at: now)
            #expect(failed == (isNews ? .warning : .debug), "\(second)")
            let performs = repetition.severity(of: .performs(Self.change, Self.unrelated), at: now)
            #expect(performs == (isNews ? .warning : .debug), "\(second)")
            // With fewer seconds to wait each time.
            let waits = repetition.severity(of: .waits(Self.change, forSeconds: Int64(second)), at: now)
            #expect(waits == (isNews ? .info : .debug), "\(second)")
        }
    }

    @Test("other words, another change, and what follows a change that was performed are news")
    func news() {
        var repetition = EventRepetition()
        let events: [(Event, Event.Severity)] = [
            (.failed(Self.change, "no"), .warning), (.failed(Self.change, "no"), .debug),
            (.failed(Self.change, "never"), .warning), (.failed(Self.change, "never"), .debug),
            (.failed(Self.change, "no"), .warning), (.failed(Self.other, "no"), .warning),
            (.failed(Self.other, "no"), .debug), (.performed(Self.other), .info),
            (.failed(Self.other, "no"), .warning),
        ]
        for (index, (event, severity)) in events.enumerated() {
            #expect(repetition.severity(of: event, at: .seconds(index)) == severity, "\(index)")
        }
    }

    @Test("everything else is as loud as ever, however often it comes")
    func others() {
        var repetition = EventRepetition()
        let events: [Event] = [
            .suspects(Self.change), .held(Self.change, Self.unrelated), .released(Self.change), .confirmed(Self.change),
            .rehearsed(Self.change, Self.unrelated), .performed(Self.change), .movedByHand(.nobody), .emptied(keys: 1),
            .lossAcknowledged(keys: 1), .alarm(.inStep), .alarmOver(.inStep),
        ]
        for event in events + events { #expect(repetition.severity(of: event, at: .zero) == event.severity) }
    }
}
