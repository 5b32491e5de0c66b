import Testing

@testable import FailoverAgent

@Suite("The next leader in a planned change")
struct HandoverChoiceTests {
    typealias Candidate = HandoverChoice.Candidate

    private static func target(_ candidates: (String, Int64, String?)..., server: String? = "redis 7.0.15") -> String? {
        HandoverChoice.target(
            among: candidates.map { Candidate(name: $0.0, offset: $0.1, server: $0.2) }, leaderServer: server)
    }

    @Test("is the first node of the list, which a rollout replaces last")
    func first() {
        #expect(Self.target(("redis-0", 90, "redis 7.0.15"), ("redis-2", 100, "redis 7.0.15")) == "redis-0")
        #expect(Self.target(("redis-0", 90, nil), ("redis-2", 100, nil), server: nil) == "redis-0")
    }

    @Test("has the leader's own server version while such a node is left: every node can read its data")
    func version() {
        #expect(Self.target(("redis-0", 100, "redis 8.0.6"), ("redis-1", 90, "redis 7.0.15")) == "redis-1")
        #expect(Self.target(("redis-0", 100, "valkey 7.2.4"), ("redis-1", 90, "redis 7.0.15")) == "redis-1")
    }

    @Test("has another version once all others are replaced")
    func last() {
        #expect(Self.target(("redis-1", 100, "redis 8.0.6"), ("redis-2", 100, "redis 8.0.6")) == "redis-1")
        #expect(Self.target(("redis-1", 100, "redis 8.0.6"), server: nil) == "redis-1")
    }

    @Test("is no node that is far behind the best one")
    func behind() {
        let far = HandoverChoice.tolerance + 1
        #expect(Self.target(("redis-0", 0, "redis 7.0.15"), ("redis-1", far, "redis 8.0.6")) == "redis-1")
        #expect(Self.target(("redis-0", 1, "redis 7.0.15"), ("redis-1", far, "redis 8.0.6")) == "redis-0")
    }

    @Test("is none where no replica has its link up")
    func none() { #expect(HandoverChoice.target(among: [], leaderServer: "redis 7.0.15") == nil) }
}
