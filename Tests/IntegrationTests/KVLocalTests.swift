import LocalTopology
import SystemPackage
import Testing

@Suite("kv-local")
struct KVLocalTests {
    /// kv-local as a node of a cluster of its own, and where its own cluster will be.
    private func program(
        port: Int, redisPort: Int, sidecarPort: Int, temporaryFolder: String = "{directory}"
    ) throws -> NodeSpec {
        NodeSpec(
            name: "kv-local", executable: try Programs.built("kv-local"),
            arguments: ["--port", "\(port)", "--redis-port", "\(redisPort)", "--sidecar-port", "\(sidecarPort)"],
            environment: ["TMPDIR": temporaryFolder], endpoint: Endpoint(port: port), readiness: .running,
            isRedis: false)
    }

    /// Where a kv-local with its defaults listens: three servers, the two sidecars, and the apps.
    private func endpoints(port: Int, redisPort: Int, sidecarPort: Int) -> [Endpoint] {
        (0...2).map { Endpoint(host: "127.0.0.\($0 + 1)", port: redisPort + $0) } + sidecars(sidecarPort)
            + [Endpoint(port: port)]
    }

    private func sidecars(_ port: Int) -> [Endpoint] { (2...3).map { Endpoint(host: "127.0.0.\($0)", port: port) } }

    /// Runs kv-local in a temporary folder of its own, hands it over when it says that all is up, and expects the folder
    /// empty in the end.
    private func withRunningProgram(
        _ body: (LocalCluster, [Endpoint]) async throws -> Void
    ) async throws {
        let ports = try Loopback.freePorts(3)
        let folder = try Harness.TemporaryFolder()
        let node = try program(
            port: ports[0], redisPort: ports[1], sidecarPort: ports[2], temporaryFolder: folder.path)
        try await withLocalCluster(ClusterSpec([node])) { cluster in
            try await cluster.wait(until: "all is up", of: "kv-local", within: .seconds(60)) {
                Observation(try await cluster.log(of: "kv-local").contains("Ctrl-C stops everything."), else: "not yet")
            }
            for sidecar in sidecars(ports[2]) {
                let answers = try await LoopbackHTTP.exchange([.get("/readyz"), .get("/status")], with: sidecar)
                #expect(answers[0].text == "ready: replica, its link to the master is up\n")
                #expect(answers[1].text.contains(#""state": "in-step""#), "\(answers[1].text)")
            }
            try await body(cluster, endpoints(port: ports[0], redisPort: ports[1], sidecarPort: ports[2]))
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

    @Test(
        "says which port is taken, who may hold it and what to do",
        arguments: ["PORT", "REDIS_PORT", "SIDECAR_PORT"])
    func takenPort(variable: String) async throws {
        let ports = try Loopback.freePorts(3)
        let taken = Endpoint(host: variable == "SIDECAR_PORT" ? "127.0.0.2" : "127.0.0.1", port: ports[0])
        let holder = NodeSpec.redis("holder", server: try Harness.redisServer, at: taken)
        let local =
            switch variable {
            case "PORT": try program(port: ports[0], redisPort: ports[1], sidecarPort: ports[2])
            case "REDIS_PORT": try program(port: ports[1], redisPort: ports[0], sidecarPort: ports[2])
            default: try program(port: ports[1], redisPort: ports[2], sidecarPort: ports[0])
            }
        try await withLocalCluster(ClusterSpec([holder])) { _ in
            try await withLocalCluster(ClusterSpec([local])) { cluster in
                #expect(try await cluster.waitUntilEnded("kv-local") == .exited(code: 69))
                let log = try await cluster.log(of: "kv-local")
                #expect(log.contains("port \(taken.port) on \(taken.host) is taken"))
                #expect(log.contains("another `make run`"))
                #expect(log.contains("make run \(variable)=\(taken.port + 10)"))
            }
        }
    }
}
