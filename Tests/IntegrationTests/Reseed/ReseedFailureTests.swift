import Glibc
import Hiredis
import LocalTopology
import Testing

@Suite("A reseeding that is disturbed is taken back, and the next one completes:")
struct ReseedFailureTests {
    /// Two megabytes, which take a replica a second and a half once it is slowed down.
    private static let options = ReseedScene.Options(keys: 1000, valueBytes: 2000)
    private static let slowness = 1500

    /// Slows the transfer down, does something in the middle, and expects that the master's start is blocked.
    /// - Returns: what it said.
    private func disturbed(
        _ scene: ReseedScene, leaving entries: [String] = [], _ disturb: (LocalCluster) async throws -> Void
    ) async throws -> String {
        try await scene.slow(microseconds: Self.slowness)
        let log = try await scene.held { master in
            try await scene.waitUntilUnderWay(master)
            try await disturb(master)
            try await scene.slow(microseconds: 0)
        }
        #expect(log.contains("The restore from replicas failed: "), "\(log)")
        #expect(scene.entries == entries, "\(log)")
        return log
    }

    private func completes(_ scene: ReseedScene, _ life: ReseedScene.Life = .init()) async throws {
        try await scene.withMaster(life) { try await scene.expectHome($0) }
    }

    @Test("the sync source dies")
    func donorDies() async throws {
        try await withReseedScene(nil, Self.options) { scene in
            let log = try await disturbed(scene, leaving: ["redis-replica-init.reseed"]) { _ in
                try await scene.cluster.kill("replica-1")
            }
            #expect(log.contains("\(scene.node("replica-1").endpoint) ended the connection before its data was here"))
            try await scene.expectUntouched(["replica-2"])
            // It comes back without its data; until then its data might have been the freshest.
            try await scene.withMaster(.init(environment: ["REDIS_GUARD_TIMEOUT": "1"])) { master in
                try await scene.waitUntilUp(master)
                try await scene.cluster.launch("replica-1")
                try await scene.expectHome(master)
            }
        }
    }

    @Test("SIGTERM ends it in the middle")
    func terminated() async throws {
        try await withReseedScene(nil, Self.options) { scene in
            let log = try await disturbed(scene) { try await $0.terminate("master") }
            #expect(log.contains("a signal ended the start"), "\(log)")
            try await scene.expectUntouched()
            try await completes(scene)
        }
    }

    @Test("SIGTERM ends it while the sync source is stopped: what cannot be taken back now is by the next start")
    func terminatedWithoutDonor() async throws {
        try await withReseedScene(nil, Self.options) { scene in
            try await scene.slow(microseconds: Self.slowness)
            let log = try await scene.held { master in
                try await scene.waitUntilUnderWay(master)
                try await scene.cluster.pause("replica-1")
                try await master.terminate("master")
            }
            #expect(log.contains("could not be pointed back") && log.contains("the next start does it"), "\(log)")
            #expect(scene.entries == ["redis-replica-init.reseed"], "whom to point back is known")
            try await scene.cluster.resume("replica-1")
            try await scene.slow(microseconds: 0)
            // Also without a restore from replicas.
            let hold = try await scene.held(.init(environment: ["REDIS_ON_EMPTY": "hold"]))
            #expect(hold.contains("this master would start empty"), "\(hold)")
            #expect(scene.entries == [])
            try await scene.expectUntouched()
            try await completes(scene)
        }
    }

    @Test("an operator promotes the sync source, which stays a master")
    func donorPromoted() async throws {
        try await withReseedScene(nil, Self.options) { scene in
            let log = try await disturbed(scene) { _ in
                _ = try await scene.ask(scene.cluster, "replica-1", "REPLICAOF", "NO", "ONE")
            }
            #expect(log.contains("was promoted meanwhile, and stays a master"), "\(log)")
            #expect(!log.contains("send it REPLICAOF"), "who was promoted is not to be demoted: \(log)")
            #expect(try await scene.info(scene.cluster, "replica-1")["role"] == "master")
            try await scene.expectUntouched(["replica-2"])
            let second = try await scene.held(.init(environment: ["REDIS_ON_EMPTY": "hold"]))
            #expect(second.contains("is a master with 1000 keys: it was promoted"), "\(second)")
            try await demote("replica-1", scene)
            try await completes(scene)
        }
    }

    @Test("an operator promotes another replica")
    func otherPromoted() async throws {
        try await withReseedScene(nil, Self.options) { scene in
            let log = try await disturbed(scene) { _ in
                _ = try await scene.ask(scene.cluster, "replica-2", "REPLICAOF", "NO", "ONE")
            }
            #expect(log.contains("\(scene.node("replica-2").endpoint) is a master with 1000 keys"), "\(log)")
            try await scene.expectUntouched(["replica-1"])
            try await demote("replica-2", scene)
            try await completes(scene)
        }
    }

    @Test("another replica finds another master")
    func otherMaster() async throws {
        try await withReseedScene(nil, Self.options) { scene in
            let endpoint = Endpoint(host: "127.0.0.9", port: try Loopback.freePorts(1)[0])
            let server = NodeSpec.redis("other", server: try Harness.redisServer, at: endpoint)
            try await withLocalCluster(ClusterSpec([server])) { other in
                _ = try await other.redis("other", "SET", "key", "of another master")
                let log = try await disturbed(scene) { _ in
                    _ = try await scene.ask(
                        scene.cluster, "replica-2", "REPLICAOF", endpoint.host, "\(endpoint.port)")
                    try await scene.wait(until: "replica-2", holds: 1)
                }
                #expect(log.contains("is connected to its master at \(endpoint): another master is at work"), "\(log)")
                try await scene.expectUntouched(["replica-1"])
            }
            try await demote("replica-2", scene)
            try await completes(scene)
        }
    }

    private func demote(_ replica: String, _ scene: ReseedScene) async throws {
        _ = try await scene.ask(scene.cluster, replica, "REPLICAOF", ReseedScene.name, "\(scene.master.port)")
        try await scene.waitUntilDown()
    }

    @Test("the volume is full, in the middle of the data or before its first byte")
    func diskFull() async throws {
        try await withReseedScene(nil, Self.options) { scene in
            try #require(mount("tmpfs", scene.data, "tmpfs", 0, "size=1m,mode=777") == 0, "root mounts a small volume")
            defer { umount2(scene.data, Int32(MNT_DETACH)) }
            let log = try await scene.held()
            #expect(log.contains("No space left on device: give the volume more room"), "\(log)")
            #expect(scene.entries == [], "\(log)")
            try await scene.expectUntouched()

            let filler = [UInt8](repeating: 1, count: 1 << 20)
            try scene.scratch.write("data/filler", filler)
            let full = try await scene.held()
            #expect(full.contains("No space left on device: give the volume more room"), "\(full)")
            #expect(scene.entries == ["filler"], "\(full)")
            try await scene.expectUntouched()

            try #require(mount("tmpfs", scene.data, "tmpfs", UInt(MS_REMOUNT), "size=64m,mode=777") == 0)
            try await completes(scene)
        }
    }
}
