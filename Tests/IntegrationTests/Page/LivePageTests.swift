import Glibc
import LocalTopology
import Synchronization
import SystemPackage
import Testing

@Suite("The live page")
struct LivePageTests {
    /// What the visitor, which knows when it is the time, has done to the servers.
    private typealias Favor = @Sendable (LocalCluster) async throws -> Void

    @Test("in a browser: sets, gets, tells verdicts, and shows a replica's death within two seconds")
    func inABrowser() async throws {
        let system = try KeyValueCluster(apps: 3)
        let killed = Mutex(0.0)
        let log = try await visit(
            system, tour: "whole",
            [
                "kill the first replica": { cluster in
                    killed.withLock { $0 = now() }
                    try await cluster.kill("replica-1")
                },
                "start the first replica": { try await $0.start("replica-1") },
            ]
        ) { cluster in
            try await cluster.wait(until: "no stream is left", of: "app-1") {
                let topology = try await cluster.http("app-1", .get("/v1/topology"))[0].text
                return Observation(topology.contains(#""streams":0}"#), else: topology)
            }
        }
        let seen = try #require(log.time(of: "away:"))
        let delay = seen - killed.withLock { $0 }
        print("the page showed the replica's death after \(Int(delay * 1000)) ms")
        #expect(delay < 2)
    }

    @Test("says that a wrong token is wrong, and keeps the right one for its tab alone")
    func token() async throws {
        let system = try KeyValueCluster(apps: 1)
        let token = "t0ken-of-the-test"
        let log = try await visit(system, tour: "token", appEnvironment: ["API_TOKEN": token], token: token)
        #expect(log.contains("This token is wrong: the app refused it. "))
    }

    @Test("tells the truth in trouble: a dead replica, a stray master, no master, no server, no app")
    func trouble() async throws {
        let system = try KeyValueCluster(apps: 1)
        let master = system.master.endpoint
        _ = try await visit(
            system, tour: "trouble",
            [
                "start the last replica": { try await $0.start("replica-2") },
                "make the last replica a stray master": { cluster in
                    _ = try await cluster.redis("replica-2", "REPLICAOF", "NO", "ONE")
                },
                "make the last replica a replica again": { cluster in
                    _ = try await cluster.redis("replica-2", "REPLICAOF", master.host, "\(master.port)")
                },
                "kill the master": { try await $0.kill("master") },
                "kill the replicas": { cluster in
                    for name in ["replica-1", "replica-2"] { try await cluster.kill(name) }
                },
                "kill the app": { try await $0.kill("app-1") },
                "start all": { cluster in
                    for name in ["master", "replica-1", "replica-2", "app-1"] { try await cluster.start(name) }
                },
            ],
            before: { cluster in
                try await cluster.wait(until: "the app has heard of every replica", of: "app-1") {
                    let topology = try await cluster.http("app-1", .get("/v1/topology"))[0].text
                    return Observation(topology.ranges(of: #""link":"up""#).count == 2, else: topology)
                }
                try await cluster.kill("replica-2")
            })
    }

    @Test("says which node leads, that writes wait while none does, and what a change cost")
    func leader() async throws {
        let system = try KeyValueCluster(apps: 1)
        let nodes = [system.master.endpoint] + system.replicas.map(\.endpoint)
        let first = nodes[1]
        _ = try await visit(
            system, tour: "leader",
            [
                "kill the leader": { try await $0.kill("master") },
                "promote the first replica": { cluster in
                    _ = try await cluster.redis("replica-1", "REPLICAOF", "NO", "ONE")
                    _ = try await cluster.redis("replica-2", "REPLICAOF", first.host, "\(first.port)")
                },
            ],
            appEnvironment: [
                "REDIS_NODES": nodes.map { "\($0)" }.joined(separator: ","), "WRITE_HOLD_MILLISECONDS": "60000",
            ])
    }

    @Test("says that Sentinel decides, what each Sentinel says, and that one is silent")
    func sentinel() async throws {
        let system = try KeyValueCluster(apps: 1)
        let endpoint = Endpoint(host: "127.0.0.20", port: try Loopback.freePorts(1, host: "127.0.0.20")[0])
        let sentinel = NodeSpec.sentinel(
            "sentinel", server: try Harness.redisServer, at: endpoint, watching: system.master.endpoint, as: "kv",
            quorum: 1)
        _ = try await visit(
            system, tour: "sentinel", ["kill the Sentinel": { try await $0.kill("sentinel") }],
            appEnvironment: ["REDIS_SENTINEL_HOST": "\(endpoint)", "REDIS_SENTINEL_MASTER_NAME": "kv"],
            beside: [sentinel])
    }

    @Test("works below a prefix, behind nginx that compresses and buffers, with keys that are no good paths")
    func behindNginx() async throws {
        let system = try KeyValueCluster(apps: 1)
        let proxy = try Self.nginx(before: system.apps[0].endpoint)
        let url = "http://\(proxy.endpoint)/kv/"
        let log = try await visit(system, tour: "keys", at: url, beside: [proxy])
        #expect(log.contains("stored: "))
    }

    @Test("has room for four replicas and for nine, wide and narrow", arguments: [4, 9])
    func manyReplicas(count: Int) async throws {
        _ = try await visit(try KeyValueCluster(replicas: count, apps: 1), tour: "many")
    }

    /// nginx as many have it: what begins with /kv/ is the app's, compressed and buffered.
    private static func nginx(before app: Endpoint) throws -> NodeSpec {
        let endpoint = Endpoint(port: try Loopback.freePorts(1)[0])
        // The node's configuration is always called redis.conf; paths begin in the node's folder.
        let lines =
            (geteuid() == 0 ? ["user root;"] : []) + [
                "daemon off; worker_processes 1; pid nginx.pid; error_log stderr;",
                "events { worker_connections 64; }",
                "http {",
                "access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;",
                "uwsgi_temp_path uwsgi; scgi_temp_path scgi;",
                "gzip on; gzip_min_length 1; gzip_types *; gzip_proxied any; proxy_buffering on;",
                "server { listen \(endpoint); location /kv/ { proxy_pass http://\(app)/; } }",
                "}",
            ]
        return NodeSpec(
            name: "nginx", executable: try Programs.installed("nginx", package: "nginx-light"),
            arguments: ["-p", "{directory}/", "-c", "redis.conf"], configuration: .lines(lines), endpoint: endpoint,
            readiness: .http(path: "/kv/livez"), isRedis: false)
    }

    /// Starts the system, has the visitor look at its page, and does what the visitor asks for.
    ///
    /// - Parameters:
    ///   - favors: by what the visitor says after "please: ".
    ///   - before: done when all is up, before the visitor comes.
    ///   - after: done when the visitor has gone.
    /// - Returns: all that the visitor said.
    private func visit(
        _ system: KeyValueCluster, tour: String, at url: String? = nil, _ favors: [String: Favor] = [:],
        appEnvironment: [String: String] = [:], token: String? = nil, beside others: [NodeSpec] = [],
        before: Favor = { _ in }, after: Favor = { _ in }
    ) async throws -> String {
        var apps = system.apps
        for index in apps.indices { apps[index].environment.merge(appEnvironment) { $1 } }
        // Sentinels before the apps, and a proxy after them.
        let servers =
            [system.master] + system.replicas + others.filter(\.isRedis) + apps + others.filter { !$0.isRedis }
        let visitor = try Self.visitor(of: system, tour: tour, at: url, token: token)
        return try await withLocalCluster(ClusterSpec(servers + [visitor]), starts: false) { cluster in
            for node in servers { try await cluster.start(node.name) }
            try await cluster.wait(untilReplicasOf: "master", are: system.replicas.count)
            try await before(cluster)
            try await cluster.start("visitor")
            var done: Set<String> = []
            while let favor = try await cluster.nextFavor(after: done) {
                let perform = try #require(favors[favor], "the visitor asks for \(favor)")
                try await perform(cluster)
                done.insert(favor)
            }
            let log = try await cluster.log(of: "visitor")
            #expect(await cluster.hasEndedWell("visitor"), "\(log)")
            #expect(done.count == favors.count, "\(log)")
            try await after(cluster)
            return log
        }
    }

    /// The page's visitor, a Python program with a browser, as a process of the cluster.
    private static func visitor(
        of system: KeyValueCluster, tour: String, at url: String?, token: String?
    ) throws -> NodeSpec {
        // The folder that the package is in.
        let repository = FilePath(#filePath).removingLastComponents(4)
        let python = repository.appending(".build-tools/venv/bin/python")
        try #require(Harness.exists(python.string), "run: scripts/install-dependencies test")
        try #require(Harness.exists("/usr/bin/chromium"), "run: scripts/install-dependencies test")
        var environment = ["HOME": "{directory}", "TMPDIR": "{directory}", "PYTHONDONTWRITEBYTECODE": "1"]
        if let images = getenv("LIVE_PAGE_IMAGES") { environment["LIVE_PAGE_IMAGES"] = String(cString: images) }
        environment["LIVE_PAGE_TOKEN"] = token
        let endpoint = system.apps[0].endpoint
        return NodeSpec(
            name: "visitor", executable: python,
            arguments: [
                repository.appending("scripts/live_page_check.py").string, tour, url ?? "http://\(endpoint)/",
                "\(system.apps.count)",
            ] + ([system.master] + system.replicas).map(\.endpoint.description),
            environment: environment, endpoint: endpoint, readiness: .running, isRedis: false)
    }
}

/// Seconds since 1970.
private func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

extension LocalCluster {
    /// What the visitor asks for next; `nil` once it has gone.
    fileprivate nonisolated func nextFavor(after done: Set<String>) async throws -> String? {
        let found = Mutex<String?>(nil)
        try await wait(until: "the visitor asks for something, or goes", within: .seconds(180)) {
            let favor = try await self.log(of: "visitor").favors.first { !done.contains($0) }
            found.withLock { $0 = favor }
            return Observation(
                await self.isRunning("visitor") == false || favor != nil, else: try await self.log(of: "visitor"))
        }
        return found.withLock { $0 }
    }

    fileprivate nonisolated func hasEndedWell(_ name: String) async -> Bool {
        (try? await waitUntilEnded(name)) == .exited(code: 0)
    }
}

extension String {
    /// What the visitor asked for, in this order.
    fileprivate var favors: [String] {
        split(separator: "\n").compactMap { line in
            line.firstRange(of: " please: ").map { String(line[$0.upperBound...]) }
        }
    }

    /// When the visitor wrote the line that begins so, in seconds since 1970.
    fileprivate func time(of line: String) -> Double? {
        for seen in split(separator: "\n") {
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
