import Glibc
import LocalTopology
import SystemPackage
import Testing

/// Real processes that may open few files, and clients that take all of them.
@Suite("No file left")
struct OpenFilesTests {
    /// The node under prlimit(1), which becomes the program.
    private static func limited(_ node: NodeSpec, to files: Int) throws -> NodeSpec {
        var node = node
        node.arguments = ["--nofile=\(files):4096", node.executable.string] + node.arguments
        node.executable = try Programs.installed("prlimit", package: "util-linux")
        node.readiness = .running
        return node
    }

    /// Ticks of a processor, 100 a second, that a process has used.
    private static func ticks(_ process: Int32) throws -> Int {
        let text = String(decoding: try Scratch.read("/proc/\(process)/stat"), as: UTF8.self)
        let fields = try #require(text.split(separator: ")").last).split(separator: " ")
        return try #require(Int(fields[11])) + (try #require(Int(fields[12])))
    }

    /// Uses the program for some seconds while all its places are taken.
    private static func expectAtRest(_ process: Int32, _ cluster: LocalCluster, _ what: String) async throws {
        let before = try ticks(process)
        let began = ContinuousClock.now
        try await cluster.wait(until: "three seconds are over", within: .seconds(30)) {
            Observation(ContinuousClock.now - began > .seconds(3), else: "not yet")
        }
        let seconds = Double((ContinuousClock.now - began).components.seconds)
        let used = try Double(ticks(process) - before)
        #expect(used < 25 * seconds, "\(what): \(used) ticks of 100 in \(seconds) seconds")
    }

    private static func set(_ process: Int32, files: Int) throws {
        let scratch = try Scratch()
        let run = try Spawned(
            "/usr/bin/prlimit", ["--pid", "\(process)", "--nofile=\(files):4096"], environment: [:], in: scratch.path,
            log: scratch["prlimit.log"])
        try #require(run.ended(within: 10) == .exited(0), "\(run.output)")
    }

    private static func crowd(_ count: Int, at endpoint: Endpoint) -> [LoadSocket] {
        (0..<count).compactMap { _ in try? LoadSocket(to: endpoint) }
    }

    @Test("KVApp answers probes, uses no processor, says it once, and serves again once clients leave")
    func app() async throws {
        let system = try DirectCluster(replicaLines: [])
        let app = try Self.limited(system.app, to: 128)
        try await withLocalCluster(ClusterSpec([system.master, app])) { cluster in
            try await cluster.wait(untilServed: .get("/readyz"))
            let process = try await cluster.processIdentifier(of: "app")
            var crowd = Self.crowd(300, at: app.endpoint)
            try await cluster.wait(until: "all places are taken", of: "app") {
                let answer = try await cluster.http("app", .get("/get?key=k"))[0]
                return Observation(answer.code == "too-many-connections", else: answer.text)
            }
            for round in 0..<5 {
                for path in ["/livez", "/readyz", "/metrics"] {
                    let answer = try await cluster.http("app", .get(path))[0]
                    #expect(answer.status == 200 && answer.header("Connection") == "close", "\(round) \(path)")
                }
                let refused = try await cluster.http("app", .init("PUT", "/v1/keys/k", body: [0x61]))[0]
                #expect(refused.status == 503 && refused.code == "too-many-connections", "\(refused.text)")
                #expect(refused.header("Retry-After") == "1" && refused.header("Connection") == "close")
                crowd += Self.crowd(50, at: app.endpoint)
            }
            let metrics = try Exposition(try await cluster.http("app", .get("/metrics"))[0].text)
            let limit = try #require(metrics.value("kvapp_http_connections_limit"))
            #expect(try #require(metrics.value("process_open_fds")) < 128)
            #expect(try #require(metrics.value("kvapp_http_connections")) <= limit + 4)
            #expect(try #require(metrics.value("kvapp_http_connections_refused_total")) > 100)
            try await Self.expectAtRest(process, cluster, "a crowd")
            let full = "allow; others get 503 too-many-connections"
            #expect(try await cluster.log(of: "app").ranges(of: full).count == 1, "it is said once")
            crowd = []
            try await cluster.wait(untilServed: .get("/v1/keys"))
            let log = try await cluster.log(of: "app")
            #expect(log.contains("there is room for connections of clients again"), "\(log)")
            #expect(try await cluster.terminate("app") == .exited(code: 0), "no connection is left over")
        }
    }

    @Test("KVApp goes on by itself where the limit becomes smaller than what is open, and idle connections give way")
    func lowered() async throws {
        let system = try DirectCluster(replicaLines: [])
        let app = try Self.limited(system.app, to: 1024)
        try await withLocalCluster(ClusterSpec([system.master, app])) { cluster in
            try await cluster.wait(untilServed: .get("/readyz"))
            let process = try await cluster.processIdentifier(of: "app")
            let crowd = Self.crowd(400, at: app.endpoint)
            try await cluster.wait(until: "all are open", of: "app") {
                let metrics = try Exposition(try await cluster.http("app", .get("/metrics"))[0].text)
                let open = metrics.value("kvapp_http_connections") ?? 0
                return Observation(open > 400, else: "\(open)")
            }
            try Self.set(process, files: 100)
            let more = Self.crowd(20, at: app.endpoint)
            try await cluster.wait(until: "probes are answered", of: "app", within: .seconds(20)) {
                let answer = try? await cluster.http("app", .get("/livez"))[0].status
                return Observation(answer == 200, else: "\(answer ?? 0)")
            }
            try await Self.expectAtRest(process, cluster, "a lower limit")
            // No file at all: no client can be answered, and no loop spins.
            try Self.set(process, files: 8)
            _ = Self.crowd(1, at: app.endpoint)
            let late = Self.crowd(20, at: app.endpoint)
            try await cluster.wait(untilLogOf: "app", says: "no new connection can be accepted: Too many open files")
            try await Self.expectAtRest(process, cluster, "no file at all")
            let log = try await cluster.log(of: "app")
            #expect(log.ranges(of: "no new connection can be accepted").count <= 2, "\(log)")
            try Self.set(process, files: 1024)
            try await cluster.wait(until: "it serves again", of: "app", within: .seconds(20)) {
                let answer = try? await cluster.http("app", .get("/v1/keys"))[0].status
                return Observation(answer == 200, else: "\(answer ?? 0)")
            }
            #expect(crowd.count == 400 && more.count == 20 && late.count == 20)
        }
    }

    @Test("the sidecar answers probes, uses no processor, and goes on once there is room")
    func sidecar() async throws {
        let endpoint = Endpoint(port: try Loopback.freePorts(1)[0])
        let node = try Self.limited(try SidecarProgramTests.sidecar(at: endpoint), to: 48)
        try await withLocalCluster(ClusterSpec([node])) { cluster in
            try await cluster.wait(untilLogOf: "sidecar", says: "listening on")
            let process = try await cluster.processIdentifier(of: "sidecar")
            let crowd = Self.crowd(200, at: endpoint)
            for path in ["/livez", "/metrics", "/status"] {
                #expect(try await cluster.http("sidecar", .get(path))[0].status == 200, "\(path)")
            }
            try await Self.expectAtRest(process, cluster, "a crowd")
            try Self.set(process, files: 8)
            let late = Self.crowd(20, at: endpoint)
            try await cluster.wait(
                untilLogOf: "sidecar", says: "no new connection can be accepted: Too many open files")
            try await Self.expectAtRest(process, cluster, "no file at all")
            #expect(
                try await cluster.log(of: "sidecar").ranges(of: "no new connection can be accepted").count == 1)
            try Self.set(process, files: 1024)
            try await cluster.wait(until: "it answers again", of: "sidecar", within: .seconds(20)) {
                let answer = try? await cluster.http("sidecar", .get("/livez"))[0].status
                return Observation(answer == 200, else: "\(answer ?? 0)")
            }
            #expect(crowd.count == 200 && late.count == 20)
        }
    }
}
