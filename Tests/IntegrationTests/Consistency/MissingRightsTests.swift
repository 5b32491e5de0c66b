import Hiredis
import LocalTopology
import SystemPackage
import Testing

/// The app's user on the master lacks one right after the other, while the connection goes on: rights count at once.
@Suite("Writes of a user that lacks a right")
struct MissingRightsTests {
    private static let grants = ["ACL", "SETUSER", "app", "reset", "on", ">hidden", "~*", "&*", "+@all"]
    private static let path = "/v1/keys/k"

    @Test(
        "nothing that was applied is reported as refused, and the missing right is named",
        arguments: RedisServer.representatives)
    func rights(server: String) async throws {
        let system = try DirectCluster(
            server: FilePath(server), replicaLines: [],
            environment: ["REDIS_USER": "app", "REDIS_PASSWORD": "hidden"])
        try await withLocalCluster(ClusterSpec([system.master, system.app]), starts: false) { cluster in
            try await cluster.start("master")
            // Before 6.2 there is no `&`.
            let grants = try await cluster.redis("master", [Self.grants.filter { $0 != "&*" }])[0]
            try #require(grants.text == "OK", "\(grants)")
            try await cluster.start("app")
            try await cluster.store("k", "v", on: [])
            let tag = try #require(try await cluster.http("app", .get(Self.path))[0].header("ETag"))
            let big = String(repeating: "b", count: 3000)
            _ = try await cluster.http("app", .put("/v1/keys/big", big))
            let bigTag = try #require(try await cluster.http("app", .get("/v1/keys/big"))[0].header("ETag"))
            let requests: [(String, LoopbackHTTP.Request, needs: Set<String>, beside: [String: String])] = [
                ("PUT", .put(Self.path, "w"), ["set"], ["exists": "status", "info": "replication-token"]),
                (
                    "PUT ?ttl", .put(Self.path + "?ttl=90s", "w"), ["set"],
                    ["exists": "status", "info": "replication-token"]
                ),
                (
                    "PUT ?replicas", .put(Self.path + "?replicas=1&within=1ms", "w"), ["set"],
                    ["exists": "status", "wait": "replicas-acknowledged", "info": "replication-token"]
                ),
                (
                    "PUT If-None-Match", .put("/v1/keys/new", "w", headers: ["If-None-Match: *"]), ["set"],
                    ["info": "replication-token"]
                ),
                (
                    "PUT If-Match", .put(Self.path, "w", headers: ["If-Match: \(tag)"]), ["set", "get"],
                    ["info": "replication-token"]
                ),
                (
                    "PUT If-Match, big", .put("/v1/keys/big", "w", headers: ["If-Match: \(bigTag)"]),
                    ["set", "get", "watch", "multi", "exec"], ["info": "replication-token"]
                ),
                ("DELETE", .delete(Self.path), ["unlink"], ["info": "replication-token"]),
                (
                    "batch", .rawBatch(#"{"operations":[{"set":"k","value":"w"},{"delete":"old"}]}"#), [],
                    ["info": "replication-token"]
                ),
                (
                    "/set", .set(#"{"key":"k","value":"w"}"#), ["set"],
                    ["info": "replication-token, redis-replication"]
                ),
            ]
            for right in [
                "set", "exists", "info", "wait", "del", "unlink", "get", "strlen", "evalsha", "eval", "watch", "multi",
                "exec", "discard",
            ] {
                for (name, request, needs, beside) in requests {
                    _ = try await cluster.redis(
                        "master", [["SET", "k", "v"], ["SET", "old", "v"], ["SET", "big", big], ["DEL", "new"]])
                    _ = try await cluster.redis("master", "ACL", "SETUSER", "app", "-\(right)")
                    let answer = try await cluster.http("app", request, timeout: .seconds(8))[0]
                    _ = try await cluster.redis("master", "ACL", "SETUSER", "app", "+\(right)")
                    let told = "\(name) without \(right): \(answer.status) \(answer.text)"
                    let isDone = try await cluster.isDone(request)
                    if needs.contains(right) {
                        #expect(answer.status == 502 && answer.code == "redis-denied" && !isDone, "\(told)")
                    } else if name == "batch", right == "set" || right == "del" {
                        #expect(
                            answer.status == 200 && answer.text.contains(#""status":502,"code":"redis-denied""#),
                            "\(told)")
                        #expect(isDone == (right == "del"), "\(told)")
                    } else {
                        #expect(200...204 ~= answer.status && isDone, "\(told)")
                        #expect(answer.header("Answer-Incomplete") == beside[right], "\(told)")
                        #expect((answer.token == nil) == (right == "info"), "\(told)")
                    }
                }
            }
            let log = try await cluster.log(of: "app")
            for right in ["exists", "wait", "set", "evalsha", "watch"] {
                #expect(log.contains("grant +\(right) (ACL SETUSER)"), "\(right): \(log)")
            }
        }
    }
}

extension LocalCluster {
    /// Whether the one key of a request is as the request wants it.
    fileprivate nonisolated func isDone(_ request: LoopbackHTTP.Request) async throws -> Bool {
        let key = request.path.hasPrefix("/v1/keys/") ? String(request.path.dropFirst(9).prefix { $0 != "?" }) : "k"
        let stored = try await redis("master", "GET", key)
        return request.method == "DELETE" ? stored == .null : stored.text == "w"
    }
}
