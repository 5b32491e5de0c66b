import Hiredis
import LocalTopology
import SystemPackage
import Testing

@Suite("The sidecar's HTTP")
struct SidecarHTTPTests {
    @Test("every path takes its methods, and others are told which")
    func routes() async throws {
        let table: [(method: String, path: String, status: Int, allow: String?)] = [
            ("GET", "/livez", 200, nil), ("HEAD", "/livez", 200, nil), ("GET", "/livez?probe=1", 200, nil),
            ("GET", "/readyz", 503, nil), ("HEAD", "/readyz", 503, nil), ("GET", "/status", 200, nil),
            ("HEAD", "/status", 200, nil), ("GET", "/metrics", 200, nil), ("HEAD", "/metrics", 200, nil),
            ("POST", "/v1/confirm", 409, nil), ("GET", "/v1/confirm", 405, "POST"), ("PUT", "/v1/confirm", 405, "POST"),
            ("POST", "/livez", 405, "GET, HEAD"), ("DELETE", "/readyz", 405, "GET, HEAD"),
            ("OPTIONS", "/status", 405, "GET, HEAD"), ("PUT", "/metrics", 405, "GET, HEAD"), ("GET", "/", 404, nil),
            ("GET", "/livez/", 404, nil), ("POST", "/v1/confirm/", 404, nil), ("GET", "/LIVEZ", 404, nil),
        ]
        try await withSidecar { cluster, endpoint in
            // All over one connection.
            let session = try await LoopbackHTTP.Session(with: endpoint)
            for row in table {
                let body = row.method == "POST" ? Array("a body that no route has a use for".utf8) : []
                let answer = try await session.ask(.init(row.method, row.path, body: body))
                let what = "\(row.method) \(row.path): \(answer.text)"
                #expect(answer.status == row.status, "\(what)")
                #expect(answer.header("Allow") == row.allow, "\(what)")
                #expect(answer.header("Cache-Control") == "no-store")
                #expect(answer.header("Connection") == nil)
                let length = try #require(answer.header("Content-Length").flatMap { Int($0) })
                #expect(length > 0)
                #expect(answer.body.count == (row.method == "HEAD" ? 0 : length), "\(what)")
                let isProblem = answer.header("Content-Type") == "application/problem+json"
                #expect(isProblem == [403, 404, 405, 409].contains(row.status), "\(what)")
                if isProblem { #expect(answer.text.contains(#""status": \#(row.status)"#)) }
            }
            let readiness = try await session.ask(.get("/readyz"))
            #expect(readiness.text.hasPrefix("not ready: the local server ") && readiness.text.hasSuffix("\n"))
        }
    }

    @Test("requests that come in one piece are answered in their order, and the last closes")
    func pipelining() async throws {
        try await withSidecar { _, endpoint in
            let requests = ["/livez", "/readyz", "/nowhere"].map { "GET \($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined()
            let last = "GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            let transcript = try await LoopbackHTTP.transcript(of: Array((requests + last).utf8), with: endpoint)
            let statuses = transcript.split(separator: "HTTP/1.1 ").map { String($0.prefix(3)) }
            #expect(statuses == ["200", "503", "404", "200"])
            #expect(transcript.split(separator: "\r\n").count { $0.lowercased() == "connection: close" } == 1)
            let early = try await LoopbackHTTP.transcript(of: Array("GET /livez HTTP/1.0\r\n\r\n".utf8), with: endpoint)
            #expect(early.hasPrefix("HTTP/1.0 200 ") && early.lowercased().contains("\r\nconnection: close\r\n"))
        }
    }

    @Test("what is no request is refused, and harms nobody")
    func garbage() async throws {
        let garbage: [[UInt8]] = [
            Array("nonsense\r\n\r\n".utf8), Array("GET /livez HTTP/9.9\r\n\r\n".utf8), (0...255).map { $0 },
            Array("GET \(String(repeating: "x", count: 200_000))".utf8),
            Array("POST /v1/confirm HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".utf8),
            Array("GET /livez HTTP/1.1\r\n\(String(repeating: "a: b\r\n", count: 20_000))\r\n".utf8),
        ]
        try await withSidecar { cluster, endpoint in
            for bytes in garbage {
                let transcript = try? await LoopbackHTTP.transcript(of: bytes, with: endpoint)
                #expect(
                    transcript?.isEmpty ?? true || transcript?.hasPrefix("HTTP/1.1 400 ") ?? true, "\(transcript ?? "")"
                )
                let live = try await cluster.http("sidecar", .get("/livez"))[0]
                #expect(live.status == 200)
            }
        }
    }

    @Test("connections that somebody leaves open keep nobody out")
    func crowd() async throws {
        try await withSidecar { cluster, endpoint in
            let busy = try await LoopbackHTTP.Session(with: endpoint)
            #expect(try await busy.ask(.get("/livez")).status == 200)
            var crowd: [LoopbackHTTP.Session] = []
            for _ in 0..<200 {
                crowd.append(try await LoopbackHTTP.Session(with: endpoint))
                #expect(try await busy.ask(.get("/livez")).status == 200, "one that asks is kept")
            }
            #expect(try await cluster.http("sidecar", .get("/livez"))[0].status == 200)
            let metrics = try Exposition(try await cluster.http("sidecar", .get("/metrics"))[0].text)
            #expect(try #require(metrics.value("process_open_fds")) < 100)
            #expect(try await crowd[199].ask(.get("/livez")).status == 200)
            await #expect(throws: (any Error).self, "the first gave way") { try await crowd[0].ask(.get("/livez")) }
        }
    }

    @Test("a confirmation is taken from loopback, and from no page")
    func confirmation() async throws {
        try await withTestNetwork { network in
            let host = try await network.addHost("pod")
            let other = try await network.addHost("other")
            var node = try SidecarProgramTests.sidecar(at: host.endpoint(9121)).running(on: host)
            // On all interfaces, IPv6 included.
            node.environment["SIDECAR_HOST"] = nil
            let confirm = LoopbackHTTP.Request("POST", "/v1/confirm")
            let page = LoopbackHTTP.Request("POST", "/v1/confirm", headers: ["Origin: http://localhost:9121"])
            let loopback = Endpoint(host: "127.0.0.1", port: 9121)
            let table = [
                (confirm, loopback, host, 409, "nothing-held"), (page, loopback, host, 403, "not-from-here"),
                (confirm, host.endpoint(9121), host, 403, "not-from-here"),
                (confirm, host.endpoint(9121), other, 403, "not-from-here"),
            ]
            try await withLocalCluster(ClusterSpec([node])) { cluster in
                try await cluster.wait(untilLogOf: "sidecar", says: "listening on ::")
                for (request, endpoint, place, status, code) in table {
                    let answer = try await LoopbackHTTP.exchange([request], with: endpoint, from: place.namespace)[0]
                    #expect(answer.status == status, "\(answer.text)")
                    #expect(answer.text.contains(#""code": "\#(code)""#), "\(answer.text)")
                }
                // Everything else is served to everybody.
                let live = try await LoopbackHTTP.exchange(
                    [.get("/livez")], with: host.endpoint(9121), from: other.namespace)
                #expect(live[0].status == 200)
            }
        }
    }

    @Test(
        "/metrics are well-formed, by redis_exporter's names, and tell a server that is away",
        arguments: RedisServer.paths)
    func metrics(path: String) async throws {
        let server = try RedisServer(path)
        let ports = try Loopback.freePorts(4)
        let endpoints = [Endpoint(port: ports[0]), Endpoint(host: "127.0.0.2", port: ports[1])]
        var nodes: [NodeSpec] = []
        for (index, name) in ["master", "replica"].enumerated() {
            var node = NodeSpec.redis(
                name, server: .init(path), at: endpoints[index], replicaOf: index == 0 ? nil : endpoints[0])
            node.isRedis = path.hasPrefix("/usr/")
            var sidecar = try SidecarProgramTests.sidecar(at: Endpoint(port: ports[2 + index]))
            sidecar.name = "\(name)-sidecar"
            sidecar.environment["SIDECAR_REDIS"] = "\(endpoints[index])"
            sidecar.environment["REDIS_REPLICATION_MODE"] = name
            sidecar.environment["REDIS_MASTER_SERVICE_HOST"] = endpoints[0].host
            sidecar.environment["REDIS_MASTER_SERVICE_PORT"] = "\(endpoints[0].port)"
            nodes += [node, sidecar]
        }
        try await withLocalCluster(ClusterSpec(nodes)) { cluster in
            @Sendable func metrics(of name: String) async throws -> Exposition {
                try Exposition(try await cluster.http("\(name)-sidecar", .get("/metrics"))[0].text)
            }
            _ = try await cluster.redis("master", "SET", "k", "v", "EX", "1000")
            _ = try await cluster.redis("master", "SET", "l", "v")
            try await cluster.wait(untilStatusOf: "replica-sidecar", says: #""state": "in-step""#)
            try await cluster.wait(until: "both keys are seen, and acknowledged") {
                let seen = [
                    try await metrics(of: "master").sum("redis_db_keys"),
                    try await metrics(of: "replica").sum("redis_db_keys"),
                    min(1, try await metrics(of: "master").sum("redis_connected_slave_offset_bytes")),
                ]
                return Observation(seen == [2, 2, 1], else: "\(seen)")
            }
            let master = try await metrics(of: "master")
            let replica = try await metrics(of: "replica")
            for (exposition, role) in [(master, "master"), (replica, "slave")] {
                #expect(exposition.value("redis_up") == 1)
                let version = "\(server.major).\(server.minor)."
                let info = try #require(exposition.samples("redis_instance_info", ["role": role]).first)
                // Valkey says besides which Redis it is like.
                #expect(server.isValkey || info.labels["redis_version"]?.hasPrefix(version) == true)
                for name in [
                    "redis_uptime_in_seconds", "redis_start_time_seconds", "redis_loading_dump_file",
                    "redis_master_repl_offset", "redis_second_repl_offset", "redis_repl_backlog_is_active",
                    "redis_replication_backlog_bytes", "redis_repl_backlog_first_byte_offset",
                    "redis_repl_backlog_history_bytes", "redis_rdb_changes_since_last_save",
                    "redis_rdb_bgsave_in_progress", "redis_rdb_last_save_timestamp_seconds",
                    "redis_rdb_last_bgsave_status", "redis_aof_enabled", "redis_aof_rewrite_in_progress",
                    "redis_aof_last_bgrewrite_status", "redis_aof_last_write_status", "process_resident_memory_bytes",
                ] {
                    #expect(exposition.value(name) != nil, "\(role): \(name)")
                }
                #expect(exposition.value("redis_db_keys_expiring", ["db": "db0"]) == 1)
            }
            let followed = ["master_host": endpoints[0].host, "master_port": "\(endpoints[0].port)"]
            #expect(replica.value("redis_slave_info", followed.merging(["read_only": "1"]) { $1 }) == 1)
            #expect(replica.value("redis_master_link_up", followed) == 1)
            #expect(replica.value("redis_master_sync_in_progress", followed) == 0)
            #expect(try #require(replica.value("redis_master_last_io_seconds_ago", followed)) >= 0)
            #expect(try #require(replica.value("redis_slave_repl_offset", followed)) > 0)
            #expect(replica.value("redis_slave_priority") == 100)
            #expect(replica.value("redis_replica_sidecar_ready") == 1)
            #expect(replica.value("redis_replica_sidecar_state", ["state": "in-step"]) == 1)
            let attached = [
                "slave_ip": endpoints[1].host, "slave_port": "\(endpoints[1].port)", "slave_state": "online",
            ]
            #expect(try #require(master.value("redis_connected_slave_offset_bytes", attached)) > 0)
            #expect(master.value("redis_connected_slave_lag_seconds", attached) != nil)

            try await cluster.kill("master")
            try await cluster.wait(until: "the link is down") {
                let link = try await metrics(of: "replica")
                let isDown =
                    link.value("redis_master_link_up") == 0 && link.value("redis_master_last_io_seconds_ago") == -1
                return Observation(isDown, else: "\(link.samples("redis_master_link_up"))")
            }
            try await cluster.wait(until: "the server is away") {
                let master = try await metrics(of: "master")
                let isAway = master.value("redis_up") == 0 && master.samples("redis_instance_info").isEmpty
                return Observation(isAway, else: "up \(master.value("redis_up") ?? -1)")
            }
        }
    }

    /// A sidecar whose server is not there.
    private func withSidecar(_ body: (LocalCluster, Endpoint) async throws -> Void) async throws {
        let endpoint = Endpoint(port: try Loopback.freePorts(1)[0])
        try await withLocalCluster(ClusterSpec([try SidecarProgramTests.sidecar(at: endpoint)])) { cluster in
            try await cluster.wait(untilLogOf: "sidecar", says: "listening on")
            try await cluster.wait(untilStatusOf: "sidecar", says: #""state": "server-away""#)
            try await body(cluster, endpoint)
        }
    }
}
