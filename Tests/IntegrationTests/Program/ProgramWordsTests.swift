import LocalTopology
import Testing

@Suite("What every program says of itself")
struct ProgramWordsTests {
    private static let programs = ["KVApp", "redis-replica-sidecar", "redis-replica-init", "kv-local"]

    @Test("--version is the program's name and the version, the same for all")
    func versions() throws {
        var versions: Set<Substring> = []
        for program in Self.programs {
            let run = try ProgramRun(["--version"], of: program)
            #expect(run.ending == .exited(0), "\(run.output)")
            let words = run.output.split(separator: " ")
            #expect(run.lines.count == 1 && words.count == 2 && words[0] == program, "\(run.output)")
            #expect(run.output.firstMatch(of: /^[a-zA-Z-]+ [0-9]+\.[0-9]+\.[0-9]+\n$/) != nil, "\(run.output)")
            versions.insert(words[1])
        }
        #expect(versions.count == 1)
    }

    @Test(
        "an address that cannot be listened on is reported with port, reason and cure, in plain words",
        arguments: [
            ("192.0.2.1", "no interface of this machine has the address"), ("name.invalid", "the name has no address"),
            ("127.0.0.1", "another program "),
        ])
    func listening(host: String, reason: String) async throws {
        let taken = Endpoint(port: try Loopback.freePorts(1)[0])
        let holder = NodeSpec.redis("holder", server: try Harness.redisServer, at: taken)
        try await withLocalCluster(ClusterSpec([holder])) { _ in
            let app = ["--host", host, "--port", "\(taken.port)"]
            let sidecar = [
                "SIDECAR_HOST": host, "SIDECAR_PORT": "\(taken.port)", "SIDECAR_REDIS": "127.0.0.1:1",
                "REDIS_CONFIG_FILE": "/dev/null", "REDIS_MASTER_RECORD_FILE": "/dev/null/record",
            ]
            let runs = try [
                ProgramRun(app), ProgramRun(["hostname"] + app),
                ProgramRun([], of: "redis-replica-sidecar", environment: sidecar),
            ]
            for run in runs {
                #expect(run.ending == .exited(69), "\(run.output)")
                let line = try #require(run.lines.first { $0.contains("cannot listen") }, "\(run.output)")
                #expect(line.contains("cannot listen on \(host), port \(taken.port): \(reason)"), "\(line)")
                #expect(line.contains("; "), "\(line)")
                #expect(line.contains("HOST") || line.contains("PORT"), "\(line)")
                for word in ["errno", "Error", "bind(", "(", "descriptor"] { #expect(!line.contains(word), "\(line)") }
            }
        }
    }

    @Test("GET / is not logged by the service, but at debug; the hostname server tells who asked")
    func rootLog() async throws {
        for (level, isLogged) in [("info", false), ("debug", true)] {
            let system = try DirectCluster(replicaLines: [], environment: ["LOG_LEVEL": level])
            try await withLocalCluster(system.spec) { cluster in
                for _ in 0..<3 { _ = try await cluster.http("app", .get("/")) }
                #expect(try await cluster.log(of: "app").contains("received request from") == isLogged)
            }
        }
    }
}
