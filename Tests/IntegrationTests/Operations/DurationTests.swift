import LocalTopology
import Testing

/// What is said of how long things took, behind a proxy that makes them take a while.
@Suite("Durations are true")
struct DurationTests {
    private static let bounds = ["0.0001", "0.001", "0.01", "0.1"]

    private func withSlowServer(
        environment: [String: String] = [:], _ body: (LocalCluster, LoopbackProxy) async throws -> Void
    ) async throws {
        let system = try DirectCluster(replicaLines: [])
        try await withLoopbackProxy(to: [system.master.endpoint]) { proxy in
            let app = DirectCluster.app(
                at: system.app.endpoint, master: proxy.endpoint, replicas: [], program: system.app.executable,
                environment: environment.merging(["REDIS_SLAVE_ENDPOINTS": "\(proxy.endpoint)"]) { $1 })
            try await withLocalCluster(ClusterSpec([system.master, app])) { cluster in
                try await cluster.store("k", "v", on: [])
                try await cluster.wait(untilServersUp: 2)
                try await body(cluster, proxy)
            }
        }
    }

    @Test("five reads that a server answers after 0.2 s count as five of 0.2 s, and so do the commands")
    func slowReads() async throws {
        try await withSlowServer { cluster, proxy in
            proxy.delay(byMilliseconds: 200)
            let before = try Exposition(try await cluster.http("app", .get("/metrics"))[0].text)
            for _ in 0..<5 {
                #expect(try await cluster.http("app", .get("/v1/keys/k"))[0].status == 200)
            }
            let after = try Exposition(try await cluster.http("app", .get("/metrics"))[0].text)
            func grown(_ name: String, _ labels: [String: String]) -> Double {
                after.sum(name, labels) - before.sum(name, labels)
            }
            let request = "kvapp_http_request_duration_seconds"
            let route = ["route": "/v1/keys/{key}"]
            #expect(grown(request + "_count", route) == 5)
            #expect(grown(request + "_sum", route) >= 1)
            for bound in Self.bounds {
                #expect(grown(request + "_bucket", ["route": "/v1/keys/{key}", "le": bound]) == 0, "\(bound) s")
            }
            let command = "kvapp_redis_command_duration_seconds"
            #expect(grown(command + "_count", [:]) >= 5)
            #expect(grown(command + "_sum", [:]) >= 1)
            for bound in Self.bounds { #expect(grown(command + "_bucket", ["le": bound]) == 0, "\(bound) s") }
        }
    }

    @Test("the line of a read that was given up says how long it took")
    func timedOutRead() async throws {
        try await withSlowServer(environment: ["LOG_FORMAT": "json"]) { cluster, proxy in
            proxy.hold()
            let began = ContinuousClock.now
            let answer = try await cluster.http("app", .get("/v1/keys/k"))[0]
            let taken = (ContinuousClock.now - began) / .milliseconds(1)
            #expect(answer.status == 504)
            try await cluster.wait(until: "the answer is logged", of: "app") {
                let log = try await cluster.log(of: "app")
                return Observation(log.contains("answered 504"), else: "no line")
            }
            let line = try await cluster.log(of: "app").split(separator: "\n").last { $0.contains("answered 504") }
            let number = line?.split(separator: "\"duration_ms\":").last?.prefix { "0"..."9" ~= $0 || $0 == "." }
            let logged = number.flatMap { Double($0) }
            #expect(logged ?? 0 >= taken / 2, "\(taken) ms were measured")
        }
    }
}
