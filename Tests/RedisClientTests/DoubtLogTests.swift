import RedisCore
import Testing

@testable import RedisClient

@Suite("What the log says about doubts which server is the master")
struct DoubtLogTests {
    private func decision(_ number: Int, _ doubt: String? = nil, holdsWrites: Bool = false) -> ServerSelector.Decision {
        var decision = ServerSelector.Decision(master: RedisEndpoint(host: "127.0.0.1", port: 6379))
        decision.doubt = doubt
        decision.holdsWrites = holdsWrites
        decision.number = number
        return decision
    }

    @Test("a doubt and its end are logged once, regardless of other decisions meanwhile")
    func once() {
        var log = DoubtLog()
        #expect(log.line(for: decision(1)) == nil)
        #expect(log.line(for: decision(2, "two masters")) == .begins("two masters"))
        #expect(log.line(for: decision(3, "two masters", holdsWrites: true)) == nil)
        #expect(log.line(for: decision(4)) == .ends)
        #expect(log.line(for: decision(5)) == nil)
        #expect(log.line(for: decision(6, "two masters")) == .begins("two masters"))
    }

    @Test("another doubt is logged")
    func another() {
        var log = DoubtLog()
        #expect(log.line(for: decision(1, "two masters")) == .begins("two masters"))
        #expect(log.line(for: decision(2, "three masters")) == .begins("three masters"))
    }

    @Test("no single master is reported while writes still wait")
    func waiting() {
        var log = DoubtLog()
        #expect(log.line(for: decision(1, "two masters")) == .begins("two masters"))
        #expect(log.line(for: decision(2, holdsWrites: true)) == nil)
        #expect(log.line(for: decision(3, "two masters")) == nil)
        #expect(log.line(for: decision(4, holdsWrites: true)) == nil)
        #expect(log.line(for: decision(5)) == .ends)
    }

    @Test("an event loop that comes late with an older decision logs nothing")
    func late() {
        var log = DoubtLog()
        #expect(log.line(for: decision(2, "two masters")) == .begins("two masters"))
        #expect(log.line(for: decision(1)) == nil)
        #expect(log.line(for: decision(3, "two masters")) == nil)
        #expect(log.line(for: decision(5)) == .ends)
        #expect(log.line(for: decision(4, "two masters")) == nil)
    }
}
