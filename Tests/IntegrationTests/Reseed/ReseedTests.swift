import Hiredis
import LocalTopology
import Testing

@Suite("A master without its data, on every version,")
struct ReseedTests {
    @Test("has 100,000 keys again, with and without an append-only file, whether its version is known or not")
    func comesHome() async throws {
        try await onEveryServer { path in
            var options = ReseedScene.Options()
            options.keys = 100_000
            let saving = ["save 3600 1", "repl-diskless-sync-delay 0"]
            let appendOnly = ["--appendonly", "yes"]
            try await withReseedScene(path, options, .init(lines: saving)) { scene in
                let unknown = [scene.server.variable.name: ""]
                for (round, life) in [
                    ReseedScene.Life(lines: saving),
                    .init(arguments: appendOnly, lines: saving),
                    .init(environment: unknown, arguments: appendOnly, lines: saving),
                ].enumerated() {
                    scene.wipe()
                    try await self.comesHome(scene, life, keys: 100_000 + round)
                }
            }
        }
    }

    private func comesHome(_ scene: ReseedScene, _ life: ReseedScene.Life, keys: Int) async throws {
        try await scene.withMaster(life) { master in
            try await scene.expectHome(master, keys: keys)
            let info = try await scene.info(master, "master")
            if life.arguments.isEmpty, scene.server.has(7, 0) {
                #expect(info["sync_full"] == "0" && info["sync_partial_ok"] == "2", "\(scene.server)")
            }
            let log = try await master.log(of: "master")
            #expect(log.contains("reseed: the data is restored") && log.contains("checksum right"), "\(log)")
            // A write reaches all replicas, and survives a normal restart.
            try await scene.fill(master, from: keys + 1, to: keys + 1)
            try await master.terminate("master")
        }
        try await scene.live(life) { master in
            try await scene.expectHome(master, keys: keys + 1)
            let log = try await master.log(of: "master")
            #expect(!log.contains("reseed:"), "its own data is enough: \(log)")
        }
    }

    @Test("gets what it lacks where it has older data of the same history")
    func behind() async throws {
        try await onEveryServer { path in
            try await withReseedScene(path) { scene in
                try await scene.withMaster { master in
                    try await scene.expectHome(master)
                    let reply = try await scene.ask(master, "master", "SAVE")
                    #expect(reply.text == "OK")
                    try await scene.fill(master, from: 1001, to: 1500)
                    try await master.kill("master")
                }
                try await scene.waitUntilDown()
                #expect(scene.entries == ["dump.rdb"])
                try await scene.withMaster { master in
                    try await scene.expectHome(master, keys: 1500)
                    #expect(try await master.log(of: "master").contains("of the same history"))
                }
            }
        }
    }

    @Test("gets the freshest data, not the most keys")
    func freshest() async throws {
        try await onEveryServer { path in
            try await withReseedScene(path) { scene in
                try await self.makeSecondFresher(scene)
                try await self.expectFreshest(scene)
            }
        }
    }

    @Test("gets the freshest data although the connection of that replica was closed when it asked to continue")
    func hungUp() async throws {
        try await onEveryServer { path in
            try await withReseedScene(path) { scene in
                try await self.makeSecondFresher(scene)
                try await Background.run { try SilentMaster.hangUp(at: scene.master) }
                try await self.expectFreshest(scene)
            }
        }
    }

    /// The first replica is led away before the last writes, which leave less keys.
    private func makeSecondFresher(_ scene: ReseedScene) async throws {
        try await scene.live { master in
            // On 6.x a fresh master begins at offset 0.
            try await scene.fill(master, from: 1, to: 1000)
            #expect(try await scene.ask(master, "master", "WAIT", "2", "9000") == .integer(2))
            _ = try await scene.ask(scene.cluster, "replica-1", "REPLICAOF", "127.0.0.1", "1")
            let script = "for i = 1, 900 do redis.call('DEL', 'key:' .. i) end redis.call('SET', 'last', 'write')"
            _ = try await scene.ask(master, "master", "EVAL", script, "0")
            try await scene.wait(until: "replica-2", holds: 101)
        }
        scene.wipe()
    }

    private func expectFreshest(_ scene: ReseedScene) async throws {
        _ = try await scene.ask(scene.cluster, "replica-1", "REPLICAOF", ReseedScene.name, "\(scene.master.port)")
        try await scene.withMaster { master in
            try await scene.expectHome(master, keys: 101)
            #expect(try await scene.ask(master, "master", "GET", "last").text == "write")
            let log = try await master.log(of: "master")
            #expect(log.contains("reseed: \(scene.node("replica-2").endpoint) is attached"), "\(log)")
        }
    }

    @Test("gets it from a replica that was restarted from its append-only file and knows no place in a history")
    func knowsNoPlace() async throws {
        try await onEveryServer { path in
            var options = ReseedScene.Options()
            options.replicaLines = ["appendonly yes"]
            try await withReseedScene(path, options) { scene in
                for replica in scene.replicas {
                    // One that still writes its first append-only file refuses to end.
                    try await scene.cluster.wait(until: "its append-only file is written", of: replica) {
                        let info = try await scene.info(scene.cluster, replica)
                        return Observation(
                            info["aof_rewrite_in_progress"] == "0" && info["aof_rewrite_scheduled"] == "0",
                            else: "not yet")
                    }
                    try await scene.cluster.restart(replica)
                }
                for replica in scene.replicas { try await scene.wait(until: replica, holds: 1000) }
                try await scene.withMaster { master in
                    try await scene.expectHome(master)
                    let log = try await master.log(of: "master")
                    #expect(log.contains("do not share one history"), "\(log)")
                }
            }
        }
    }
}
