import Glibc
import LocalTopology
import Testing

@Suite("Write, then read elsewhere", .serialized)
struct SoakTests {
    /// How many pairs of a write and a read, with tokens and then without: `SOAK_PAIRS`, else what a test run has time for.
    private static let pairs = getenv("SOAK_PAIRS").flatMap { Int(String(cString: $0)) } ?? 4000

    @Test("with the write's token no read is stale, through three apps and two replicas, one of them slow")
    func soak() async throws {
        let ports = try Loopback.freePorts(6)
        let server = try Harness.redisServer
        let master = Endpoint(port: ports[0])
        let program = try Programs.built("KVApp")
        try await withLoopbackProxy(to: [master]) { link in
            let replicas = [
                NodeSpec.redis(
                    "fast", server: server, at: Endpoint(host: "127.0.0.2", port: ports[1]), replicaOf: master),
                NodeSpec.redis(
                    "slow", server: server, at: Endpoint(host: "127.0.0.3", port: ports[2]), replicaOf: link.endpoint),
            ]
            let apps = (0..<3).map { number in
                var app = DirectCluster.app(
                    at: Endpoint(port: ports[3 + number]), master: master, replicas: replicas.map(\.endpoint),
                    program: program)
                app.name = "app-\(number)"
                app.environment["HOSTNAME"] = app.name
                app.readiness = .http(path: "/readyz", hostname: app.name)
                return app
            }
            let spec = ClusterSpec([.redis("master", server: server, at: master)] + replicas + apps)
            try await withLocalCluster(spec) { cluster in
                try await cluster.wait(untilReplicasOf: "master", are: 2)
                link.delay(byMilliseconds: 5)
                let with = try await Soak(apps: apps.map(\.endpoint), usesTokens: true).run(pairs: Self.pairs)
                let without = try await Soak(apps: apps.map(\.endpoint), usesTokens: false).run(pairs: Self.pairs)
                print("with tokens: \(with)\nwithout: \(without)")
                #expect(with.stale == 0)
                #expect(with.unexpected == [])
                #expect(without.unexpected == [])
                #expect(with.pairs == Self.pairs && without.pairs == Self.pairs)
                // Otherwise the test shows nothing.
                #expect(without.stale > 0, "a plain read misses some writes")
                #expect(with.servedByReplicas > 0, "not all is asked of the master")
            }
        }
    }
}
