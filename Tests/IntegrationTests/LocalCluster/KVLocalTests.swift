import LocalTopology
import SystemPackage
import Testing

@Suite("kv-local")
struct KVLocalTests {
    /// kv-local as a node of its own cluster, and where its own cluster will be.
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

    @Test("prints for each server a command that kills it and one that starts it again, and both do as printed")
    func printedCommands() async throws {
        try await withRunningProgram { cluster, endpoints in
            let lines = try await cluster.log(of: "kv-local").split(separator: "\n").map {
                $0.trimmingPrefix { $0 == " " }
            }
            for (index, name) in ["redis-master", "redis-slave-1", "redis-slave-2"].enumerated() {
                let kill = try #require(lines.first { $0.contains(" kill \(name)") })
                let start = try #require(lines.first { $0.contains(" start \(name)") })

                let killed = try await shell(String(kill))
                #expect(killed.ending == .exited(code: 0), "\(killed.output)")
                #expect(killed.output.contains("\(name) is killed"))
                try Loopback.checkFree(endpoints[index])
                #expect(try await shell(String(kill)).output.contains("\(name) does not run already"))

                let started = try await shell(String(start))
                #expect(started.ending == .exited(code: 0), "\(started.output)")
                #expect(started.output.contains("\(name) is up again"))
                #expect(throws: LocalTopologyError.taken(endpoints[index])) {
                    try Loopback.checkFree(endpoints[index])
                }
                #expect(try await shell(String(start)).output.contains("\(name) runs already"))
            }
            for sidecar in endpoints[3...4] {
                try await cluster.wait(until: "the sidecar is content") {
                    let answer = try await LoopbackHTTP.exchange([.get("/readyz")], with: sidecar)[0]
                    return Observation(answer.status == 200, else: answer.text)
                }
            }
            // As printed too is what does not run: nothing of it is an unexpected end.
            #expect(!(try await cluster.log(of: "kv-local").contains("did not end it")))
        }
    }

    @Test("brings a replica's sidecar back with it, and names what can be started")
    func sidecarComesBack() async throws {
        try await withRunningProgram { cluster, endpoints in
            let port = endpoints[0].port
            for name in ["redis-replica-sidecar-1", "redis-slave-1"] {
                #expect(try await kvLocal("kill \(name)", port).ending == .exited(code: 0))
            }
            try Loopback.checkFree(endpoints[3])
            let started = try await kvLocal("start redis-slave-1", port)
            #expect(started.output.contains("redis-slave-1 is up again; redis-replica-sidecar-1 has started"))
            try await cluster.wait(until: "the sidecar is ready") {
                let answer = try await LoopbackHTTP.exchange([.get("/readyz")], with: endpoints[3])[0]
                return Observation(answer.status == 200, else: answer.text)
            }

            // A replica without its master starts all the same.
            for name in ["redis-master", "redis-slave-2"] {
                #expect(try await kvLocal("kill \(name)", port).ending == .exited(code: 0))
            }
            let waiting = try await kvLocal("start redis-slave-2", port)
            #expect(waiting.output.contains("it waits for redis-master, which does not run"))
            #expect(try await kvLocal("start redis-master", port).output.contains("redis-master is up again"))

            let unknown = try await kvLocal("start redis-slave-7", port)
            #expect(unknown.ending == .exited(code: 64))
            #expect(unknown.output.contains("nothing here is called redis-slave-7; there are: redis-master, "))
            let nothing = try await kvLocal("kill redis-master", try Loopback.freePorts(1)[0])
            #expect(nothing.ending == .exited(code: 69))
            #expect(nothing.output.contains("no cluster runs whose master has the port"))
        }
    }

    private func kvLocal(_ command: String, _ redisPort: Int) async throws -> (ending: Ending, output: String) {
        try await shell("\(try Programs.built("kv-local")) \(command) --redis-port \(redisPort)")
    }

    /// What a shell makes of a line, and what it says.
    private func shell(_ line: String) async throws -> (ending: Ending, output: String) {
        let node = NodeSpec(
            name: "shell", executable: "/bin/sh", arguments: ["-c", line], endpoint: Endpoint(port: 0),
            readiness: .running, isRedis: false)
        return try await withLocalCluster(ClusterSpec([node])) { cluster in
            (try await cluster.waitUntilEnded("shell", within: .seconds(60)), try await cluster.log(of: "shell"))
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
                #expect(log.contains("the port \(taken) is taken"))
                #expect(log.contains("Another `make run` may have it"))
                #expect(log.contains("ss -ltnp 'sport = :\(taken.port)'"))
                // With the other ports that were asked for.
                #expect(log.contains(" \(variable)=\(taken.port + 10)"))
                for other in ["PORT", "REDIS_PORT", "SIDECAR_PORT"] { #expect(log.contains(" \(other)=")) }
            }
        }
    }

    @Test("names every taken port at once when a second one is started, with a command whose ports are free")
    func secondCluster() async throws {
        try await withRunningProgram { _, endpoints in
            let second = try program(
                port: endpoints[5].port, redisPort: endpoints[0].port, sidecarPort: endpoints[3].port)
            try await withLocalCluster(ClusterSpec([second])) { cluster in
                #expect(try await cluster.waitUntilEnded("kv-local") == .exited(code: 69))
                let log = try await cluster.log(of: "kv-local")
                for endpoint in endpoints { #expect(log.contains("\(endpoint)")) }
                #expect(log.contains("these ports are taken: "))
                let cure = try #require(log.firstMatch(of: /\(kv-local((?: --[a-z-]+ [0-9]+)+)\)/))
                let made = try #require(log.firstMatch(of: /make run PORT=(\d+) REDIS_PORT=(\d+) SIDECAR_PORT=(\d+)/))
                #expect(cure.1 == " --port \(made.1) --redis-port \(made.2) --sidecar-port \(made.3)")
                let free = try [made.1, made.2, made.3].map { try #require(Int($0)) }
                for endpoint in self.endpoints(port: free[0], redisPort: free[1], sidecarPort: free[2]) {
                    try Loopback.checkFree(endpoint)
                }
            }
        }
    }
}
