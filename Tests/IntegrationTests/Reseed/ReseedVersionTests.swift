import Hiredis
import LocalTopology
import SystemPackage
import Testing

@Suite("A restore between versions of the server")
struct ReseedVersionTests {
    @Test("restores a hash whose field expires, on every version that has such fields")
    func expiringFields() async throws {
        try await onEveryServer { path in
            try await withReseedScene(path) { scene in
                guard scene.server.hasExpiringFields else { return }
                try await scene.live { master in
                    try await scene.expectHome(master)
                    _ = try await scene.ask(master, "master", "HSET", "hash", "field", "value")
                    let reply = try await scene.ask(
                        master, "master", "HEXPIRE", "hash", "100000", "FIELDS", "1", "field")
                    #expect(reply == .array([.integer(1)]), "\(reply)")
                    for replica in scene.replicas { try await scene.wait(until: replica, holds: 1001) }
                }
                for appendOnly in [[], ["--appendonly", "yes"]] {
                    scene.wipe()
                    try await scene.withMaster(.init(arguments: appendOnly)) { master in
                        try await scene.expectHome(master, keys: 1001)
                        let reply = try await scene.ask(master, "master", "HTTL", "hash", "FIELDS", "1", "field")
                        guard case .array(let list) = reply, case .integer(let seconds) = list.first else {
                            Issue.record("\(reply)")
                            return
                        }
                        #expect(seconds > 90_000)
                        try await master.kill("master")
                    }
                    try await scene.waitUntilDown()
                }
            }
        }
    }

    @Test("is blocked, with reason and cure, where the master's server cannot load the replicas' data")
    func olderMaster() async throws {
        let newer = try RedisServer.paths.map { try RedisServer($0) }.filter { $0.has(7, 2) }
        for replica in newer {
            var options = ReseedScene.Options()
            options.masterServer = try Harness.redisServer.string
            // What the master's version lacks can only come to be on the replica itself.
            options.replicaLines = ["replica-read-only no"]
            try await withReseedScene(replica.path, options) { scene in
                let mayWriteOld = replica.isValkey && replica.has(9, 0)
                if mayWriteOld {
                    for name in scene.replicas {
                        _ = try await scene.ask(scene.cluster, name, "HSET", "hash", "field", "value")
                        let reply = try await scene.ask(
                            scene.cluster, name, "HEXPIRE", "hash", "100000", "FIELDS", "1", "field")
                        #expect(reply == .array([.integer(1)]), "\(reply)")
                    }
                }
                let log = try await scene.held()
                let server = "\(replica.product) \(replica.major).\(replica.minor)"
                if mayWriteOld {
                    #expect(
                        log.contains("it runs \(server)") && log.contains("start \(server) or newer here"), "\(log)")
                } else {
                    #expect(log.contains("RDB version 1") && log.contains("cannot load"), "\(log)")
                    #expect(log.contains("start the replicas' version of the server here"), "\(log)")
                }
                #expect(scene.entries == [], "\(scene.entries)")
                try await scene.expectUntouched(keys: mayWriteOld ? 1001 : 1000)
            }
        }
    }
}

extension RedisServer {
    /// HEXPIRE came with Redis 7.4 and with Valkey 9.0.
    var hasExpiringFields: Bool { isValkey ? has(9, 0) : has(7, 4) }
}
