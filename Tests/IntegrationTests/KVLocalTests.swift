import LocalTopology
import SystemPackage
import Testing

@Suite("kv-local")
struct KVLocalTests {
    /// kv-local as a node of a cluster of its own, and where its own cluster will be.
    private func program(port: Int, redisPort: Int, temporaryFolder: String = "{directory}") throws -> NodeSpec {
        NodeSpec(
            name: "kv-local", executable: try Programs.built("kv-local"),
            arguments: ["--port", "\(port)", "--redis-port", "\(redisPort)"],
            environment: ["TMPDIR": temporaryFolder], endpoint: Endpoint(port: port), readiness: .running,
            isRedis: false)
    }

    /// The three Redis endpoints and the apps' of a kv-local with its defaults.
    private func endpoints(port: Int, redisPort: Int) -> [Endpoint] {
        (0...2).map { Endpoint(host: "127.0.0.\($0 + 1)", port: redisPort + $0) } + [Endpoint(port: port)]
    }

    /// Runs kv-local in a temporary folder of its own, hands it over when it says that all is up, and expects the folder
    /// empty in the end.
    private func withRunningProgram(
        _ body: (LocalCluster, [Endpoint]) async throws -> Void
    ) async throws {
        let ports = try Loopback.freePorts(2)
        let folder = try Harness.TemporaryFolder()
        let node = try program(port: ports[0], redisPort: ports[1], temporaryFolder: folder.path)
        try await withLocalCluster(ClusterSpec([node])) { cluster in
            try await cluster.wait(until: "all is up", of: "kv-local", within: .seconds(60)) {
                Observation(try await cluster.log(of: "kv-local").contains("Ctrl-C stops everything."), else: "not yet")
            }
            try await body(cluster, endpoints(port: ports[0], redisPort: ports[1]))
        }
        #expect(try folder.entries() == [])
    }

    @Test("starts the whole system, and leaves nothing behind at SIGTERM")
    func wholeLife() async throws {
        try await withRunningProgram { cluster, endpoints in
            for endpoint in endpoints {
                #expect(throws: LocalTopologyError.taken(endpoint)) { try Loopback.checkFree(endpoint) }
            }
            let ending = try await cluster.terminate("kv-local")
            #expect(ending == .exited(code: 0))
            for endpoint in endpoints { try Loopback.checkFree(endpoint) }
        }
    }

    @Test("takes everything with it when it is killed, and clears the folder at its next start")
    func killed() async throws {
        try await withRunningProgram { cluster, endpoints in
            try await cluster.kill("kv-local")
            try await cluster.wait(until: "all ports are free") {
                for endpoint in endpoints { try Loopback.checkFree(endpoint) }
                return .satisfied
            }
            let log = try await cluster.log(of: "kv-local")
            try await cluster.start("kv-local")
            try await cluster.wait(until: "all is up again", of: "kv-local", within: .seconds(60)) {
                let more = try await cluster.log(of: "kv-local").dropFirst(log.count)
                return Observation(more.contains("Ctrl-C stops everything."), else: "\(more)")
            }
            try await cluster.terminate("kv-local")
        }
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
