import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

@Suite("The sidecar's HTTP")
struct SidecarHTTPTests {
    @Test("every path takes its methods, and refuses others with the list")
    func routes() async throws {
        let table: [(method: String, path: String, status: Int, allow: String?)] = [
            ("GET", "/livez", 200, nil), ("HEAD", "/livez", 200, nil), ("GET", "/livez?probe=1", 200, nil),
            ("GET", "/readyz", 503, nil), ("HEAD", "/readyz", 503, nil), ("GET", "/status", 200, nil),
            ("HEAD", "/status", 200, nil), ("GET", "/metrics", 200, nil), ("HEAD", "/metrics", 200, nil),
            ("POST", "/v1/confirm", 403, nil), ("GET", "/v1/confirm", 405, "POST"), ("PUT", "/v1/confirm", 405, "POST"),
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
            let requests = ["/livez", "/readyz", "/nowhere"].map { "GET \($0) HTTP/1.1\r\nHost: localhost\r\n\r\n" }
                .joined()
            let last = "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            let transcript = try await LoopbackHTTP.transcript(of: Array((requests + last).utf8), with: endpoint)
            let statuses = transcript.split(separator: "HTTP/1.1 ").map { String($0.prefix(3)) }
            #expect(statuses == ["200", "503", "404", "200"])
            #expect(transcript.split(separator: "\r\n").count { $0.lowercased() == "connection: close" } == 1)
            let early = try await LoopbackHTTP.transcript(of: Array("GET /livez HTTP/1.0\r\n\r\n".utf8), with: endpoint)
            #expect(early.hasPrefix("HTTP/1.0 200 ") && early.lowercased().contains("\r\nconnection: close\r\n"))
        }
    }

    @Test("malformed requests are refused, and harm no other client")
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

    @Test("requests are answered no faster than the client takes the answers", arguments: ["/metrics", "/status"])
    func unread(path: String) async throws {
        try await withSidecar { cluster, endpoint in
            let process = try await cluster.processIdentifier(of: "sidecar")
            let before = try ClientMemoryTests.mebibytes("VmRSS", of: process)
            var sockets: [LoadSocket] = []
            for _ in 0..<20 {
                let socket = try LoadSocket(to: endpoint)
                var requests = Array(String(repeating: "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n", count: 1000).utf8)
                try socket.send(&requests)
                sockets.append(socket)
            }
            // Answered in turns of the event loop: those that come now are answered behind all of them.
            let probe = LoopbackHTTP.Request.get("/livez")
            for _ in 0..<20 {
                #expect(try await cluster.http("sidecar", probe, timeout: .seconds(20))[0].status == 200)
            }
            sockets.removeAll()
            #expect(try await cluster.http("sidecar", probe, timeout: .seconds(20))[0].status == 200)
            // 100 kB a connection.
            let peak = try ClientMemoryTests.mebibytes("VmHWM", of: process)
            #expect(peak < before + 24, "\(before) MiB before, \(peak) MiB at the most")
        }
    }

    @Test("connections that a client leaves open keep no other client out")
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

    @Test("over TCP a confirmation is taken with the token alone, also from loopback, and from no page")
    func confirmation() async throws {
        let scratch = try Scratch()
        let token = "0123456789abcdef"
        let file = try scratch.write("token", "\(token)\n".utf8)
        func confirm(_ headers: String...) -> LoopbackHTTP.Request {
            .init("POST", "/v1/confirm", headers: headers)
        }
        let right = "Authorization: Bearer \(token)"
        let page = "Origin: http://localhost:9121"
        // What a proxy adds says nothing of who sends it.
        let proxied = "X-Forwarded-For: 127.0.0.1"
        let table: [(token: String?, request: LoopbackHTTP.Request, status: Int, code: String)] = [
            (nil, confirm(), 403, "no-token"), (nil, confirm(right), 403, "no-token"),
            (nil, confirm(proxied), 403, "no-token"),
            (file, confirm(right, "Sec-Fetch-Site: cross-site"), 403, "not-from-a-page"),
            (file, confirm(), 401, "unauthorized"),
            (file, confirm("Authorization: Bearer \(token)0"), 401, "unauthorized"),
            (file, confirm("Authorization: Bearer \(token.dropLast())"), 401, "unauthorized"),
            (file, confirm("Authorization: Basic \(token)"), 401, "unauthorized"),
            (file, confirm(right), 409, "nothing-held"), (file, confirm(right, page), 403, "not-from-a-page"),
            (nil, confirm(page), 403, "not-from-a-page"),
        ]
        for given in [nil, file] {
            let endpoint = Endpoint(port: try Loopback.freePorts(1)[0])
            var node = try SidecarProgramTests.sidecar(at: endpoint)
            node.environment["SIDECAR_TOKEN_FILE"] = given
            try await withLocalCluster(ClusterSpec([node])) { cluster in
                try await cluster.wait(untilLogOf: "sidecar", says: "listening on")
                for row in table where row.token == given {
                    let answer = try await cluster.http("sidecar", row.request)[0]
                    #expect(answer.status == row.status, "\(row.request): \(answer.text)")
                    #expect(answer.text.contains(#""code": "\#(row.code)""#), "\(answer.text)")
                    #expect((answer.header("WWW-Authenticate") == "Bearer") == (row.status == 401))
                    #expect(!answer.text.contains(token))
                }
                #expect(!(try await cluster.log(of: "sidecar").contains(token)))
            }
        }
        for text in ["short", "with a space in it", ""] {
            let run = try ProgramRun(
                [], of: "redis-replica-sidecar",
                environment: ["SIDECAR_TOKEN_FILE": try scratch.write("bad", text.utf8), "SIDECAR_PORT": "0"])
            #expect(run.ending == .exited(78) && run.output.contains("16 to 4096"), "\(run.output)")
        }
    }

    @Test("with a token, addresses are shown only to clients that send it, with the same status")
    func detail() async throws {
        let scratch = try Scratch()
        let token = "0123456789abcdef"
        let endpoint = Endpoint(port: try Loopback.freePorts(1)[0])
        var node = try SidecarProgramTests.sidecar(at: endpoint)
        node.environment["SIDECAR_TOKEN_FILE"] = try scratch.write("token", "\(token)\n".utf8)
        let right = "Authorization: Bearer \(token)"
        try await withLocalCluster(ClusterSpec([node])) { cluster in
            try await cluster.wait(until: "the server is away", of: "sidecar") {
                let answer = try await cluster.http("sidecar", .init("GET", "/status", headers: [right]))[0]
                return Observation(answer.text.contains(#""state": "server-away""#), else: answer.text)
            }
            for shown in [[], ["Authorization: Bearer \(token)0"], [right]] {
                let ready = try await cluster.http("sidecar", .init("GET", "/readyz", headers: shown))[0]
                let status = try await cluster.http("sidecar", .init("GET", "/status", headers: shown))[0]
                #expect(ready.status == 503 && status.status == 200)
                let isDetailed = shown == [right]
                #expect((ready.text == "not ready\n") == !isDetailed, "\(ready.text)")
                #expect(status.text.contains("configured_master") == isDetailed, "\(status.text)")
                #expect((ready.text + status.text).contains("127.0.0.1") == isDetailed, "\(ready.text)\(status.text)")
                #expect(status.text.contains(#""state": "server-away""#) && status.text.contains(#""ready": false"#))
            }
            for path in ["/status", "/readyz", "/livez"] {
                for second in [right, "authorization: Bearer wrong"] {
                    let answer = try await cluster.http("sidecar", .init("GET", path, headers: [right, second]))[0]
                    #expect(answer.status == 400 && answer.text.contains("several-authorizations"), "\(answer.text)")
                }
            }
        }
    }

    @Test("without a token, on loopback, it answers to its own names alone")
    func hosts() async throws {
        func status(_ endpoint: Endpoint, _ host: String, _ path: String = "/status") async throws -> String {
            let wire = "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n"
            return String(try await LoopbackHTTP.transcript(of: Array(wire.utf8), with: endpoint).prefix(12))
        }
        try await withSidecar { _, endpoint in
            let port = endpoint.port
            for host in ["rebound.example:\(port)", "127.0.0.1.nip.io", "localhost..", "[::2]", ""] {
                let answers = [try await status(endpoint, host), try await status(endpoint, host, "/readyz")]
                #expect(answers == ["HTTP/1.1 403", "HTTP/1.1 403"], "\(host)")
            }
            for (host, path) in [
                ("localhost", "/status"), ("127.0.0.1:\(port)", "/status"), ("[::1]", "/status"),
                ("LOCALHOST:1", "/status"), ("localhost.", "/status"),
                ("localhost", "http://localhost:\(port)/livez"), ("localhost", "http://rebound.example/livez"),
            ] {
                let answer = try await status(endpoint, host, path)
                // The sidecar has no use for targets in absolute form.
                let isAllowed = !path.contains("rebound")
                #expect((answer == "HTTP/1.1 403") != isAllowed, "\(host) \(path): \(answer)")
            }
            let old = try await LoopbackHTTP.transcript(of: Array("GET /livez HTTP/1.0\r\n\r\n".utf8), with: endpoint)
            #expect(old.hasPrefix("HTTP/1.0 200"))
        }
        for (allowed, answer) in [("kv.example", "HTTP/1.1 200"), ("*", "HTTP/1.1 200"), ("other", "HTTP/1.1 403")] {
            let endpoint = Endpoint(port: try Loopback.freePorts(1)[0])
            var node = try SidecarProgramTests.sidecar(at: endpoint)
            node.environment["SIDECAR_ALLOWED_HOSTS"] = allowed
            try await withLocalCluster(ClusterSpec([node])) { cluster in
                try await cluster.wait(untilLogOf: "sidecar", says: "listening on")
                let got = try await status(endpoint, "kv.example:80")
                #expect(got == answer, "\(allowed)")
            }
        }
        let wrong = try ProgramRun(
            [], of: "redis-replica-sidecar", environment: ["SIDECAR_ALLOWED_HOSTS": "a:1", "SIDECAR_PORT": "0"])
        #expect(wrong.ending == .exited(78) && wrong.output.contains("without a port"), "\(wrong.output)")
    }

    @Test("the subcommand confirms over the socket, which its own user alone can open")
    func subcommand() async throws {
        let scratch = try Scratch()
        let socket = scratch["sidecar.sock"]
        @Sendable func confirm(_ environment: [String: String], _ arguments: [String] = []) throws -> ProgramRun {
            try ProgramRun(["confirm"] + arguments, of: "redis-replica-sidecar", environment: environment)
        }
        let alone = try confirm(["SIDECAR_SOCKET": socket])
        #expect(alone.ending == .exited(69))
        #expect(alone.output.contains("no sidecar answers on the socket '\(socket)'"), "\(alone.output)")
        let long = try confirm([:], ["--sidecar-socket", "/\(String(repeating: "x", count: 200))"])
        #expect(long.ending == .exited(69) && long.output.contains("longer than the 107 bytes"), "\(long.output)")
        let endpoint = Endpoint(port: try Loopback.freePorts(1)[0])
        var node = try SidecarProgramTests.sidecar(at: endpoint)
        node.environment["SIDECAR_SOCKET"] = socket
        try await withLocalCluster(ClusterSpec([node])) { cluster in
            try await cluster.wait(untilLogOf: "sidecar", says: "listening on")
            #expect(scratch.mode(of: "sidecar.sock").map { $0 & 0o777 } == 0o600)
            let nothing = try confirm(["SIDECAR_SOCKET": socket])
            #expect(nothing.ending == .exited(1) && nothing.output.contains("nothing-held"), "\(nothing.output)")
            // By the record's place, as in a pod.
            let beside = try confirm(["REDIS_MASTER_RECORD_FILE": scratch["master-record"]])
            #expect(beside.ending == .exited(1), "\(beside.output)")
            // What a killed one has left is no obstacle to the next; one that lives is.
            try await cluster.kill("sidecar")
            try await cluster.start("sidecar")
            try await cluster.wait(until: "it confirms again", of: "sidecar") {
                let run = try confirm(["SIDECAR_SOCKET": socket])
                return Observation(run.ending == .exited(1), else: run.output)
            }
            var other = node
            other.endpoint = Endpoint(port: try Loopback.freePorts(1)[0])
            other.environment["SIDECAR_PORT"] = "\(other.endpoint.port)"
            try await withLocalCluster(ClusterSpec([other])) { second in
                try await second.wait(untilLogOf: "sidecar", says: "another process listens on the socket")
                try await second.wait(untilServed: .get("/livez"), by: "sidecar")
            }
            #expect(try confirm(["SIDECAR_SOCKET": socket]).ending == .exited(1), "the first one still listens")
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
                // Valkey and redict say besides which Redis they are like.
                let isFork = server.isValkey || path.contains("redict")
                #expect(
                    isFork
                        ? info.labels["redis_version"] != nil : info.labels["redis_version"]?.hasPrefix(version) == true
                )
                #expect(!server.isValkey || info.labels["valkey_version"]?.hasPrefix(version) == true)
                #expect(info.labels["maxmemory_policy"] == "noeviction" && info.labels["redis_build_id"] != nil)
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
