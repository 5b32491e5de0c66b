import Glibc
import LocalTopology
import Testing

@Suite("GET /metrics")
struct MetricsTests {
    @Test func `counts every answer once, whichever event loop gave it`() async throws {
        let system = try DirectCluster(loops: 2)
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.store("k", "v", on: system.replicas)
            let before = try await metrics(cluster)
            let asked: [(LoopbackHTTP.Request, times: Int, route: String, status: String)] = [
                (.get("/v1/keys/k"), 7, "/v1/keys/{key}", "200"), (.get("/v1/keys/none"), 3, "/v1/keys/{key}", "404"),
                (.get("/get?key=k"), 2, "/get", "200"), (.get("/nowhere"), 4, "other", "404"),
                (.init("PATCH", "/get?key=k"), 1, "other", "405"), (.init("HEAD", "/livez"), 2, "/livez", "200"),
                (.set(#"{"key":"k","value":"v"}"#), 5, "/set", "200"),
                (.init("PUT", "/v1/keys/k?replicas=1", body: [0x76]), 2, "/v1/keys/{key}", "204"),
                (.get("/v1/keys?limit=5"), 2, "/v1/keys", "200"), (.batch(#"{"get":"k"}"#), 3, "/v1/batch", "200"),
                (.init("GET", "/v1/keys/k", headers: ["If-None-Match: *"]), 1, "/v1/keys/{key}", "304"),
            ]
            for (request, times, _, _) in asked {
                // Each on its own connection, for both loops to get some.
                for _ in 0..<times { _ = try await cluster.http("app", request) }
            }
            let after = try await metrics(cluster)
            for (request, times, route, status) in asked {
                let labels = ["route": route, "method": request.method, "status": status]
                let name = "kvapp_http_requests_total"
                #expect(after.sum(name, labels) - before.sum(name, labels) == Double(times), "\(labels)")
            }
            let durations = "kvapp_http_request_duration_seconds_count"
            for (route, role, count) in [
                ("/v1/keys/{key}", "replica", 11), ("/v1/keys", "replica", 2), ("/v1/batch", "replica", 3),
                ("/v1/keys/{key}", "master", 2), ("/set", "master", 5),
                ("/livez", "none", 2), ("other", "none", 5),
            ] {
                let labels = ["route": route, "role": role]
                #expect(after.sum(durations, labels) - before.sum(durations, labels) == Double(count), "\(labels)")
            }
            #expect(after.sum(durations) == after.sum("kvapp_http_requests_total"))
            #expect(after.value("kvapp_http_requests_in_flight") == 1)
            #expect(after.value("kvapp_http_requests_total", ["route": "/metrics"]) == 1, "the one before")
            #expect(1...2 ~= after.sum("kvapp_redis_acknowledged_write_connections"))
            #expect(after.value("kvapp_redis_acknowledged_writes_queued") == 0)
            let commands = "kvapp_redis_command_duration_seconds_count"
            #expect(after.sum(commands, ["role": "replica"]) - before.sum(commands, ["role": "replica"]) >= 12)
            #expect(after.sum(commands, ["role": "master"]) - before.sum(commands, ["role": "master"]) >= 5)
        }
    }

    @Test func `tells of each server whether it is up, in step and in trouble`() async throws {
        let system = try DirectCluster(replicaLines: [[]], loops: 2)
        let replica = ["endpoint": "\(system.replicas[0].endpoint)"]
        let master = ["endpoint": "\(system.master.endpoint)"]
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.store("k", "v", on: system.replicas)
            try await wait(cluster, until: "the replica is found in step") {
                $0.value("kvapp_redis_replica_lag_bytes", replica) == 0
                    && $0.value("kvapp_redis_replica_lag_seconds", replica) == 0
            }
            var metrics = try await metrics(cluster)
            #expect(metrics.value("kvapp_redis_up", replica) == 1)
            #expect(metrics.value("kvapp_redis_up", master.merging(["role": "master"]) { $1 }) == 1)
            #expect(metrics.value("kvapp_redis_connects_total", replica) == 2, "one an event loop")
            #expect(metrics.value("kvapp_redis_reconnects_total", replica) == 0)
            #expect(metrics.sum("kvapp_redis_failures_total") == 0)
            #expect(metrics.samples("kvapp_redis_replica_lag_bytes", master).isEmpty)
            #expect(metrics.value("kvapp_redis_waiting_writes") == 0)

            // Its master is nowhere: it keeps what it has.
            _ = try await cluster.redis("replica-1", "REPLICAOF", "127.0.0.9", "1")
            _ = try await cluster.http("app", .set(#"{"key":"k","value":"later"}"#))
            try await wait(cluster, until: "the replica is found behind") {
                $0.sum("kvapp_redis_replica_lag_bytes", replica) >= 30
                    && $0.sum("kvapp_redis_replica_lag_seconds", replica) > 0
            }
            try await cluster.kill("replica-1")
            try await wait(cluster, until: "the replica is reported as gone") {
                $0.value("kvapp_redis_up", replica) == 0
                    && $0.sum("kvapp_redis_failures_total", replica.merging(["reason": "connect"]) { $1 }) >= 2
            }
            metrics = try await self.metrics(cluster)
            #expect(metrics.samples("kvapp_redis_replica_lag_bytes", replica).isEmpty)
            #expect(metrics.sum("kvapp_redis_replica_lag_seconds", replica) > 0)
            #expect(metrics.sum("kvapp_redis_failures_total", replica.merging(["reason": "lost"]) { $1 }) == 2)
            #expect(metrics.sum("kvapp_redis_failures_total", master) == 0)

            try await cluster.start("replica-1")
            try await wait(cluster, until: "the replica is back, and in step") {
                $0.value("kvapp_redis_up", replica) == 1 && $0.value("kvapp_redis_replica_lag_seconds", replica) == 0
                    && $0.value("kvapp_redis_reconnects_total", replica) == 2
            }
        }
    }

    @Test func `tells what the process uses`() async throws {
        let system = try DirectCluster(replicaLines: [])
        let earliest = Double(time(nil))
        try await withLocalCluster(system.spec) { cluster in
            let metrics = try await metrics(cluster)
            let descriptors = try #require(metrics.value("process_open_fds"))
            #expect(3...64 ~= descriptors)
            let memory = try #require(metrics.value("process_resident_memory_bytes"))
            #expect(1_000_000...1_000_000_000 ~= memory)
            #expect(try #require(metrics.value("process_cpu_seconds_total")) > 0)
            let start = try #require(metrics.value("process_start_time_seconds"))
            // The kernel counts in hundredths of a second.
            #expect(earliest - 1...Double(time(nil)) + 1 ~= start)
            #expect(metrics.samples("kvapp_build_info").map(\.value) == [1])
        }
    }

    private func metrics(_ cluster: LocalCluster) async throws -> Exposition {
        let answer = try await cluster.http("app", .get("/metrics"))[0]
        #expect(answer.status == 200)
        #expect(answer.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
        return try Exposition(answer.text)
    }

    private func wait(
        _ cluster: LocalCluster, until condition: String, _ holds: @escaping @Sendable (Exposition) -> Bool
    ) async throws {
        try await cluster.wait(until: condition, of: "app") {
            let text = try await cluster.http("app", .get("/metrics"))[0].text
            return Observation(holds(try Exposition(text)), else: text)
        }
    }
}
