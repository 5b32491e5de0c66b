import Testing

@testable import KeyValueService

/// A connection's clock is a number here, and there is one check a second.
@Suite("A client's pace")
struct ClientPaceTests {
    private static let second: Int64 = 1_000_000_000
    private static let limits = ClientPace.Limits(
        idle: 75 * second, farewell: 2 * second, transfer: .init(window: 30 * second, minimumBytesPerSecond: 1024))

    /// How a client behaves, and when it ends.
    struct Client: Sendable, CustomTestStringConvertible {
        let name: String
        var start: Start
        /// Bytes that it sends in a second, or takes.
        var bytesASecond: Int
        /// How much it has to send or take in all.
        var total = Int.max
        var owesAnswers = false
        /// The second of its end, and the verdict; `nil` where it is served to the end.
        var end: (second: Int64, verdict: ClientPace.Verdict)?

        enum Start { case connect, head, body, answer }

        var testDescription: String { name }
    }

    static let clients: [Client] = [
        Client(name: "half a request line", start: .head, bytesASecond: 0, end: (30, .refuse)),
        Client(name: "a head of a byte a second", start: .head, bytesASecond: 1, end: (30, .refuse)),
        Client(name: "a head that comes fast, and has no end", start: .head, bytesASecond: 2000, end: (30, .refuse)),
        Client(name: "a stalled body", start: .body, bytesASecond: 0, end: (30, .refuse)),
        Client(name: "a body of a byte a second", start: .body, bytesASecond: 1, end: (30, .refuse)),
        Client(name: "a body just below the rate", start: .body, bytesASecond: 1023, end: (30, .refuse)),
        Client(name: "a body at the rate", start: .body, bytesASecond: 1024, total: 300 * 1024, end: nil),
        Client(name: "8 MiB at 50 kB/s", start: .body, bytesASecond: 50_000, total: 8 << 20, end: nil),
        Client(name: "a small body that takes its time", start: .body, bytesASecond: 10, total: 200, end: nil),
        // The time of a waiting answer begins at its first check.
        Client(name: "a reader that never reads", start: .answer, bytesASecond: 0, end: (31, .close)),
        Client(name: "a reader of a byte a second", start: .answer, bytesASecond: 1, end: (31, .close)),
        Client(name: "a reader of 8 MiB at 50 kB/s", start: .answer, bytesASecond: 50_000, total: 8 << 20, end: nil),
        Client(name: "nothing at all", start: .connect, bytesASecond: 0, end: (75, .close)),
        Client(
            name: "a client that waits for us", start: .connect, bytesASecond: 0, total: 0, owesAnswers: true, end: nil),
    ]

    @Test(arguments: clients) func `closes connections that are too slow, in time, and no others`(client: Client) {
        var pace = ClientPace(at: 0)
        switch client.start {
        case .connect, .answer: break
        case .head: pace.headBegan(at: 0)
        case .body: pace.requestCame(hasBody: true, at: 0)
        }
        var moved = 0
        for second in Int64(1)...400 {
            let piece = min(client.bytesASecond, client.total - moved)
            moved += piece
            if client.start == .body { pace.received(piece) }
            if client.start != .connect, moved == client.total { break }
            let situation = ClientPace.Situation(
                owesAnswers: client.owesAnswers, taken: client.start == .answer ? moved : nil)
            let verdict = pace.look(at: second * Self.second, situation, Self.limits)
            guard verdict != .goOn else { continue }
            #expect(second == client.end?.second && verdict == client.end?.verdict, "\(verdict) at \(second) s")
            return
        }
        #expect(client.end == nil, "is served for ever")
    }

    @Test func `counts from the last progress, not from the beginning`() {
        var meter = TransferMeter(at: 0, moved: 0)
        var moved = 0
        // Ten minutes of steady progress, then none.
        for second in Int64(1)...600 {
            moved += 2000
            #expect(meter.look(at: second * Self.second, moved: moved, Self.limits.transfer) == false)
        }
        let end = (Int64(601)...700).first { meter.look(at: $0 * Self.second, moved: moved, Self.limits.transfer) }
        #expect(end == 630)
    }

    @Test func `takes a byte a window for progress where there is no rate`() {
        let limits = TransferMeter.Limits(window: 30 * Self.second, minimumBytesPerSecond: 0)
        var meter = TransferMeter(at: 0, moved: 0)
        #expect(meter.look(at: 30 * Self.second, moved: 1, limits) == false)
        #expect(meter.look(at: 60 * Self.second, moved: 1, limits) == true)
    }

    @Test func `does not hold against a client what we do`() {
        // We do not read from it, for it has answers to take, or we for it.
        var pace = ClientPace(at: 0)
        pace.requestCame(hasBody: true, at: 0)
        for second in Int64(1)...100 {
            #expect(pace.look(at: second * Self.second, .init(isReadingHeldBack: true), Self.limits) == .goOn)
        }
        #expect(pace.look(at: 129 * Self.second, .init(), Self.limits) == .goOn)
        #expect(pace.look(at: 130 * Self.second, .init(), Self.limits) == .refuse)
        // It waits for 100 Continue.
        pace = ClientPace(at: 0)
        pace.requestCame(hasBody: true, at: 0)
        pace.bodyWasAskedFor(at: 20 * Self.second)
        #expect(pace.look(at: 49 * Self.second, .init(), Self.limits) == .goOn)
        #expect(pace.look(at: 50 * Self.second, .init(), Self.limits) == .refuse)
    }

    @Test func `lets a connection be idle from its last answer on, and ends one that says no farewell`() {
        var pace = ClientPace(at: 0)
        pace.requestCame(hasBody: false, at: 0)
        #expect(pace.look(at: 100 * Self.second, .init(owesAnswers: true), Self.limits) == .goOn)
        #expect(pace.look(at: 174 * Self.second, .init(), Self.limits) == .goOn)
        #expect(pace.look(at: 175 * Self.second, .init(), Self.limits) == .close)
        pace.farewellBegan(at: 200 * Self.second)
        #expect(pace.look(at: 201 * Self.second, .init(), Self.limits) == .goOn)
        #expect(pace.look(at: 202 * Self.second, .init(), Self.limits) == .close)
    }

    @Test func `tells since when a client is slow`() {
        var meter = TransferMeter(at: 0, moved: 0)
        for (second, moved, slowness) in [(1, 2048, 0), (2, 2050, 1), (3, 2060, 2), (4, 6000, 0), (5, 6000, 1)] {
            _ = meter.look(at: Int64(second) * Self.second, moved: moved, Self.limits.transfer)
            #expect(meter.slowness(at: Int64(second) * Self.second) == Int64(slowness) * Self.second, "\(second) s")
        }
    }
}
