import Hiredis
import LocalTopology
import Testing

@Suite("A sidecar whose replica is moved manually")
struct HandTests {
    @Test("leaves a promoted replica a master")
    func promotion() async throws {
        try await onEveryServer { path in
            try await withSidecarScene(path) { scene in
                let cluster = scene.cluster
                _ = try await cluster.redis("replica", "REPLICAOF", "NO", "ONE")
                try await cluster.wait(untilStateIs: "is-master")
                #expect(try await cluster.status("decided_by") == "hand")
                #expect(try await cluster.redis("replica", "SET", "k", "own").text == "OK")
                #expect(try await cluster.metric("redis_replica_sidecar_moves_by_hand_total") == 1)
                // Also where the sidecar itself is restarted, and the name leads elsewhere.
                try scene.lead(to: scene.b)
                try await scene.promoteB()
                try await cluster.restart("sidecar")
                try await cluster.wait(untilStateIs: "is-master")
                #expect(try await cluster.redis("replica", "GET", "k").text == "own")
                #expect(try await cluster.changes() == 0)
            }
        }
    }

    @Test("leaves it with the master that it was sent to, until the environment names another one")
    func moved() async throws {
        try await withSidecarScene { scene in
            let cluster = scene.cluster
            try await scene.promoteB()
            _ = try await cluster.redis("replica", "REPLICAOF", scene.b.address, "6379")
            try await cluster.wait(untilStateIs: "by-hand")
            try await cluster.wait(until: "replica", isLinkedTo: "b")
            try await cluster.restart("sidecar")
            try await cluster.wait(untilStateIs: "by-hand")
            #expect(try await cluster.changes() == 0)

            try scene.network.setNames(["redis-master-2": [scene.b.address]], on: scene.host)
            try await cluster.terminate("sidecar")
            let record = ["REDIS_MASTER_RECORD_FILE": "\(cluster.folder)/replica.record"]
            let other = try NodeSpec.sidecar(on: scene.host, master: "redis-master-2", environment: record)
            try await withSidecar(other, besides: cluster) { sidecar in
                try await sidecar.wait(untilStateIs: "in-step")
                #expect(try await cluster.info("replica")["master_host"] == "redis-master-2")
            }
        }
    }

    @Test("has redis-replica-init start the server as it was left: promoted, or with another master")
    func nextStart() async throws {
        try await withTestNetwork { network in
            let master = try await network.addHost("master")
            let other = try await network.addHost("other")
            let host = try await network.addHost("replica")
            let names = ["redis-master": [master.address], "redis-other": [other.address]]
            try network.setNames(names, on: host)
            let server = try Harness.redisServer
            var replica = NodeSpec.redisThroughInit(
                "replica", program: try Programs.built("redis-replica-init"), at: host.endpoint(),
                replicaOf: Endpoint(host: "redis-master", port: 6379), configuration: .lines([])
            ).running(on: host)
            replica.environment["REDIS_MASTER_RECORD_FILE"] = "{directory}/../replica.record"
            replica.readiness = .answers
            let spec = ClusterSpec([
                .redis(server: server, on: master), .redis(server: server, on: other), replica,
                try .sidecar(on: host),
            ])
            try await withLocalCluster(spec) { cluster in
                for name in ["master", "other"] { _ = try await cluster.redis(name, "SET", "k", "of \(name)") }
                try await cluster.wait(until: "replica", holds: "of master")
                try await cluster.wait(untilStateIs: "in-step")

                _ = try await cluster.redis("replica", "REPLICAOF", "redis-other", "6379")
                try await cluster.wait(untilStateIs: "by-hand")
                try await cluster.restart("replica")
                try await cluster.wait(until: "replica", isLinkedTo: "other")
                #expect(
                    try await cluster.log(of: "replica").contains("follows redis-other:6379, not redis-master:6379"))

                _ = try await cluster.redis("replica", "REPLICAOF", "NO", "ONE")
                try await cluster.wait(untilStateIs: "is-master")
                _ = try await cluster.redis("replica", "SET", "k", "own")
                _ = try await cluster.redis("replica", "SAVE")
                try await cluster.restart("replica")
                let log = try await cluster.log(of: "replica")
                #expect(try await cluster.info("replica")["role"] == "master", "\(log)")
                #expect(try await cluster.redis("replica", "GET", "k").text == "own", "nothing was lost")
            }
        }
    }
}
