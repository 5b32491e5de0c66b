import Hiredis
import LocalTopology
import Testing

@Suite("Readiness speaks for all event loops")
struct ReadyOnEveryLoopTests {
    @Test func `from the first 200 of readyz on no read fails, whichever loop gets it`() async throws {
        let system = try DirectCluster(loops: 2)
        try await withLocalCluster(system.spec, starts: false) { cluster in
            for node in [system.master] + system.replicas { try await cluster.start(node.name) }
            try await cluster.wait(untilReplicasOf: "master", are: 2)
            let stored = try await cluster.redis("master", [["SET", "k", "v"], ["WAIT", "2", "5000"]])
            try #require(stored[1] == .integer(2), "\(stored)")
            for round in 1...20 {
                try await cluster.launch("app")
                try await waitForFirst200(cluster)
                let endpoint = system.app.endpoint
                let answers = try await withThrowingTaskGroup(of: [LoopbackHTTP.Response].self) { group in
                    for _ in 0..<8 {
                        group.addTask {
                            try await LoopbackHTTP.exchange(
                                [.get("/v1/keys/k"), .get("/get?key=k"), .get("/v1/keys/k")], with: endpoint)
                        }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
                #expect(answers.allSatisfy { $0.status == 200 }, "round \(round): \(answers.map(\.text))")
                try await cluster.kill("app")
            }
        }
    }

    /// Asks without a pause: what is wrong for a moment is wrong in the first one.
    private func waitForFirst200(_ cluster: LocalCluster) async throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < deadline {
            // At first no server listens.
            if let answer = try? await cluster.readiness(), answer.status == 200 { return }
        }
        Issue.record("the app did not become ready: \(try await cluster.log(of: "app"))")
    }
}
