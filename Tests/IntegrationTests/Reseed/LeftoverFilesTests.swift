import Glibc
import Hiredis
import LocalTopology
import Testing

@Suite("No file of an older set becomes part of a new one:")
struct LeftoverFilesTests {
    private static func life(_ scene: ReseedScene, isVersionKnown: Bool = true) -> ReseedScene.Life {
        .init(
            environment: isVersionKnown ? [:] : [scene.server.variable.name: ""],
            arguments: ["--appendonly", "yes", "--appendfsync", "always"])
    }

    /// The files of the append-only set, by their paths in the scratch folder.
    private func files(_ scene: ReseedScene) -> [String] {
        let folder = scene.scratch.names(in: "data/appendonlydir").map { "data/appendonlydir/\($0)" }
        return folder.isEmpty ? ["data/appendonly.aof"] : folder
    }

    private func contents(_ scene: ReseedScene, aside: String) throws -> [String] {
        let folder = "data/\(aside)"
        let names =
            scene.scratch.names(in: folder).map { "\(folder)/\($0)" }
            + scene.scratch.names(in: "\(folder)/appendonlydir").map { "\(folder)/appendonlydir/\($0)" }
        return names.compactMap { try? String(decoding: scene.scratch.read($0), as: UTF8.self) }
    }

    @Test("INCRBY is counted once, however often the master restarts after its index was lost")
    func countedOnce() async throws {
        try await onEveryServer { path in
            try await withReseedScene(path, .init(keys: 1)) { scene in
                for isVersionKnown in [true, false] {
                    scene.wipe()
                    try await self.countOnce(scene, Self.life(scene, isVersionKnown: isVersionKnown))
                }
            }
        }
    }

    private func countOnce(_ scene: ReseedScene, _ life: ReseedScene.Life) async throws {
        try await scene.live(life) { master in
            _ = try await scene.ask(master, "master", "SET", "n", "0")
            #expect(try await scene.ask(master, "master", "INCRBY", "n", "5") == .integer(5))
            for replica in scene.replicas {
                try await scene.cluster.wait(until: "n arrived", of: replica) {
                    let reply = try await scene.ask(scene.cluster, replica, "GET", "n")
                    return Observation(reply.text == "5", else: "\(reply)")
                }
            }
        }
        // The index: the manifest; on 6.x the file itself, under the name of a rewrite that was cut off.
        if scene.server.has(7, 0) {
            try #require(remove(scene.scratch["data/appendonlydir/appendonly.aof.manifest"]) == 0)
        } else {
            let old = scene.scratch["data/appendonly.aof"]
            try #require(rename(old, scene.scratch["data/temp-rewriteaof-bg-17.aof"]) == 0)
        }
        for restart in 1...3 {
            try await scene.live(life) { master in
                let log = try await master.log(of: "master")
                #expect(try await scene.ask(master, "master", "GET", "n").text == "5", "start \(restart): \(log)")
                #expect(log.contains("kept aside in") == (restart == 1), "\(log)")
            }
        }
        let aside = try #require(scene.asides.first)
        let kept = try contents(scene, aside: aside)
        #expect(kept.contains { $0.contains("INCRBY") }, "\(aside): \(kept)")
    }

    @Test("writes that no replica has are kept aside, byte by byte, where the manifest lost its contents")
    func truncatedManifest() async throws {
        try await onEveryServer { path in
            try await withReseedScene(path, .init(keys: 10)) { scene in
                let life = Self.life(scene)
                try await scene.live(life) { master in
                    for replica in scene.replicas {
                        _ = try await scene.ask(scene.cluster, replica, "REPLICAOF", "127.0.0.1", "1")
                    }
                    for number in 1...10 {
                        #expect(try await scene.ask(master, "master", "SET", "own:\(number)", "kept").text == "OK")
                    }
                }
                for replica in scene.replicas {
                    _ = try await scene.ask(
                        scene.cluster, replica, "REPLICAOF", ReseedScene.name, "\(scene.master.port)")
                }
                let damaged =
                    scene.server.has(7, 0) ? "data/appendonlydir/appendonly.aof.manifest" : "data/appendonly.aof"
                let before = try self.files(scene).map { try scene.scratch.read($0) }
                if scene.server.has(7, 0) { try #require(truncate(scene.scratch[damaged], 0) == 0) }
                if !scene.server.has(7, 0) {
                    // Eight bytes of zeros in front: no append-only file any more.
                    try scene.scratch.write(damaged, [UInt8](repeating: 0, count: 8) + before[0])
                }
                try await scene.withMaster(life) { master in
                    try await scene.expectHome(master)
                    let log = try await master.log(of: "master")
                    let aside = try #require(scene.asides.first)
                    #expect(log.contains("kept aside in \(scene.data)/\(aside)"), "\(log)")
                    let kept = try self.contents(scene, aside: aside).joined()
                    for number in 1...10 { #expect(kept.contains("own:\(number)\r\n"), "\(kept)") }
                }
            }
        }
    }

    @Test("a single file that 7.0 takes over meets no leftover in the folder")
    func upgrade() async throws {
        try await onEveryServer { path in
            try await withReseedScene(path, .init(keys: 1)) { scene in
                guard scene.server.has(7, 0) else { return }
                scene.wipe()
                let command = "*3\r\n$6\r\nINCRBY\r\n$1\r\nn\r\n$1\r\n5\r\n"
                try scene.scratch.write("data/appendonly.aof", Array(command.utf8))
                try scene.scratch.write("data/appendonlydir/appendonly.aof.1.incr.aof", Array(command.utf8))
                let owner = try #require(getpwnam("redis")).pointee
                for name in [
                    "data/appendonly.aof", "data/appendonlydir", "data/appendonlydir/appendonly.aof.1.incr.aof",
                ] {
                    chown(scene.scratch[name], owner.pw_uid, owner.pw_gid)
                }
                for _ in 1...2 {
                    try await scene.withMaster(Self.life(scene)) { master in
                        try await scene.waitUntilUp(master)
                        let log = try await master.log(of: "master")
                        #expect(try await scene.ask(master, "master", "GET", "n").text == "5", "\(log)")
                        try await master.kill("master")
                    }
                }
                #expect(scene.asides.count == 1)
            }
        }
    }
}
