import Glibc
import LocalTopology
import SystemPackage
import Testing

@Suite("The live page")
struct LivePageTests {
    /// The folder that the package is in.
    private static let repository = FilePath(#filePath).removingLastComponents(4)

    /// The page's visitor, a Python program with a browser, as a process of the cluster.
    private func visitor(of system: KeyValueCluster, token: String? = nil) throws -> NodeSpec {
        let python = Self.repository.appending(".build-tools/venv/bin/python")
        try #require(Harness.exists(python.string), "run: scripts/install-dependencies test")
        try #require(Harness.exists("/usr/bin/chromium"), "run: scripts/install-dependencies test")
        var environment = ["HOME": "{directory}", "TMPDIR": "{directory}", "PYTHONDONTWRITEBYTECODE": "1"]
        if let images = getenv("LIVE_PAGE_IMAGES") { environment["LIVE_PAGE_IMAGES"] = String(cString: images) }
        environment["LIVE_PAGE_TOKEN"] = token
        let endpoint = system.apps[0].endpoint
        return NodeSpec(
            name: "visitor", executable: python,
            arguments: [
                Self.repository.appending("scripts/live_page_check.py").string, "http://\(endpoint)/",
                "\(system.apps.count)",
            ] + ([system.master] + system.replicas).map(\.endpoint.description),
            environment: environment, endpoint: endpoint, readiness: .running, isRedis: false)
    }

    @Test("in a browser: sets, gets, tells verdicts, and shows a replica's death within two seconds")
    func inABrowser() async throws {
        let system = try KeyValueCluster(apps: 3)
        let visitor = try visitor(of: system)
        try await withLocalCluster(ClusterSpec(system.spec.nodes + [visitor]), starts: false) { cluster in
            for node in system.spec.nodes { try await cluster.start(node.name) }
            try await cluster.wait(untilReplicasOf: "master", are: 2)
            try await cluster.start("visitor")

            try await cluster.wait(until: "the visitor is ready", of: "visitor", within: .seconds(90)) {
                Observation(try await cluster.time(of: "ready for the death") != nil, else: "not yet")
            }
            let killed = Self.now
            try await cluster.kill("replica-1")
            try await cluster.wait(until: "the page shows it", of: "visitor", within: .seconds(25)) {
                Observation(try await cluster.time(of: "away:") != nil, else: "not yet")
            }
            let seen = try #require(try await cluster.time(of: "away:"))
            print("the page showed the replica's death after \(Int((seen - killed) * 1000)) ms")
            #expect(seen - killed < 2)

            try await cluster.start("replica-1")
            let ending = try await cluster.waitUntilEnded("visitor", within: .seconds(180))
            let log = try await cluster.log(of: "visitor")
            #expect(ending == .exited(code: 0), "\(log)")
            #expect(try await cluster.time(of: "done") != nil)
            try await cluster.wait(until: "no stream is left", of: "app-1") {
                let topology = try await cluster.http("app-1", .get("/v1/topology"))[0].text
                return Observation(topology.contains(#""streams":0}"#), else: topology)
            }
        }
    }

    @Test("asks for the token that the app asks for, and keeps it nowhere but in memory")
    func token() async throws {
        let system = try KeyValueCluster(apps: 1)
        var app = system.apps[0]
        app.environment["API_TOKEN"] = "t0ken-of-the-test"
        let visitor = try visitor(of: system, token: "t0ken-of-the-test")
        let servers = [system.master] + system.replicas + [app]
        try await withLocalCluster(ClusterSpec(servers + [visitor]), starts: false) { cluster in
            for node in servers { try await cluster.start(node.name) }
            try await cluster.wait(untilReplicasOf: "master", are: 2)
            try await cluster.start("visitor")
            let ending = try await cluster.waitUntilEnded("visitor", within: .seconds(90))
            let log = try await cluster.log(of: "visitor")
            #expect(ending == .exited(code: 0), "\(log)")
        }
    }

    /// Seconds since 1970.
    private static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

extension LocalCluster {
    /// When the visitor wrote the line that begins so, in seconds since 1970.
    fileprivate nonisolated func time(of line: String) async throws -> Double? {
        for seen in try await log(of: "visitor").split(separator: "\n") {
            let parts = seen.split(separator: " ", maxSplits: 1)
            if parts.count == 2, parts[1].hasPrefix(line) { return Double(parts[0]) }
        }
        return nil
    }
}

extension FilePath {
    fileprivate func removingLastComponents(_ count: Int) -> FilePath {
        (0..<count).reduce(self) { path, _ in path.removingLastComponent() }
    }
}
