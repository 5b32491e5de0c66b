import LocalTopology
import Testing

@Suite("Servers that stop and return")
struct HealthTests {
    private static let write = LoopbackHTTP.Request.set(#"{"key":"k","value":"v"}"#)
    private static let read = LoopbackHTTP.Request.get("/get?key=k")

    @Test("errors end within a second of the master's return, however long it was away")
    func masterReturns() async throws {
        let system = try DirectCluster(replicaLines: [])
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.store("k", "v", on: [])
            try await cluster.kill("master")
            // So long that the waits between two attempts are as long as they get.
            let killed = ContinuousClock.now
            try await cluster.wait(until: "the app has gone without the master for 4 s", of: "app") {
                let answers = try await cluster.http("app", Self.write, Self.read)
                #expect(answers.map(\.code) == ["redis-unavailable", "redis-unavailable"])
                let away = ContinuousClock.now - killed
                return Observation(away >= .seconds(4), else: "\(away)")
            }
            try await cluster.start("master")
            let returned = Stopwatch()
            for request in [Self.write, Self.read] {
                // Each over several connections, so that every event loop is asked.
                for _ in 0..<8 { try await cluster.wait(untilServed: request) }
            }
            let elapsed = returned.undisturbed
            #expect(elapsed < .seconds(1), "\(elapsed)")
        }
    }

    @Test("while both replicas are silent new reads do not wait for them: the master answers")
    func silentReplicas() async throws {
        let system = try DirectCluster()
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.store("k", "v", on: system.replicas)
            try await cluster.pause("replica-1")
            try await cluster.pause("replica-2")
            // These two wait, and are asked elsewhere at their deadline.
            async let first = cluster.http("app", Self.read)[0]
            async let second = cluster.http("app", Self.read)[0]
            try await cluster.wait(until: "a read is answered while they wait", of: "app") {
                let start = ContinuousClock.now
                let status = try await cluster.http("app", Self.read)[0].status
                let elapsed = ContinuousClock.now - start
                return Observation(status == 200 && elapsed < .milliseconds(200), else: "\(status) after \(elapsed)")
            }
            let start = Stopwatch()
            for _ in 0..<20 { #expect(try await cluster.http("app", Self.read)[0].status == 200) }
            #expect(start.undisturbed < .seconds(1), "none of them waited")
            #expect(try await first.status == 200)
            #expect(try await second.status == 200)
            try await cluster.resume("replica-1")
            try await cluster.resume("replica-2")
        }
    }
}
