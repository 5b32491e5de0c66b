import LocalTopology
import SystemPackage
import Testing

@Suite("kv-local")
struct KVLocalTests {
    /// kv-local as a node of a cluster of its own, and where its own cluster will be.
    private func program(port: Int, redisPort: Int) throws -> NodeSpec {
        NodeSpec(
            name: "kv-local", executable: try Programs.built("kv-local"),
            arguments: ["--port", "\(port)", "--redis-port", "\(redisPort)"],
            environment: ["TMPDIR": "{directory}"], endpoint: Endpoint(port: port), readiness: .running,
            isRedis: false)
    }

    @Test("says which port is taken, who may hold it and what to do", arguments: ["shared", "master"])
    func takenPort(which: String) async throws {
        let ports = try Loopback.freePorts(3)
        let holder = NodeSpec.redis("holder", server: try Harness.redisServer, at: Endpoint(port: ports[0]))
        let local =
            which == "shared"
            ? try program(port: ports[0], redisPort: ports[1]) : try program(port: ports[1], redisPort: ports[0])
        try await withLocalCluster(ClusterSpec([holder])) { _ in
            try await withLocalCluster(ClusterSpec([local])) { cluster in
                #expect(try await cluster.waitUntilEnded("kv-local") == .exited(code: 69))
                let log = try await cluster.log(of: "kv-local")
                #expect(log.contains("port \(ports[0]) on 127.0.0.1 is taken"))
                #expect(log.contains("another `make run`"))
                let variable = which == "shared" ? "PORT" : "REDIS_PORT"
                #expect(log.contains("make run \(variable)=\(ports[0] + 10)"))
            }
        }
    }
}
