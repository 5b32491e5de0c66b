import Hiredis
import LocalTopology
import SystemPackage
import Testing

@Suite("A replica that is cut off from its master")
struct PartitionTests {
    @Test("gets what was written meanwhile when it is reached again, by a partial resync, on every version")
    func partialResync() async throws {
        // Beside each other, since most of it is waiting for time-outs.
        try await withThrowingTaskGroup { group in
            for path in RedisServer.representatives { group.addTask { try await partition(FilePath(path)) } }
            try await group.waitForAll()
        }
    }

    private func partition(_ server: FilePath) async throws {
        // Without these both would wait a minute before they call the other one gone.
        let timeouts = ["repl-ping-replica-period 1", "repl-timeout 3"]
        try await withTestNetwork { network in
            let master = try await network.addHost("master")
            let replica = try await network.addHost("replica")
            let spec = ClusterSpec([
                .redis(server: server, on: master, lines: timeouts),
                .replica(server: server, on: replica, of: master.address, lines: timeouts),
            ])
            try await withLocalCluster(spec) { cluster in
                try await cluster.wait(untilReplicasOf: "master", are: 1)
                try await network.cut(replica)
                _ = try await cluster.redis("master", "SET", "k", "written meanwhile")
                try await cluster.wait(until: "both have noticed", of: "replica", within: .seconds(20)) {
                    let link = try await cluster.info("replica")["master_link_status"]
                    let count = try await cluster.info("master")["connected_slaves"]
                    return Observation(
                        link == "down" && count == "0", else: "link \(link ?? "?"), \(count ?? "?") replicas")
                }
                #expect(try await cluster.redis("replica", "GET", "k") == .null, "\(server)")

                try await network.heal(replica)
                try await cluster.wait(until: "the replica has it", of: "replica", within: .seconds(20)) {
                    let reply = try await cluster.redis("replica", "GET", "k")
                    return Observation(reply.text == "written meanwhile", else: "\(reply)")
                }
                let stats = try await cluster.info("master", section: "stats")
                #expect(stats["sync_partial_ok"] != "0", "\(server)")
                #expect(stats["sync_full"] == "1", "\(server): the first one")
            }
        }
    }
}
