import Hiredis
import LocalTopology
import Testing

@Suite("A master with an append-only file, whose replica was promoted and is not on the list,")
struct PromotedHistoryTests {
    private static func life(_ policy: String, _ scene: ReseedScene, seconds: Int = 10) -> ReseedScene.Life {
        .init(
            environment: [
                "REDIS_ON_EMPTY": policy, "REDIS_GUARD_TIMEOUT": "\(seconds)",
                "REDIS_SLAVE_NODES_HOST": "\(scene.node("replica-2").endpoint)",
            ], arguments: ["--appendonly", "yes", "--appendfsync", "always"])
    }

    /// The master has 10 keys and is dead. The first replica was promoted, and the second one follows it and has all of its 60.
    private func withPromotion(_ path: String?, _ body: (ReseedScene) async throws -> Void) async throws {
        let life = ReseedScene.Life(arguments: ["--appendonly", "yes", "--appendfsync", "always"])
        try await withReseedScene(path, .init(keys: 5), life) { scene in
            // New keys: their arrival shows that both have the same part of the stream.
            try await scene.live(life) { try await scene.fill($0, from: 6, to: 10) }
            let promoted = scene.node("replica-1").endpoint
            _ = try await scene.ask(scene.cluster, "replica-1", "REPLICAOF", "NO", "ONE")
            _ = try await scene.ask(scene.cluster, "replica-2", "REPLICAOF", promoted.host, "\(promoted.port)")
            try await scene.cluster.wait(until: "it follows the promoted one", of: "replica-2") {
                let info = try await scene.info(scene.cluster, "replica-2")
                return Observation(info["master_link_status"] == "up", else: "\(info)")
            }
            let script = "for i = 11, 60 do redis.call('SET', 'key:' .. i, i) end return redis.call('DBSIZE')"
            let count = try await scene.ask(scene.cluster, "replica-1", "EVAL", script, "0")
            #expect(count == .integer(60))
            try await scene.wait(until: "replica-2", holds: 60)
            let history = try await scene.info(scene.cluster, "replica-2")
            try #require(history["second_repl_offset"] != "-1", "the promotion is not in its history: \(history)")
            try await body(scene)
        }
    }

    private func expectKept(_ scene: ReseedScene, _ log: String) async throws {
        #expect(!log.contains("Ready to accept"), "\(log)")
        #expect(try await scene.ask(scene.cluster, "replica-2", "DBSIZE") == .integer(60))
    }

    @Test("is blocked where that one is dead: its replica has what was acknowledged")
    func dead() async throws {
        try await onEveryServer { try await self.dead(path: $0) }
    }

    private func dead(path: String) async throws {
        try await withPromotion(path) { scene in
            try await scene.cluster.kill("replica-1")
            let before = scene.entries
            let (second, promoted) = (scene.node("replica-2").endpoint, scene.node("replica-1").endpoint)
            for pointedBack in [false, true] {
                if pointedBack {
                    _ = try await scene.ask(
                        scene.cluster, "replica-2", "REPLICAOF", ReseedScene.name, "\(scene.master.port)")
                }
                let log = try await scene.held(Self.life("hold", scene))
                #expect(log.contains("blocked: \(second) holds 60 keys at offset"), "\(log)")
                #expect(log.contains("another master was at work"), "\(log)")
                let followed = pointedBack ? "\(ReseedScene.name):\(scene.master.port)" : "\(promoted)"
                #expect(log.contains("it follows \(followed) now"), "\(log)")
                #expect(log.contains("REDIS_ON_EMPTY=reseed") && !log.contains("off the list"), "the cure: \(log)")
                try await expectKept(scene, log)
                #expect(scene.entries == before)
            }
        }
    }

    @Test("gets its replica's data where that is wanted", arguments: [false, true])
    func reseed(pointedBack: Bool) async throws {
        try await onEveryServer { try await self.reseed(path: $0, pointedBack: pointedBack) }
    }

    private func reseed(path: String, pointedBack: Bool) async throws {
        try await withPromotion(path) { scene in
            try await scene.cluster.kill("replica-1")
            if pointedBack {
                _ = try await scene.ask(
                    scene.cluster, "replica-2", "REPLICAOF", ReseedScene.name, "\(scene.master.port)")
            }
            try await scene.withMaster(Self.life("reseed", scene)) { master in
                try await scene.waitUntilUp(master)
                let log = try await master.log(of: "master")
                #expect(try await scene.ask(master, "master", "DBSIZE") == .integer(60), "\(log)")
                _ = try await scene.ask(
                    scene.cluster, "replica-2", "REPLICAOF", ReseedScene.name, "\(scene.master.port)")
                try await scene.waitUntilLinked("replica-2")
                #expect(try await scene.ask(scene.cluster, "replica-2", "DBSIZE") == .integer(60))
                #expect(scene.asides.count == 1, "\(scene.entries)")
                try await master.kill("master")
            }
            try await scene.cluster.wait(until: "its link is down", of: "replica-2") {
                let info = try await scene.info(scene.cluster, "replica-2")
                return Observation(info["master_link_status"] == "down", else: "\(info)")
            }
            // A copy of a master's data tells of no promotion any more.
            try await scene.withMaster(Self.life("hold", scene)) { master in
                try await scene.waitUntilUp(master)
                let log = try await master.log(of: "master")
                #expect(!log.contains("waiting ("), "\(log)")
                #expect(try await scene.ask(master, "master", "DBSIZE") == .integer(60), "\(log)")
            }
        }
    }

    @Test("is blocked where that one is alive and idle, however short the time is", arguments: [1, 3, 8])
    func idle(seconds: Int) async throws {
        try await withPromotion(nil) { scene in
            let log = try await scene.held(Self.life("hold", scene, seconds: seconds))
            #expect(log.contains("another master is at work"), "\(log)")
            try await expectKept(scene, log)
        }
    }

    @Test("is blocked where that one is stopped, and its link is silent", arguments: ["hold", "reseed"])
    func stopped(policy: String) async throws {
        try await withPromotion(nil) { scene in
            try await scene.cluster.pause("replica-1")
            let log = try await scene.held(Self.life(policy, scene, seconds: 15))
            #expect(log.contains("another master "), "\(log)")
            try await expectKept(scene, log)
            try await scene.cluster.resume("replica-1")
        }
    }

    @Test("is blocked beside a promoted one without keys: they were deleted there", arguments: ["hold", "reseed"])
    func withoutKeys(policy: String) async throws {
        try await withPromotion(nil) { scene in
            #expect(try await scene.ask(scene.cluster, "replica-1", "FLUSHALL").text == "OK")
            try await scene.wait(until: "replica-2", holds: 0)
            var life = Self.life(policy, scene)
            life.environment["REDIS_SLAVE_NODES_HOST"] = "\(scene.node("replica-1").endpoint)"
            let log = try await scene.held(life)
            #expect(log.contains("is a master with 0 keys: it was promoted"), "\(log)")
            #expect(!log.contains("bring the data back"), "\(log)")
            // And where only its replica is left.
            try await scene.cluster.kill("replica-1")
            let second = try await scene.held(Self.life(policy, scene))
            #expect(second.contains("holds 0 keys") && second.contains("another master was at work"), "\(second)")
        }
    }

    @Test("starts at once beside servers that were never anything")
    func firstInstallation() async throws {
        try await withReseedScene(nil, .init(keys: 0)) { scene in
            let life = ReseedScene.Life(arguments: ["--appendonly", "yes"])
            for replica in scene.replicas {
                try await scene.cluster.kill(replica)
                try await scene.cluster.launch(replica)
                try await scene.cluster.wait(until: "it answers", of: replica) {
                    let reply = try await scene.ask(scene.cluster, replica, "REPLICAOF", "NO", "ONE")
                    return Observation(reply.text == "OK", else: "\(reply)")
                }
            }
            try await scene.withMaster(life) { master in
                try await scene.waitUntilUp(master)
                let log = try await master.log(of: "master")
                #expect(!log.contains("waiting ("), "\(log)")
            }
        }
    }
}
