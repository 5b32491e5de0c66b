import Testing

@testable import LeaseStore

@Suite("Events for people who look at a pod")
struct OperatorEventTests {
    private static func object(_ event: OperatorEvent, pod: String = "redis-0") throws -> KubernetesEventObject {
        let kubernetes = try KubernetesSettings(
            server: "https://10.0.0.1:443", namespace: "redis", name: "redis-master")
        return KubernetesEventObject(
            event, settings: .init(kubernetes: kubernetes, pod: pod, podUID: "4f0c"), number: 255,
            time: "2026-11-30T17:00:00.000001Z")
    }

    @Test("an event has all that Kubernetes asks for, and is about the pod")
    func whole() throws {
        for reason in OperatorEvent.Reason.allCases {
            let object = try Self.object(OperatorEvent(reason, note: "The node leads in term 4."))
            #expect(object.metadata.name == "redis-0.ff" && object.metadata.namespace == "redis")
            #expect(object.regarding?.kind == "Pod" && object.regarding?.uid == "4f0c")
            #expect(object.reason == reason.rawValue && object.note == "The node leads in term 4.")
            #expect(object.type == ([.leads, .handedOver].contains(reason) ? "Normal" : "Warning"))
            #expect(
                ![object.action, object.reportingController, object.reportingInstance].contains { $0?.isEmpty ?? true })
        }
    }

    @Test("a long note keeps its beginning, and no part of a character", arguments: ["x", "é", "漢", "👩‍👩‍👧"])
    func long(character: String) throws {
        for count in [1, 300, 1000, 1024, 5000] {
            let note = try #require(
                try Self.object(OperatorEvent(.blocked, note: String(repeating: character, count: count))).note)
            #expect(note.utf8.count <= 1024)
            #expect(note.hasPrefix(character))
            #expect(note.allSatisfy { $0 == Character(character) || $0 == "…" })
        }
        let name = try Self.object(OperatorEvent(.leads, note: ""), pod: String(repeating: "a", count: 253)).metadata
            .name
        #expect((name?.utf8.count ?? 999) <= 253)
    }

    @Test("so many events at once, then one after each interval")
    func bounded() {
        let start = ContinuousClock.now
        var limiter = EventLimiter()
        func allowed(_ count: Int, at time: Duration, from first: Int) -> Int {
            (first..<first + count).count {
                limiter.allows(OperatorEvent(.fenced, note: "\($0)"), at: start + time)
            }
        }
        let atOnce = allowed(1000, at: .zero, from: 0)
        let soon = allowed(1000, at: EventLimiter.interval - .milliseconds(1), from: 1000)
        let later = allowed(1000, at: EventLimiter.interval, from: 2000)
        let threeMore = allowed(1000, at: EventLimiter.interval * 4, from: 3000)
        let muchLater = allowed(1000, at: .seconds(1_000_000_000), from: 4000)
        #expect([atOnce, soon, later, threeMore, muchLater] == [10, 0, 1, 3, 10])
    }

    @Test("the same event comes once a minute; another one in between does not change that")
    func repeated() {
        let start = ContinuousClock.now
        var limiter = EventLimiter()
        let blocked = OperatorEvent(.blocked, note: "one node has not answered")
        let answers = [0, 1, 59, 60, 61].map { limiter.allows(blocked, at: start + .seconds($0)) }
        let other = limiter.allows(OperatorEvent(.leads, note: "term 2"), at: start + .seconds(61))
        #expect(answers == [true, false, false, true, false] && other)
    }
}
