import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

/// The metric names that the dashboards and alerts in redis_exporter's contrib folder ask for (oliver006/redis_exporter
/// cd5941f, `contrib/grafana_prometheus_redis_dashboard.json` and `contrib/redis-mixin`), in questions of our own.
@Suite("redis_exporter's dashboards and alerts")
struct ExporterMetricsTests {
    /// Names with the type that redis_exporter gives them, and the label that its dashboards sum by.
    private static let names: [(name: String, kind: String, label: String?)] = [
        ("redis_up", "gauge", nil), ("redis_uptime_in_seconds", "gauge", nil),
        ("redis_connected_clients", "gauge", nil),
        ("redis_blocked_clients", "gauge", nil), ("redis_memory_used_bytes", "gauge", nil),
        ("redis_memory_used_rss_bytes", "gauge", nil), ("redis_memory_max_bytes", "gauge", nil),
        ("redis_total_system_memory_bytes", "gauge", nil), ("redis_commands_total", "counter", "cmd"),
        ("redis_commands_duration_seconds_total", "counter", "cmd"), ("redis_keyspace_hits_total", "counter", nil),
        ("redis_keyspace_misses_total", "counter", nil), ("redis_net_input_bytes_total", "counter", nil),
        ("redis_net_output_bytes_total", "counter", nil), ("redis_expired_keys_total", "counter", nil),
        ("redis_evicted_keys_total", "counter", nil), ("redis_db_keys", "gauge", "db"),
        ("redis_db_keys_expiring", "gauge", "db"), ("redis_connected_slaves", "gauge", nil),
        // Further ones of the families that belong to them.
        ("redis_instance_info", "gauge", "maxmemory_policy"), ("redis_start_time_seconds", "gauge", nil),
        ("redis_mem_fragmentation_ratio", "gauge", nil), ("redis_allocator_frag_ratio", "gauge", nil),
        ("redis_rejected_connections_total", "counter", nil), ("redis_connections_received_total", "counter", nil),
        ("redis_commands_processed_total", "counter", nil), ("redis_cpu_sys_seconds_total", "counter", nil),
        ("redis_latest_fork_seconds", "gauge", nil), ("redis_rdb_last_bgsave_status", "gauge", nil),
        ("redis_rdb_last_bgsave_duration_sec", "gauge", nil), ("redis_aof_last_write_status", "gauge", nil),
        ("redis_replica_resyncs_full", "gauge", nil), ("redis_config_maxclients", "gauge", nil),
        ("redis_config_maxmemory", "gauge", nil),
    ]

    /// A server, and the sidecar that watches it.
    private func withServer(
        _ server: FilePath, _ lines: [String] = [], and further: (Endpoint) throws -> [NodeSpec] = { _ in [] },
        _ body: (LocalCluster) async throws -> Void
    ) async throws {
        let ports = try Loopback.freePorts(2)
        let node = NodeSpec.redis("server", server: server, at: Endpoint(port: ports[0]), lines: lines)
        var sidecar = try SidecarProgramTests.sidecar(at: Endpoint(port: ports[1]))
        sidecar.environment["SIDECAR_REDIS"] = "\(node.endpoint)"
        sidecar.environment["REDIS_REPLICATION_MODE"] = "master"
        let all = [node, sidecar] + (try further(sidecar.endpoint))
        try await withLocalCluster(ClusterSpec(all)) { cluster in
            try await cluster.wait(untilStatusOf: "sidecar", says: #""role": "master""#)
            try await body(cluster)
        }
    }

    private func exposition(_ cluster: LocalCluster) async throws -> Exposition {
        try Exposition(try await cluster.http("sidecar", .get("/metrics"))[0].text)
    }

    @Test(
        "find every metric under its name, with its type and labels, also of an empty server",
        arguments: RedisServer.paths)
    func names(path: String) async throws {
        let server = try RedisServer(path)
        try await withServer(FilePath(path)) { cluster in
            let empty = try await exposition(cluster)
            #expect(empty.value("redis_db_keys", ["db": "db0"]) == 0)
            #expect(empty.value("redis_db_keys_expiring", ["db": "db0"]) == 0)
            for row in Self.names {
                let family = try #require(empty.families.first { $0.name == row.name }, "\(row.name)")
                #expect(family.kind == row.kind, "\(row.name)")
                #expect(!family.samples.isEmpty, "\(row.name)")
                if let label = row.label {
                    #expect(family.samples.allSatisfy { $0.labels[label] != nil }, "\(row.name) by \(label)")
                } else {
                    #expect(family.samples.allSatisfy { $0.labels.isEmpty }, "\(row.name)")
                }
            }
            _ = try await cluster.redis("server", "SET", "k", "v", "EX", "1000")
            for _ in 0..<3 { _ = try await cluster.redis("server", "GET", "k") }
            _ = try await cluster.redis("server", "GET", "absent")
            _ = try await cluster.redis("server", "INCR", "k")
            let full = try await exposition(cluster)
            // What INFO says, read by another path.
            let info = try await cluster.info("server", section: "all")
            #expect(full.value("redis_keyspace_hits_total") == info["keyspace_hits"].flatMap { Double($0) })
            #expect(full.value("redis_keyspace_misses_total") == 1)
            #expect(full.value("redis_commands_total", ["cmd": "get"]) == 4)
            #expect(try #require(full.value("redis_commands_duration_seconds_total", ["cmd": "get"])) > 0)
            #expect(full.value("redis_db_keys", ["db": "db0"]) == 1)
            #expect(full.value("redis_db_avg_ttl_seconds", ["db": "db0"]) != nil)
            #expect(full.value("redis_total_system_memory_bytes") == info["total_system_memory"].flatMap { Double($0) })
            if server.has(6, 2) {
                #expect(full.value("redis_errors_total", ["err": "ERR"]) == 1)
                #expect(full.value("redis_commands_failed_calls_total", ["cmd": "incr"]) == 1)
            }
            if server.has(7, 0) {
                #expect(full.samples("redis_latency_percentiles_usec", ["cmd": "get", "quantile": "99"]).count == 1)
                #expect(full.value("redis_latency_percentiles_usec_count", ["cmd": "get"]) == 4)
            }
        }
    }

    @Test("a user without the right to ask for settings costs those metrics alone, and one refusal")
    func rights() async throws {
        let lines = ["user default off", "user sidecar on >pass resetkeys -@all +info +role +client|setname"]
        let ports = try Loopback.freePorts(2)
        var node = NodeSpec.redis("server", server: try Harness.redisServer, at: Endpoint(port: ports[0]), lines: lines)
        node.readiness = .running
        var sidecar = try SidecarProgramTests.sidecar(at: Endpoint(port: ports[1]))
        sidecar.environment.merge([
            "SIDECAR_REDIS": "\(node.endpoint)", "REDIS_REPLICATION_MODE": "master", "REDIS_PROBE_USER": "sidecar",
            "REDIS_PROBE_PASSWORD": "pass",
        ]) { $1 }
        try await withLocalCluster(ClusterSpec([node, sidecar])) { cluster in
            try await cluster.wait(untilStatusOf: "sidecar", says: #""role": "master""#)
            for _ in 0..<3 {
                let metrics = try await exposition(cluster)
                #expect(metrics.value("redis_up") == 1 && metrics.value("redis_config_maxmemory") == nil)
                #expect(metrics.value("redis_memory_used_bytes") != nil)
            }
            // It is refused once in the server's life, and not at each scrape.
            let refusals = try await Self.refusedSettings(exposition(cluster))
            #expect(refusals > 0)
            for _ in 0..<3 {
                #expect(try await Self.refusedSettings(exposition(cluster)) == refusals)
            }
        }
    }

    @Test("scrapers that come while the server is asked share the next text")
    func shared() async throws {
        try await withServer(Harness.redisServer) { cluster in
            let endpoint = try #require(cluster.spec.nodes.first { $0.name == "sidecar" }).endpoint
            let before = try await cluster.calls(of: "config|get", at: "server")
            try await cluster.pause("server")
            var sockets: [LoadSocket] = []
            for _ in 0..<32 {
                let socket = try LoadSocket(to: endpoint)
                var request = Array("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".utf8)
                try socket.send(&request)
                sockets.append(socket)
            }
            // Asked after them, and answered after they were read.
            for _ in 0..<5 { #expect(try await cluster.http("sidecar", .get("/livez"))[0].status == 200) }
            try await cluster.resume("server")
            for socket in sockets {
                var received: [UInt8] = []
                let deadline = ContinuousClock.now + .seconds(30)
                reading: while ContinuousClock.now < deadline {
                    switch socket.receive() {
                    case .bytes(let bytes): received += bytes
                    case .nothing: socket.waitForBytes(until: deadline)
                    case .end: break reading
                    }
                }
                #expect(String(decoding: received, as: UTF8.self).contains("redis_replica_sidecar_ready"))
            }
            // Four settings a text: the first one, the one that all others share, and one for a latecomer.
            #expect(try await cluster.calls(of: "config|get", at: "server") - before <= 12)
        }
    }

    @Test("promtool takes /metrics; what it would have named otherwise is redis_exporter's name")
    func promtool() async throws {
        let program = try Programs.installed("promtool", package: "prometheus")
        try await withServer(try Harness.redisServer) { cluster in
            _ = try await cluster.redis("server", "INCR", "k")
            let text = try await cluster.http("sidecar", .get("/metrics"))[0].text
            let scratch = try Scratch()
            let file = try scratch.write("metrics", text.utf8)
            let run = try Spawned(
                "/bin/sh", ["-c", "\(program.string) check metrics < \(file)"], environment: [:], in: scratch.path,
                log: scratch["log"])
            let ending = run.ended()
            #expect(ending == .exited(0) || ending == .exited(3), "it cannot be read: \(run.output)")
            for line in run.output.split(separator: "\n") {
                let name = String(line.prefix { $0 != " " })
                #expect(Exposition.isExporters(name), "\(line)")
            }
        }
    }

    @Test(
        "Prometheus answers the dashboards' questions, and the alerts for memory and for a disk that takes nothing fire"
    )
    func prometheus() async throws {
        let program = try Programs.installed("prometheus", package: "prometheus")
        let scratch = try Scratch()
        let rules = try scratch.write(
            "rules.yaml",
            """
            groups:
            - name: memory and disk
              rules:
              - alert: RedisOutOfMemory
                expr: 100 * redis_memory_used_bytes{job="redis"} / (redis_memory_max_bytes{job="redis"} > 0) > 90
              - alert: RedisOutOfSystemMemory
                expr: redis_memory_used_bytes{job="redis"} / redis_total_system_memory_bytes{job="redis"} > 0.9
              - alert: RedisCannotSave
                expr: redis_rdb_last_bgsave_status{job="redis"} == 0 or redis_aof_last_write_status{job="redis"} == 0
              - alert: RedisRefusesWrites
                expr: redis_errors_total{job="redis",err="MISCONF"} > 0
              - alert: RedisDown
                expr: redis_up{job="redis"} == 0

            """.utf8)
        let port = try Loopback.freePorts(1)[0]
        try await withServer(try Harness.redisServer, ["maxmemory 6mb", "save 3600 1000000"]) { sidecar in
            [
                NodeSpec(
                    name: "prometheus", executable: program,
                    arguments: [
                        "--config.file={directory}/redis.conf", "--storage.tsdb.path={directory}/data",
                        "--web.listen-address=127.0.0.1:\(port)", "--log.level=warn",
                    ],
                    configuration: .lines([
                        "global: {scrape_interval: 300ms, scrape_timeout: 300ms, evaluation_interval: 300ms}",
                        "rule_files: ['\(rules)']", "scrape_configs:",
                        "- job_name: redis", "  static_configs:",
                        "  - {targets: ['\(sidecar)'], labels: {namespace: default}}",
                    ]), endpoint: Endpoint(port: port), readiness: .running, isRedis: false)
            ]
        } _: { cluster in
            try await cluster.wait(untilServed: .get("/-/ready"), by: "prometheus", within: .seconds(30))
            _ = try await cluster.redis("server", "SET", "k", "v", "EX", "1000")
            _ = try await cluster.redis("server", "GET", "k")
            let selector = #"{namespace=~"default",instance=~".+"}"#
            let questions = [
                "max(max_over_time(redis_uptime_in_seconds\(selector)[1m]))", "sum(redis_connected_clients\(selector))",
                "100 * redis_memory_used_bytes\(selector) / redis_memory_max_bytes\(selector)",
                "sum(rate(redis_commands_total\(selector)[1m])) by (cmd)",
                "irate(redis_keyspace_hits_total\(selector)[1m])",
                "sum(irate(redis_commands_duration_seconds_total\(selector)[1m])) by (cmd)",
                "irate(redis_keyspace_misses_total\(selector)[1m])",
                "sum(rate(redis_net_input_bytes_total\(selector)[1m]))",
                "sum(rate(redis_net_output_bytes_total\(selector)[1m]))",
                "sum(redis_db_keys\(selector)) by (db, instance)",
                "sum(redis_db_keys\(selector)) - sum(redis_db_keys_expiring\(selector))",
                "sum(rate(redis_expired_keys_total\(selector)[1m])) by (instance)",
                "sum(rate(redis_evicted_keys_total\(selector)[1m])) by (instance)",
                "sum(redis_blocked_clients\(selector))",
                "redis_memory_used_rss_bytes\(selector) / redis_memory_used_bytes\(selector)",
                "sum(redis_connected_slaves\(selector)) by (instance)", "redis_up\(selector) == 1",
                "redis_memory_used_bytes\(selector) / redis_total_system_memory_bytes\(selector) * 100 > 0",
                "redis_connected_clients\(selector) > 0",
            ]
            for question in questions {
                try await cluster.wait(until: "Prometheus answers \(question)", of: "prometheus", within: .seconds(30))
                {
                    let answer = try await cluster.http("prometheus", Self.query(question))[0]
                    return Observation(answer.status == 200 && answer.text.contains(#""value":["#), else: answer.text)
                }
            }
            #expect(try await Self.alerts(cluster).isEmpty)
            // Fills the memory.
            let value = String(repeating: "x", count: 200_000)
            for number in 0..<64 {
                if Self.error(try await cluster.redis("server", "SET", "filler-\(number)", value)) != nil { break }
            }
            try await wait(untilFiring: "RedisOutOfMemory", cluster)
            _ = try await cluster.redis("server", "CONFIG", "SET", "maxmemory", "0")
            _ = try await cluster.redis("server", "FLUSHALL")
            // A disk that takes nothing.
            try #require(chmod("\(cluster.folder)/server", 0o500) == 0)
            _ = try await cluster.redis("server", "BGSAVE")
            try await wait(untilFiring: "RedisCannotSave", cluster)
            let refused = try await cluster.redis("server", "SET", "k", "v")
            #expect(Self.error(refused)?.hasPrefix("MISCONF") == true, "\(refused)")
            try await wait(untilFiring: "RedisRefusesWrites", cluster)
            try await cluster.kill("server")
            try await wait(untilFiring: "RedisDown", cluster)
        }
    }

    private func wait(untilFiring alert: String, _ cluster: LocalCluster) async throws {
        try await cluster.wait(until: "\(alert) fires", of: "prometheus", within: .seconds(30)) {
            let alerts = try await Self.alerts(cluster)
            return Observation(alerts.contains(#""alertname":"\#(alert)""#), else: alerts)
        }
    }

    /// Those that fire, as Prometheus writes them.
    private static func alerts(_ cluster: LocalCluster) async throws -> String {
        let text = try await cluster.http("prometheus", .get("/api/v1/alerts"))[0].text
        return text.contains(#""alertname""#) ? text : ""
    }

    private static func refusedSettings(_ metrics: Exposition) -> Double {
        metrics.samples("redis_commands_rejected_calls_total")
            .filter { $0.labels["cmd"]?.hasPrefix("config") == true }.reduce(0) { $0 + $1.value }
    }

    private static func error(_ reply: BlockingReply) -> String? {
        guard case .error(let text) = reply else { return nil }
        return String(decoding: text, as: UTF8.self)
    }

    private static func query(_ expression: String) -> LoopbackHTTP.Request {
        let digits = Array("0123456789ABCDEF")
        let encoded = expression.utf8.map { "%\(digits[Int($0 >> 4)])\(digits[Int($0 & 15)])" }.joined()
        return .get("/api/v1/query?query=\(encoded)")
    }
}
