import Glibc
import Hiredis
import LocalTopology
import Testing

/// What a master may answer in place of OK, each made by a real server.
@Suite("Writes that Redis refuses")
struct RefusalTests {
    private static let write = LoopbackHTTP.Request.set(#"{"key":"k","value":"v"}"#)

    /// Makes the master refuse, and expects the same answer to every write, the cure in the log once, and reads and writes
    /// as before after it was mended.
    private func expect(
        _ status: Int, _ code: String, cure: String, masterLines: [String] = [], environment: [String: String] = [:],
        prepared: [[String]] = [], breaking: (LocalCluster) async throws -> Void,
        mending: (LocalCluster) async throws -> Void
    ) async throws {
        let system = try DirectCluster(masterLines: masterLines, replicaLines: [], environment: environment)
        try await withLocalCluster(ClusterSpec([system.master, system.app]), starts: false) { cluster in
            try await cluster.start("master")
            if !prepared.isEmpty { _ = try await cluster.redis("master", prepared) }
            try await cluster.start("app")
            try await cluster.store("k", "v", on: [])
            try await breaking(cluster)
            try await cluster.wait(until: "a write is refused", of: "app") {
                let answer = try await cluster.http("app", Self.write)[0]
                return Observation(answer.code == code, else: answer.text)
            }
            // Over several connections, so that both event loops meet it.
            for _ in 0..<20 {
                let answer = try await cluster.http("app", Self.write)[0]
                #expect(answer.status == status)
                #expect(answer.code == code)
                #expect(answer.header("Retry-After") == (status == 503 ? "1" : nil))
            }
            let log = try await cluster.log(of: "app")
            #expect(log.split(separator: "\n").count { $0.contains(cure) } == 1, "\(log)")
            #expect(try await cluster.http("app", .get("/get?key=k"))[0].status == 200)
            try await mending(cluster)
            try await cluster.wait(untilServed: Self.write)
        }
    }

    @Test(
        "-OOM is 507, and -NOREPLICAS is 503",
        arguments: [
            ("maxmemory", 507, "redis-out-of-memory", "raise maxmemory"),
            ("min-replicas-to-write", 503, "redis-needs-replicas", "min-replicas-to-write"),
        ])
    func limits(setting: String, status: Int, code: String, cure: String) async throws {
        try await expect(status, code, cure: cure) {
            _ = try await $0.redis("master", "CONFIG", "SET", setting, "1")
        } mending: {
            _ = try await $0.redis("master", "CONFIG", "SET", setting, "0")
        }
    }

    @Test("-MISCONF, after a save that failed, is 503")
    func cannotPersist() async throws {
        try await expect(
            503, "redis-cannot-persist", cure: "its last save failed", masterLines: ["save 3600 1000000"]
        ) { cluster in
            // The folder is the server's working directory: it may be read, and nothing may be made in it.
            try #require(chmod("\(cluster.folder)/master", 0o500) == 0)
            try await cluster.wait(untilSaveEndsAs: "err")
        } mending: { cluster in
            let metrics = try Exposition(try await cluster.http("app", .get("/metrics"))[0].text)
            #expect(metrics.sum("kvapp_redis_failures_total", ["reason": "cannot_save"]) > 0)
            try #require(chmod("\(cluster.folder)/master", 0o700) == 0)
            try await cluster.wait(untilSaveEndsAs: "ok")
        }
    }

    @Test("-NOPERM is 502")
    func denied() async throws {
        try await expect(
            502, "redis-denied", cure: "grant +set (ACL SETUSER)",
            environment: ["REDIS_USER": "app", "REDIS_PASSWORD": "hidden"],
            prepared: [["ACL", "SETUSER", "app", "on", ">hidden", "~*", "+get", "+set", "+info"]]
        ) {
            _ = try await $0.redis("master", "ACL", "SETUSER", "app", "-set")
        } mending: {
            _ = try await $0.redis("master", "ACL", "SETUSER", "app", "+set")
        }
    }

    @Test("-NOAUTH and -WRONGPASS after a password was set are 502, as soon as the connection is made again")
    func passwordSet() async throws {
        let system = try DirectCluster(replicaLines: [])
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.store("k", "v", on: [])
            _ = try await cluster.redis(
                "master",
                [["CONFIG", "SET", "requirepass", "hidden"], ["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]])
            for request in [Self.write, .get("/get?key=k")] {
                try await cluster.wait(until: "it is denied", of: "app") {
                    let answer = try await cluster.http("app", request)[0]
                    return Observation(answer.status == 502 && answer.code == "redis-denied", else: answer.text)
                }
            }
            #expect(try await cluster.readiness().text.contains("asks for a password: set REDIS_PASSWORD"))
            _ = try await cluster.redis("master", [["AUTH", "hidden"], ["CONFIG", "SET", "requirepass", ""]])
            try await cluster.wait(untilServed: Self.write)
        }
    }
}

extension LocalCluster {
    /// Has the master save until it says this of its last save.
    fileprivate nonisolated func wait(untilSaveEndsAs expected: String) async throws {
        try await wait(until: "a save has ended as \(expected)", of: "master") {
            _ = try await self.redis("master", "BGSAVE")
            let status = try await self.info("master", section: "persistence")["rdb_last_bgsave_status"]
            return Observation(status == expected, else: status ?? "?")
        }
    }
}
