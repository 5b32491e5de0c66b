import Hiredis
import LocalTopology
import Testing

@Suite("A sidecar whose replica is cut off")
struct PartitionedReplicaTests {
    @Test("keeps it where it is, and ready, and has it back in step once it is reached again")
    func partition() async throws {
        try await withSidecarScene { scene in
            let cluster = scene.cluster
            try await scene.network.cut(scene.host)
            try await cluster.wait(untilStateIs: "no-master")
            _ = try await cluster.redis("a", "SET", "k", "written meanwhile")
            #expect(try await cluster.http("sidecar", .get("/readyz"))[0].status == 200)
            try await scene.network.heal(scene.host)
            try await cluster.wait(until: "replica", holds: "written meanwhile")
            try await cluster.wait(untilStateIs: "in-step")
            #expect(try await cluster.changes() == 0)
        }
    }

    @Test("makes a link again that stays silent while the master answers others")
    func silentLink() async throws {
        try await onEveryServer { path in
            // The master pings every second, so three without a word are odd.
            try await withSidecarScene(
                path, environment: ["SIDECAR_MAX_SILENCE_SECONDS": "3"], lines: ["repl-ping-replica-period 1"]
            ) { scene in
                let cluster = scene.cluster
                // The established connection alone loses its packets, as one does whose address translation was forgotten.
                let source = try #require(
                    try await cluster.redis("a", "CLIENT", "LIST", "TYPE", "replica").text?
                        .split(separator: " ").first { $0.hasPrefix("addr=\(scene.host.address):") })
                let port = try #require(source.split(separator: ":").last)
                try await NetworkTools.nft(
                    """
                    add table ip lost
                    add chain ip lost input { type filter hook input priority filter; }
                    add rule ip lost input tcp dport \(port) drop
                    """, in: scene.host.namespace)
                _ = try await cluster.redis("a", "SET", "k", "unheard")
                try await cluster.wait(until: "replica", holds: "unheard")
                #expect(try await cluster.metric("redis_replica_sidecar_changes_total{move=\"reconnect\"}") == 1)
                #expect(try await cluster.log(of: "sidecar").contains("the link is silent, and it answers"))
            }
        }
    }
}
