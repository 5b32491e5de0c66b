import Hiredis
import LocalTopology
import Testing

@Suite("Reads with a bound on their age")
struct MaximumLagTests {
    @Test("a replica that is in step serves them, without a verdict")
    func inStep() async throws {
        try await ConsistencyCluster.run { _, cluster in
            _ = try await cluster.put("k", "v")
            // Within the bound a replica may not have it yet.
            try await cluster.wait(until: "replica-1", has: "k", "v")
            try await cluster.wait(until: "a replica is shown to be fresh", of: "app") {
                let answer = try await cluster.http("app", .get("/v1/keys/k?max-lag=10s"))[0]
                #expect(answer.status == 200 && answer.verdict == nil, "\(answer.text)")
                return Observation(answer.role == "replica" && answer.text == "v", else: "\(answer.headers)")
            }
        }
    }

    @Test("a bound that is younger than what is known of the master is the master's to keep")
    func tooYoung() async throws {
        try await ConsistencyCluster.run { system, cluster in
            _ = try await cluster.put("k", "old")
            try await cluster.wait(until: "replica-1", has: "k", "old")
            system.links[0].hold()
            _ = try await cluster.put("k", "new")
            for _ in 0..<50 {
                let sent = ContinuousClock.now
                let answer = try await cluster.http("app", .get("/v1/keys/k?max-lag=1ms"))[0]
                // Within a millisecond of the write the replica may still be within the bound.
                #expect(answer.text == "new", "sent at \(sent): \(answer.headers)")
            }
        }
    }

    @Test("a delayed replica serves what is within the bound, and never what is beyond it")
    func heldBack() async throws {
        try await ConsistencyCluster.run { system, cluster in
            _ = try await cluster.put("k", "old")
            try await cluster.wait(until: "replica-1", has: "k", "old")
            system.links[0].hold()
            let before = ContinuousClock.now
            _ = try await cluster.put("k", "new")
            let written = ContinuousClock.now
            try await cluster.wait(until: "the bound is passed, and the master answers", of: "app") {
                let asked = ContinuousClock.now
                let answer = try await cluster.http("app", .get("/v1/keys/k?max-lag=2s"))[0]
                #expect(answer.status == 200)
                if asked - written > .seconds(2) { #expect(answer.text == "new", "\(asked - written) after the write") }
                return Observation(
                    answer.role == "master" && ContinuousClock.now - before > .seconds(2), else: "\(answer.headers)")
            }
            // A wider bound is still kept by the replica.
            let wide = try await cluster.http("app", .get("/v1/keys/k?max-lag=1000s"))[0]
            #expect(wide.role == "replica" && wide.text == "old")
            // With time to wait it is asked again until it has caught up.
            async let waiting = cluster.http(
                "app", .init("GET", "/v1/keys/k?max-lag=1s", headers: ["Replication-Wait: 10s"]), timeout: .seconds(14))
            try await cluster.wait(untilReadsAreRepeatedAt: "replica-1")
            system.links[0].release()
            let caughtUp = try await waiting[0]
            #expect(caughtUp.text == "new" && caughtUp.role == "replica")
        }
    }

    @Test("a replica that stands still is skipped")
    func stopped() async throws {
        try await ConsistencyCluster.run { _, cluster in
            _ = try await cluster.put("k", "v")
            try await cluster.wait(until: "replica-1", has: "k", "v")
            try await cluster.pause("replica-1")
            for _ in 0..<5 {
                let start = Stopwatch()
                let answer = try await cluster.http("app", .get("/v1/keys/k?max-lag=10s"))[0]
                #expect(answer.status == 200 && answer.text == "v" && answer.role == "master", "\(answer.text)")
                #expect(start.undisturbed < .milliseconds(1500))
            }
            try await cluster.resume("replica-1")
        }
    }

    @Test("with the master away a bound is kept for as long as it can be shown, then refused by its own name")
    func masterAway() async throws {
        try await ConsistencyCluster.run { system, cluster in
            _ = try await cluster.put("k", "v")
            try await cluster.wait(until: "replica-1", has: "k", "v")
            try await cluster.wait(until: "the replica serves", of: "app") {
                let answer = try await cluster.http("app", .get("/v1/keys/k?max-lag=1000s"))[0]
                return Observation(answer.role == "replica", else: "\(answer.headers)")
            }
            // The app loses the master, the replica keeps its link.
            system.masterName.retarget([])
            try await cluster.pause("master")
            try await cluster.wait(until: "what is known of the master is too old", of: "app") {
                let answer = try await cluster.http("app", .get("/v1/keys/k?max-lag=2s"), timeout: .seconds(8))[0]
                #expect(answer.status == 200 || answer.code == "replication-lag-unknown", "\(answer.text)")
                return Observation(answer.status == 503, else: "\(answer.headers)")
            }
            let wide = try await cluster.http("app", .get("/v1/keys/k?max-lag=1000s"))[0]
            #expect(wide.status == 200 && wide.role == "replica")
            let refused = try await cluster.http("app", .get("/v1/keys/k?max-lag=1ms"))[0]
            #expect(refused.code == "replication-lag-unknown" && refused.header("Retry-After") == "1")
            #expect(try await cluster.http("app", .get("/v1/keys/k"))[0].status == 200)
            try await cluster.resume("master")
        }
    }
}
