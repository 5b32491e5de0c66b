import Hiredis
import LocalTopology
import SystemPackage
import Testing

@Suite("A sidecar whose master's name leads to one of several masters by chance")
struct SeveralMastersTests {
    @Test("tells all of them by the name that lists them, and replaces no data")
    func severalMasters() async throws {
        try await withSidecarScene(isSibling: false) { scene in
            let cluster = scene.cluster
            try scene.network.setNames(
                ["redis-master": [scene.a.address], "redis-master-nodes": [scene.a.address]], on: scene.host)
            try await cluster.terminate("sidecar")
            let nodes = ["REDIS_MASTER_NODES_HOST": "redis-master-nodes"]
            try await withSidecar(try .sidecar(on: scene.host, environment: nodes), besides: cluster) { sidecar in
                try await sidecar.wait(untilStateIs: "in-step")
                // Both are there, and the name leads to the other one.
                try scene.network.setNames(
                    [
                        "redis-master": [scene.b.address], "redis-master-nodes": [scene.a.address, scene.b.address],
                    ], on: scene.host)
                try await sidecar.wait(untilStateIs: "several-masters")
                #expect(try await sidecar.metric("redis_replica_sidecar_alarm") == 1)
                #expect(try await sidecar.changes() == 0)
                #expect(try await cluster.redis("replica", "GET", "k").text == "of a")
                // The list cannot be had: the other one may still be one of several.
                try scene.network.setNames(["redis-master": [scene.b.address]], on: scene.host)
                try await sidecar.wait(untilStateIs: "held")
                #expect(try await sidecar.status("reason").contains("the name that lists all masters has no address"))
                #expect(try await cluster.redis("replica", "GET", "k").text == "of a")
                // The only one.
                try scene.network.setNames(
                    ["redis-master": [scene.b.address], "redis-master-nodes": [scene.b.address]], on: scene.host)
                try await cluster.wait(until: "replica", isLinkedTo: "b")
                try await cluster.wait(until: "replica", holds: "of b")
            }
        }
    }

    @Test("follows the same master under another name while it is written to, and never holds that for a loss")
    func sameMaster() async throws {
        try await withSidecarScene { scene in
            let cluster = scene.cluster
            let script = "for i = 1, 200 do redis.call('SET', 'w', string.rep('x', 500)) end return 1"
            let writer = Task {
                while !Task.isCancelled { _ = try? await cluster.redis("a", "EVAL", script, "0") }
            }
            defer { writer.cancel() }
            try await cluster.terminate("sidecar")
            for round in 1...4 {
                let name = "redis-master-\(round)"
                try scene.network.setNames(
                    ["redis-master": [scene.a.address], name: [scene.a.address]], on: scene.host)
                _ = try await cluster.redis("replica", "REPLICAOF", "redis-master", "6379")
                try await cluster.wait(until: "replica", isLinkedTo: "a")
                let variables = [
                    "SIDECAR_STABLE_MILLISECONDS": "900", "REDIS_MASTER_RECORD_FILE": "{directory}/record",
                ]
                let other = try NodeSpec.sidecar(on: scene.host, master: name, environment: variables)
                try await withSidecar(other, besides: cluster) { sidecar in
                    try await cluster.wait(until: "it follows \(name)", of: "replica") {
                        let host = try await cluster.info("replica")["master_host"] ?? "?"
                        return Observation(host == name, else: host)
                    }
                    #expect(try await sidecar.metric("redis_replica_sidecar_holds_total") == 0)
                }
            }
        }
    }

    @Test("names the commands that the server has under another name", arguments: RedisServer.paths)
    func renamed(path: String) async throws {
        let lines = ["rename-command REPLICAOF moved", "rename-command ROLE \"\""]
        let ports = try Loopback.freePorts(3)
        let master = NodeSpec.redis("master", server: .init(path), at: Endpoint(port: ports[0]))
        let replica = NodeSpec.redis(
            "replica", server: .init(path), at: Endpoint(host: "127.0.0.2", port: ports[1]),
            replicaOf: master.endpoint, lines: lines)
        let sidecar = NodeSpec(
            name: "sidecar", executable: try Programs.built("redis-replica-sidecar"),
            environment: [
                "REDIS_MASTER_HOST": master.endpoint.host, "REDIS_MASTER_PORT_NUMBER": "\(master.endpoint.port)",
                "REDIS_MASTER_RECORD_FILE": "{directory}/record", "REDIS_CONFIG_FILE": "{directory}/redis.conf",
                "SIDECAR_REDIS": "\(replica.endpoint)", "SIDECAR_HOST": "127.0.0.2", "SIDECAR_PORT": "\(ports[2])",
            ], configuration: .lines([]), endpoint: Endpoint(host: "127.0.0.2", port: ports[2]), readiness: .running,
            isRedis: false)
        var nodes = [master, replica]
        for index in nodes.indices { nodes[index].isRedis = path.hasPrefix("/usr") }
        try await withLocalCluster(ClusterSpec(nodes + [sidecar])) { cluster in
            try await cluster.wait(until: "the alarm names both", of: "sidecar") {
                let status = try await cluster.http("sidecar", .get("/status"))[0].text
                let isTold = ["REPLICAOF", "ROLE"].allSatisfy { status.contains($0) }
                return Observation(isTold && status.contains("\"alarm\": true"), else: status)
            }
            let log = try await cluster.log(of: "sidecar")
            #expect(log.contains("the local server does not know") && log.contains("rename-command"), "\(log)")
        }
    }
}
