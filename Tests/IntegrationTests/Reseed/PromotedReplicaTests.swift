import Hiredis
import LocalTopology
import Testing

@Suite("A master that has its data, beside a replica that was promoted meanwhile,")
struct PromotedReplicaTests {
    private static let appendOnly = ["--appendonly", "yes", "--appendfsync", "always"]

    private static func life(_ policy: String, _ more: [String: String] = [:]) -> ReseedScene.Life {
        .init(environment: ["REDIS_ON_EMPTY": policy].merging(more) { $1 }, arguments: appendOnly)
    }

    /// Two replicas and a master with `options.keys` keys in its append-only file, which is dead, and one key that it alone
    /// has; the first replica was promoted and took a write.
    private func withPromotion(_ path: String?, _ body: (ReseedScene) async throws -> Void) async throws {
        try await withReseedScene(path, .init(keys: 10), Self.life("reseed")) { scene in
            try await scene.live(Self.life("reseed")) { master in
                try await scene.fill(master, from: 1, to: 10)
                for replica in scene.replicas {
                    _ = try await scene.ask(scene.cluster, replica, "REPLICAOF", "127.0.0.1", "1")
                }
                #expect(try await scene.ask(master, "master", "SET", "own", "1").text == "OK")
            }
            try await promote("replica-1", scene)
            _ = try await scene.ask(
                scene.cluster, "replica-2", "REPLICAOF", ReseedScene.name, "\(scene.master.port)")
            try await body(scene)
        }
    }

    private func promote(_ replica: String, _ scene: ReseedScene) async throws {
        _ = try await scene.ask(scene.cluster, replica, "REPLICAOF", "NO", "ONE")
        #expect(try await scene.ask(scene.cluster, replica, "SET", "newer", replica).text == "OK")
    }

    @Test("is blocked, regardless of its append-only file, and nothing is written")
    func held() async throws {
        try await onEveryServer { path in
            try await withPromotion(path) { scene in
                let before = scene.entries
                let log = try await scene.held(Self.life("hold"))
                #expect(log.contains("\(scene.node("replica-1").endpoint) is a master with 11 keys"), "\(log)")
                #expect(log.contains("REDIS_ON_EMPTY=reseed"), "the cure: \(log)")
                #expect(scene.entries == before)
                try await scene.withMaster(Self.life("wait")) { master in
                    try await master.wait(until: "it waits, and says why", of: "master") {
                        let log = try await master.log(of: "master")
                        return Observation(log.contains("waiting (") && log.contains("is a master with 11"), else: log)
                    }
                    // Once it is a replica again nothing speaks against the start.
                    for replica in scene.replicas {
                        _ = try await scene.ask(
                            scene.cluster, replica, "REPLICAOF", ReseedScene.name, "\(scene.master.port)")
                    }
                    try await scene.waitUntilUp(master)
                    #expect(try await scene.ask(master, "master", "GET", "own").text == "1")
                }
            }
        }
    }

    @Test("comes back as its replica where that is wanted, at every restart, and keeps its own data aside")
    func follows() async throws {
        try await onEveryServer { path in
            try await withPromotion(path) { scene in
                for round in 1...3 {
                    try await scene.withMaster(Self.life("reseed")) { master in
                        try await master.wait(until: "it is a replica with the newer data", of: "master") {
                            let reply = try await scene.ask(master, "master", "GET", "newer")
                            return Observation(reply.text == "replica-1", else: "\(reply)")
                        }
                        let info = try await scene.info(master, "master")
                        #expect(info["role"] == "slave" && info["master_host"] == "127.0.0.2", "\(info)")
                        let write = try await scene.ask(master, "master", "SET", "lost", "1")
                        #expect(write.errorText?.hasPrefix("READONLY") == true, "\(write)")
                        let log = try await master.log(of: "master")
                        #expect(log.contains("this server starts as a replica of 127.0.0.2:"), "\(log)")
                        try await master.kill("master")
                    }
                    #expect(scene.asides.count == 1, "\(scene.entries)")
                    let copies = scene.entries.filter { $0.hasPrefix("redis-replica-init.replica.") }
                    #expect(copies.count == (round == 1 ? 0 : 1), "restarts do not fill the volume: \(scene.entries)")
                }
                // What it alone had is in what was kept aside.
                let kept = try #require(scene.asides.first)
                let aside = "data/\(kept)"
                let files =
                    scene.scratch.names(in: aside).map { "\(aside)/\($0)" }
                    + scene.scratch.names(in: "\(aside)/appendonlydir").map { "\(aside)/appendonlydir/\($0)" }
                let contents = files.compactMap { try? scene.scratch.read($0) }
                #expect(contents.contains { String(decoding: $0, as: UTF8.self).contains("\r\nown\r\n") }, "\(files)")
            }
        }
    }

    @Test("is blocked beside two of them, also where they lost their keys since")
    func twoMasters() async throws {
        try await withPromotion(nil) { scene in
            try await promote("replica-2", scene)
            for keys in ["11 keys", "0 keys"] {
                let log = try await scene.held(Self.life("reseed"))
                for replica in scene.replicas {
                    #expect(log.contains("\(scene.node(replica).endpoint) is a master with \(keys)"), "\(log)")
                    _ = try await scene.ask(scene.cluster, replica, "FLUSHALL")
                }
            }
        }
    }

    @Test("is blocked where only the other replicas hear the promoted one")
    func unseen() async throws {
        try await withPromotion(nil) { scene in
            let promoted = scene.node("replica-1").endpoint
            _ = try await scene.ask(scene.cluster, "replica-2", "REPLICAOF", promoted.host, "\(promoted.port)")
            try await scene.wait(until: "replica-2", holds: 11)
            let listed = ["REDIS_SLAVE_NODES_HOST": "\(scene.node("replica-2").endpoint)"]
            try await scene.withMaster(Self.life("hold", listed)) { master in
                // The promoted one is heard at least every ten seconds; a write is heard at once.
                try await master.wait(until: "it waits", of: "master") {
                    let log = try await master.log(of: "master")
                    return Observation(log.contains("waiting (") || log.contains("blocked:"), else: log)
                }
                let ending = try await master.waitUntilEnded("master", within: .seconds(30))
                let log = try await master.log(of: "master")
                #expect(ending == .exited(code: 75) && log.contains("another master is at work"), "\(log)")
            }
        }
    }
}
