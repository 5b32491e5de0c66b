import Glibc
import Hiredis
import LocalTopology
import Testing

@Suite("All nodes restarted at once, one of them with an empty disk,")
struct AllNodesRestartedTests {
    /// `RESTART_ROUNDS=20` runs so many on every version.
    private static let rounds = getenv("RESTART_ROUNDS").flatMap { Int(String(cString: $0)) } ?? 4

    @Test("lose no key, in any order of their return")
    func noKeyLost() async throws {
        try await onEveryServer { path in
            var options = ReseedScene.Options(keys: 100)
            options.replicaLines = ["appendonly yes", "appendfsync always"]
            try await withReseedScene(path, options, Self.life) { scene in
                var keys = options.keys
                for round in 0..<Self.rounds {
                    try await self.bringBack(scene, round: round, keys: keys)
                    try await scene.live(Self.life) { master in
                        keys = 100 * (round + 2)
                        try await scene.fill(master, from: 1, to: keys)
                        for replica in scene.replicas { try await self.waitUntilOnDisk(scene, replica) }
                    }
                    for replica in scene.replicas { try await scene.cluster.kill(replica) }
                    self.loseDisk(scene, round: round)
                }
                try await self.bringBack(scene, round: Self.rounds, keys: keys)
            }
        }
    }

    /// With append-only files everywhere, as in the manifests: an RDB that is not written at every moment is older than what a
    /// replica acknowledged, and shares no history with one that was restarted from an append-only file.
    private static let life = ReseedScene.Life(
        environment: ["REDIS_GUARD_TIMEOUT": "30"], arguments: ["--appendonly", "yes", "--appendfsync", "always"])

    /// A replica that took a full copy has its old append-only file until the new one is written.
    private func waitUntilOnDisk(_ scene: ReseedScene, _ replica: String) async throws {
        try await scene.cluster.wait(until: "its append-only file is whole", of: replica, within: .seconds(30)) {
            let info = try await scene.info(scene.cluster, replica)
            let isWhole = ["aof_rewrite_in_progress", "aof_rewrite_scheduled"].allSatisfy { info[$0] == "0" }
            return Observation(isWhole, else: "\(info)")
        }
    }

    /// The master's, the first replica's, the second's, and so on.
    private func loseDisk(_ scene: ReseedScene, round: Int) {
        switch round % 3 {
        case 0: scene.wipe()
        case let index:
            let folder = "\(scene.cluster.folder)/\(scene.replicas[index - 1])"
            for name in Scratch.names(inFolder: folder) where name != "redis.conf" {
                Scratch.removeTree("\(folder)/\(name)")
            }
        }
    }

    /// In some rounds the master is first, and has looked for its replicas before one of them listens.
    private func bringBack(_ scene: ReseedScene, round: Int, keys: Int) async throws {
        let isMasterFirst = round % 2 == 1
        func launchReplicas() async throws {
            for replica in scene.replicas where await !scene.cluster.isRunning(replica) {
                try await scene.cluster.launch(replica)
            }
        }
        if !isMasterFirst { try await launchReplicas() }
        try await scene.withMaster(Self.life) { master in
            if isMasterFirst {
                try await master.wait(until: "it has looked for its replicas", of: "master") {
                    let log = try await master.log(of: "master")
                    return Observation(log.contains("nothing listens at") || log.contains("Ready"), else: log)
                }
            }
            try await launchReplicas()
            try await scene.expectHome(master, keys: keys)
            try await master.kill("master")
        }
        try await scene.waitUntilDown()
    }
}
