import Hiredis
import LocalTopology
import Testing

@Suite("A sidecar whose master would cost data")
struct DataGuardTests {
    /// A scene in which the environment names an empty master, `b`, and the replica holds what `a` has.
    private func held(
        _ path: String? = nil, environment: [String: String] = [:],
        _ body: (SidecarScene, LocalCluster) async throws -> Void
    ) async throws {
        try await withSidecarScene(path, isSibling: false) { scene in
            _ = try await scene.cluster.redis("b", "FLUSHALL")
            try scene.network.setNames(
                ["redis-master": [scene.a.address], "redis-master-b": [scene.b.address]], on: scene.host)
            try await scene.cluster.terminate("sidecar")
            var variables = ["SIDECAR_HOST": "0.0.0.0"]
            variables.merge(environment) { $1 }
            let other = try NodeSpec.sidecar(on: scene.host, master: "redis-master-b", environment: variables)
            try await withSidecar(other, besides: scene.cluster) { try await body(scene, $0) }
        }
    }

    @Test("holds the replica back from an empty one until an operator confirms")
    func emptyMaster() async throws {
        try await onEveryServer { path in
            try await held(path) { scene, sidecar in
                try await sidecar.wait(untilStateIs: "held")
                let readiness = try await sidecar.http("sidecar", .get("/readyz"))[0]
                #expect(readiness.status == 503)
                #expect(readiness.text.contains("it is empty, and this replica holds 1 keys"))
                #expect(try await sidecar.metric("redis_replica_sidecar_held") == 1)
                #expect(try await scene.cluster.redis("replica", "GET", "k").text == "of a", "it serves what it has")
                #expect(try await scene.cluster.info("replica")["master_host"] == "redis-master")

                let distant = try await LoopbackHTTP.exchange(
                    [.init("POST", "/v1/confirm")], with: scene.host.endpoint(9121), from: scene.a.namespace,
                    timeout: .seconds(2))
                #expect(distant[0].status == 403, "over TCP no confirmation is taken without a token")
                let confirmed = try ProgramRun(
                    ["confirm"], of: "redis-replica-sidecar",
                    environment: ["SIDECAR_SOCKET": "\(sidecar.folder)/sidecar.sock"])
                #expect(confirmed.ending == .exited(0), "\(confirmed.output)")
                #expect(confirmed.output.contains(#""state": ""#))
                try await scene.cluster.wait(until: "replica", isLinkedTo: "b")
                #expect(try await scene.cluster.redis("replica", "DBSIZE") == .integer(0))
                try await sidecar.wait(until: "it is ready", of: "sidecar") {
                    let answer = try await sidecar.http("sidecar", .get("/readyz"))[0]
                    return Observation(answer.status == 200, else: answer.text)
                }
            }
        }
    }

    @Test("goes on by itself when the data is back")
    func dataIsBack() async throws {
        try await held { scene, sidecar in
            try await sidecar.wait(untilStateIs: "held")
            _ = try await scene.cluster.redis("b", "SET", "k", "restored")
            try await scene.cluster.wait(until: "replica", holds: "restored")
        }
    }

    @Test("follows it at once where the environment says so")
    func switchedOff() async throws {
        try await held(environment: ["SIDECAR_ON_LOSS": "follow"]) { scene, _ in
            try await scene.cluster.wait(until: "replica", isLinkedTo: "b")
        }
    }

    @Test("holds it back from one that is behind in the same history")
    func behind() async throws {
        try await withSidecarScene { scene in
            let cluster = scene.cluster
            // `b` hears nothing any more, while the replica gets what `a` writes.
            try await scene.network.cut(scene.b, from: scene.a)
            _ = try await cluster.redis("a", "SET", "k", "newer")
            try await cluster.wait(until: "replica", holds: "newer")
            try await scene.promoteB()
            try scene.lead(to: scene.b)
            try await cluster.wait(untilStateIs: "held")
            #expect(try await cluster.status("reason").contains("it lacks the last"))
            _ = try await cluster.redis("a", "SET", "k", "newest")
            try await cluster.wait(until: "replica", holds: "newest")
            #expect(try await cluster.http("sidecar", .get("/readyz"))[0].status == 503)
            try scene.lead(to: scene.a)
            try await cluster.wait(untilStateIs: "in-step")
            #expect(try await cluster.http("sidecar", .get("/readyz"))[0].status == 200)
            try await scene.network.heal(scene.b, to: scene.a)
        }
    }

    @Test("raises the alarm where the same master came back empty, since Redis needs no confirmation then")
    func emptied() async throws {
        try await withSidecarScene { scene in
            let cluster = scene.cluster
            try await cluster.wait(until: "the sidecar has seen the key", of: "sidecar") {
                let keys = try await cluster.status("keys")
                return Observation(keys == "1", else: keys)
            }
            // Without a save its folder is empty.
            try await cluster.kill("a")
            try await cluster.start("a")
            try await cluster.wait(until: "the alarm is raised", of: "sidecar", within: .seconds(20)) {
                let keys = try await cluster.metric("redis_replica_sidecar_emptied_keys")
                return Observation(keys == 1, else: "\(keys)")
            }
            #expect(try await cluster.metric("redis_replica_sidecar_alarm") == 1)
            #expect(try await cluster.status("emptied_keys") == "1")
            #expect(try await cluster.log(of: "sidecar").contains("a full synchronisation has left nothing of 1 keys"))
        }
    }
}
