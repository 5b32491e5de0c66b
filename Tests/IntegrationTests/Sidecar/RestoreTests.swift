import Hiredis
import LocalTopology
import Testing

@Suite("A sidecar beside a replica that redis-replica-init restores the master from")
struct RestoreTests {
    private static func sidecar(_ replica: String, in scene: ReseedScene) throws -> NodeSpec {
        let host = scene.node(replica).endpoint.host
        let port = try Loopback.freePorts(1)[0]
        return NodeSpec(
            name: "sidecar-of-\(replica)", executable: try Programs.built("redis-replica-sidecar"),
            environment: [
                "REDIS_MASTER_HOST": ReseedScene.name, "REDIS_MASTER_PORT_NUMBER": "\(scene.master.port)",
                "REDIS_MASTER_RECORD_FILE": "{directory}/record", "REDIS_CONFIG_FILE": "{directory}/redis.conf",
                "SIDECAR_REDIS": "\(scene.node(replica).endpoint)", "SIDECAR_HOST": host, "SIDECAR_PORT": "\(port)",
                "LOG_LEVEL": "debug",
            ], configuration: .lines([]), endpoint: Endpoint(host: host, port: port), readiness: .running,
            isRedis: false)
    }

    @Test("takes it for no manual override, and records nothing of it")
    func restored() async throws {
        try await onEveryServer { path in
            try await withReseedScene(path) { scene in
                let nodes = try scene.replicas.map { try Self.sidecar($0, in: scene) }
                try await withLocalCluster(ClusterSpec(nodes)) { sidecars in
                    for node in nodes {
                        try await sidecars.wait(until: "it has seen its replica", of: node.name) {
                            // Before its first observation, /status knows no server.
                            let status = try await sidecars.http(node.name, .get("/status"))[0].text
                            return Observation(status.contains("\"keys\": 1000,"), else: status)
                        }
                    }
                    // The copy takes three seconds, so that some observations fall into it.
                    try await scene.slow(microseconds: 3000)
                    try await scene.withMaster { master in
                        try await sidecars.wait(until: "one of them sees the restore", of: nodes[0].name) {
                            var states: [String] = []
                            for node in nodes { states.append(try await sidecars.status("state", of: node.name)) }
                            return Observation(states.contains("restores-master"), else: "\(states)")
                        }
                        try await scene.slow(microseconds: 0)
                        try await scene.expectHome(master)
                        for node in nodes {
                            try await sidecars.wait(untilStateIs: "in-step", of: node.name)
                            let prefix = "redis_replica_sidecar_"
                            let moves = try await sidecars.metric(prefix + "moves_by_hand_total", of: node.name)
                            let log = try await sidecars.log(of: node.name)
                            #expect(moves == 0, "\(path): \(log)")
                            // A replica that connects late, once the master is back, may be helped; none is led elsewhere.
                            #expect(!log.contains("done: follow"), "\(path): \(log)")
                            #expect(try await sidecars.status("decided_by", of: node.name) == "start")
                            let record = try Scratch.read("\(sidecars.folder)/\(node.name)/record")
                            let text = String(decoding: record, as: UTF8.self)
                            #expect(text.contains("replicaof \(ReseedScene.name) \(scene.master.port)"), "\(text)")
                            #expect(!text.contains("127.0.0.1"), "\(text)")
                        }
                    }
                }
            }
        }
    }
}
