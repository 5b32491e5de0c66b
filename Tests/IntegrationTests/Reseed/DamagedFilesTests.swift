import Glibc
import Hiredis
import LocalTopology
import Testing

@Suite("A master whose files redis-server refuses")
struct DamagedFilesTests {
    /// How the files of a set are damaged, and whether the server repairs that itself.
    enum Damage: String, CaseIterable {
        case cutInTheMiddle, zerosAtTheEnd, missingFile, manifestOfZeros, damagedBase, cutBase, cutTail

        var isRepaired: Bool { self == .cutTail }
    }

    private static func life(_ policy: String) -> ReseedScene.Life {
        .init(
            environment: ["REDIS_ON_EMPTY": policy], arguments: ["--appendonly", "yes", "--appendfsync", "always"],
            lines: ["save \"\"", "repl-diskless-sync-delay 0", "aof-use-rdb-preamble yes"])
    }

    /// - Returns: false where this version has no such file.
    private func apply(_ damage: Damage, _ scene: ReseedScene) throws -> Bool {
        let folder = "data/appendonlydir"
        let names = scene.scratch.names(in: folder)
        let isSingle = names.isEmpty
        let increment = names.last { $0.hasSuffix(".incr.aof") }.map { "\(folder)/\($0)" } ?? "data/appendonly.aof"
        let base = names.first { $0.hasSuffix(".base.rdb") }.map { "\(folder)/\($0)" }
        func change(_ name: String, _ body: (inout [UInt8]) -> Void) throws {
            var bytes = try scene.scratch.read(name)
            body(&bytes)
            guard let stream = fopen(scene.scratch[name], "r+") else { throw Spawned.Failure(description: name) }
            defer { fclose(stream) }
            ftruncate(fileno(stream), 0)
            fwrite(bytes, 1, bytes.count, stream)
        }
        switch damage {
        case .cutInTheMiddle:
            try change(increment) { bytes in
                let text = Array("*3\r\n$3\r\nSET".utf8)
                let place = bytes.indices.last { bytes[$0...].starts(with: text) } ?? 0
                bytes.removeSubrange(place - 9..<place - 4)
            }
        case .zerosAtTheEnd: try change(increment) { $0 += [UInt8](repeating: 0, count: 512) }
        case .cutTail: try change(increment) { $0.removeLast(5) }
        case .missingFile:
            guard let base else { return false }
            return remove(scene.scratch[base]) == 0
        case .manifestOfZeros:
            guard !isSingle else { return false }
            try change("\(folder)/appendonly.aof.manifest") { $0 = [UInt8](repeating: 0, count: $0.count) }
        case .damagedBase:
            guard let base else { return false }
            try change(base) { $0[$0.count - 12] ^= 0x41 }
        case .cutBase:
            guard let base else { return false }
            try change(base) { $0.removeLast(20) }
        }
        return true
    }

    @Test("says what to do, and with REDIS_ON_EMPTY=reseed gets its data from a replica", arguments: Damage.allCases)
    func damaged(damage: Damage) async throws {
        try await onEveryServer { path in
            try await withReseedScene(path, .init(keys: 100), Self.life("reseed")) { scene in
                // Two starts, so that the base holds keys.
                try await scene.live(Self.life("reseed")) { master in
                    try await scene.fill(master, from: 1, to: 200)
                }
                guard try apply(damage, scene) else { return }
                try await scene.withMaster(Self.life("hold")) { master in
                    guard !damage.isRepaired else {
                        try await scene.waitUntilUp(master)
                        #expect(try await !master.log(of: "master").contains("is damaged"))
                        return try await master.kill("master")
                    }
                    // redis-server's own verdict: what we call damaged it refuses.
                    let ending = try await master.waitUntilEnded("master", within: .seconds(30))
                    let log = try await master.log(of: "master")
                    #expect(ending == .exited(code: 1), "\(scene.server) \(damage): \(log)")
                    #expect(log.contains("is damaged (") && log.contains("set REDIS_ON_EMPTY=reseed"), "\(log)")
                    #expect(scene.asides == [])
                }
                try await scene.withMaster(Self.life("reseed")) { master in
                    // The writes of a script are one transaction: all of it is cut off.
                    try await scene.expectHome(master, keys: damage.isRepaired ? 100 : 200)
                    #expect(scene.asides.count == (damage.isRepaired ? 0 : 1))
                }
            }
        }
    }

    @Test("is left to redis-server where no replica holds a key: nothing is put aside")
    func withoutSource() async throws {
        try await withReseedScene(nil, .init(keys: 100), Self.life("reseed")) { scene in
            try await scene.live(Self.life("reseed")) { try await scene.fill($0, from: 1, to: 100) }
            try #require(try apply(.zerosAtTheEnd, scene))
            for replica in scene.replicas {
                _ = try await scene.ask(scene.cluster, replica, "CONFIG", "SET", "replica-read-only", "no")
                _ = try await scene.ask(scene.cluster, replica, "FLUSHALL")
            }
            try await scene.withMaster(Self.life("reseed")) { master in
                let ending = try await master.waitUntilEnded("master", within: .seconds(30))
                let log = try await master.log(of: "master")
                #expect(ending == .exited(code: 1) && log.contains("No replica holds a key"), "\(log)")
            }
            #expect(scene.asides == [])
        }
    }
}
