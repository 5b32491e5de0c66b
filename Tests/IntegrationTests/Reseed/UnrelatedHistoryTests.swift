import Glibc
import Hiredis
import LocalTopology
import Testing

@Suite("A master with an old RDB, beside replicas that came back from append-only files,")
struct UnrelatedHistoryTests {
    @Test("does not start where they hold more, and starts where they do not")
    func more() async throws {
        try await onEveryServer { path in
            var options = ReseedScene.Options(keys: 10)
            options.replicaLines = ["appendonly yes", "appendfsync always"]
            try await withReseedScene(path, options) { scene in
                try await scene.live { master in
                    try await scene.fill(master, from: 1, to: 10)
                    #expect(try await scene.ask(master, "master", "SAVE").text == "OK")
                    try await scene.fill(master, from: 11, to: 15)
                    for replica in scene.replicas { try await waitUntilOnDisk(scene, replica) }
                }
                for replica in scene.replicas { try await scene.cluster.kill(replica) }
                for replica in scene.replicas { try await scene.cluster.launch(replica) }
                for replica in scene.replicas { try await scene.wait(until: replica, holds: 15) }
                let log = try await scene.held()
                #expect(log.contains("holds 15 keys in database 0") && log.contains("which has 10"), "\(log)")
                #expect(log.contains("move the RDB out of the folder"), "the cure: \(log)")
                try await scene.expectUntouched(keys: 15)
                // The cure of the line.
                try #require(remove(scene.scratch["data/dump.rdb"]) == 0)
                try await scene.withMaster { try await scene.expectHome($0, keys: 15) }
            }
        }
    }

    private func waitUntilOnDisk(_ scene: ReseedScene, _ replica: String) async throws {
        try await scene.cluster.wait(until: "its append-only file is whole", of: replica, within: .seconds(30)) {
            let info = try await scene.info(scene.cluster, replica)
            let isWhole = ["aof_rewrite_in_progress", "aof_rewrite_scheduled"].allSatisfy { info[$0] == "0" }
            return Observation(isWhole, else: "\(info)")
        }
    }
}
