import Hiredis
import LocalTopology
import Testing

@Suite("Tokens, over a fail-over")
struct TokenFailoverTests {
    private static let path = "/v1/keys/k"

    @Test(
        "a write that the promoted replica missed counts as lost, an earlier one is found, a foreign one is unknown"
    )
    func lost() async throws {
        try await ConsistencyCluster.run { system, cluster in
            let (early, late) = try await promoteWithoutLastWrite(system, cluster, "early", "late")
            system.masterName.retarget([system.replicas[0].endpoint])
            try await cluster.kill("master")
            try await waitForWrites(cluster)

            for wait in [nil, "200ms"] as [String?] {
                let lost = try await cluster.http("app", .get(Self.path, after: late, wait: wait))[0]
                #expect(lost.status == 409 && lost.code == "replication-lost", "\(lost.text)")
                let found = try await cluster.http("app", .get(Self.path, after: early, wait: wait))[0]
                #expect(found.status == 200 && found.text == "early" && found.verdict == "satisfied")
                let foreign = String(repeating: "0", count: 39) + "1:5"
                let unknown = try await cluster.http("app", .get(Self.path, after: foreign, wait: wait))[0]
                #expect(unknown.status == 200 && unknown.text == "early" && unknown.verdict == "unknown")
                #expect(unknown.role == "master")
            }
            // What is written again is known again.
            let again = try await cluster.put("k", "again")
            let read = try await cluster.http("app", .get(Self.path, after: again))[0]
            #expect(read.text == "again" && read.verdict == "satisfied")
        }
    }

    @Test("a demoted master that has lost its link proves nothing, though it still has the lost write")
    func demoted() async throws {
        try await ConsistencyCluster.run { system, cluster in
            let (early, late) = try await promoteWithoutLastWrite(system, cluster, "early", "late")
            // The app takes the promoted one for the master, and the old master for its replica.
            try await withLoopbackProxy(to: [system.replicas[0].endpoint]) { name in
                var app = DirectCluster.app(
                    at: Endpoint(port: try Loopback.freePorts(1)[0]), master: name.endpoint,
                    replicas: [system.master.endpoint], program: system.app.executable)
                app.name = "second-app"
                app.environment["HOSTNAME"] = app.name
                app.readiness = .http(path: "/readyz", hostname: app.name)
                try await withLocalCluster(ClusterSpec([app])) { second in
                    let nowhere = try Loopback.freePorts(1)[0]
                    _ = try await cluster.redis("master", "REPLICAOF", "127.0.0.1", "\(nowhere)")
                    try await cluster.wait(until: "the old master has no link", of: "master") {
                        let info = try await cluster.info("master")
                        let isAlone = info["role"] == "slave" && info["master_link_status"] == "down"
                        return Observation(isAlone && info["master_repl_offset"] != nil, else: "\(info)")
                    }
                    #expect(try await cluster.redis("master", "GET", "k").text == "late")
                    for _ in 0..<20 {
                        let lost = try await second.http("second-app", .get(Self.path, after: late, wait: "50ms"))[0]
                        #expect(lost.code == "replication-lost", "\(lost.status) \(lost.text)")
                        let found = try await second.http("second-app", .get(Self.path, after: early))[0]
                        #expect(found.text == "early" && found.verdict == "satisfied")
                        #expect(found.header("Served-By") == "\(name.endpoint)")
                    }
                }
            }
        }
    }

    @Test(
        "a replica that was promoted behind the master's back is not believed, neither that a write is lost nor that it is unknown"
    )
    func stray() async throws {
        // The second replica follows the master: the first one is a stray, and not the beginning of a fail-over.
        try await ConsistencyCluster.run(replicas: 2) { system, cluster in
            let (_, token) = try await promoteWithoutLastWrite(system, cluster, "old", "new")
            try await cluster.wait(until: "replica-2", has: "k", "new")
            let stray = "\(system.replicas[0].endpoint)"
            try await cluster.wait(untilReadinessSays: #"\#(stray)","state":"is a master beside"#)
            for _ in 0..<20 {
                let read = try await cluster.http("app", .get(Self.path, after: token, wait: "20ms"))[0]
                #expect(read.status == 200 && read.text == "new" && read.verdict == "satisfied", "\(read.text)")
                let plain = try await cluster.http("app", .get(Self.path))[0]
                let bounded = try await cluster.http("app", .get(Self.path + "?max-lag=1s"))[0]
                for answer in [read, plain, bounded] {
                    #expect(answer.status == 200 && answer.text == "new", "\(answer.text)")
                    #expect(answer.header("Served-By") != stray)
                }
            }
            #expect(try await cluster.redis("replica-1", "GET", "k").text == "old")
        }
    }

    @Test("a read that may wait outlasts a fail-over")
    func outlasts() async throws {
        try await ConsistencyCluster.run { system, cluster in
            let token = try await cluster.put("k", "v")
            try await cluster.wait(until: "replica-1", has: "k", "v")
            try await cluster.kill("master")
            try await cluster.wait(until: "the replica has lost its master", of: "app") {
                let answer = try await cluster.http("app", .get(Self.path, after: token))[0]
                return Observation(answer.code == "redis-unavailable", else: "\(answer.status) \(answer.text)")
            }
            async let answer = cluster.http("app", .get(Self.path, after: token, wait: "10s"), timeout: .seconds(14))[0]
            try await cluster.promote("replica-1")
            system.masterName.retarget([system.replicas[0].endpoint])
            let found = try await answer
            #expect(found.status == 200 && found.text == "v" && found.verdict == "satisfied")
        }
    }

    /// Writes twice, the second time without the first replica's knowledge, and promotes that replica.
    ///
    /// - Returns: the tokens of the two writes.
    private func promoteWithoutLastWrite(
        _ system: ConsistencyCluster, _ cluster: LocalCluster, _ first: String, _ second: String
    ) async throws -> (first: String, second: String) {
        let known = try await cluster.put("k", first)
        try await cluster.wait(until: "replica-1", has: "k", first)
        system.links[0].hold()
        let missed = try await cluster.put("k", second)
        try await cluster.promote("replica-1")
        return (known, missed)
    }

    private func waitForWrites(_ cluster: LocalCluster) async throws {
        try await cluster.wait(until: "the new master takes writes", of: "app") {
            let answer = try await cluster.http("app", .put("/v1/keys/other", "v"))[0]
            return Observation(answer.status == 201 || answer.status == 204, else: "\(answer.status) \(answer.text)")
        }
    }
}
