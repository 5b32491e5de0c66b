import Glibc
import Hiredis
import LocalTopology
import Synchronization
import Testing

@Suite("While a master's data is on its way")
struct ReseedFenceTests {
    /// What the replicas answered to a write and a read, again and again.
    private final class Watch: Sendable {
        struct Answers {
            var refused = 0
            var read = 0
            var others: [String] = []
        }

        let answers = Mutex(Answers())
        let isOver = Mutex(false)

        func note(_ replica: String, write: BlockingReply, read: BlockingReply) {
            answers.withLock {
                if write.errorText?.hasPrefix("READONLY") == true {
                    $0.refused += 1
                } else {
                    $0.others.append("\(replica): SET \(write)")
                }
                if read.text?.hasPrefix("1:") == true {
                    $0.read += 1
                } else {
                    $0.others.append("\(replica): GET \(read)")
                }
            }
        }
    }

    @Test("no replica takes a write, and every one answers reads")
    func fence() async throws {
        try await onEveryServer { path in
            try await withReseedScene(path, .init(keys: 1000, valueBytes: 2000)) { scene in
                try await scene.slow(microseconds: 1000)
                let watch = Watch()
                try await withThrowingTaskGroup { group in
                    for replica in scene.replicas {
                        group.addTask { try await Self.tryToWrite(scene, replica, watch) }
                    }
                    try await Self.bringHome(scene, watch)
                    try await group.waitForAll()
                }
                let seen = watch.answers.withLock { $0 }
                #expect(seen.others == [], "\(scene.server)")
                #expect(seen.refused > 20 && seen.read == seen.refused, "\(scene.server): \(seen)")
            }
        }
    }

    private final class Peak: Sendable {
        let kibibytes = Mutex(0)
    }

    private static func bringHome(_ scene: ReseedScene, _ watch: Watch) async throws {
        try await scene.withMaster { master in
            try await scene.waitUntilUnderWay(master, bytes: 0)
            // Other clients at the master's address meanwhile get the error LOADING.
            let reply = try await scene.ask(master, "master", "GET", "key:1")
            #expect(reply.errorText?.hasPrefix("LOADING") == true, "\(reply)")
            try await master.wait(until: "the data is home", of: "master", within: .seconds(20)) {
                let log = try await master.log(of: "master")
                return Observation(log.contains("reseed: the data is restored"), else: log)
            }
            watch.isOver.withLock { $0 = true }
            try await scene.expectHome(master)
        }
    }

    private static func tryToWrite(_ scene: ReseedScene, _ replica: String, _ watch: Watch) async throws {
        while !watch.isOver.withLock({ $0 }), !Task.isCancelled {
            let write = try await scene.ask(scene.cluster, replica, "SET", "key:1", "lost")
            watch.note(replica, write: write, read: try await scene.ask(scene.cluster, replica, "GET", "key:1"))
        }
    }

    @Test("its memory does not grow with it")
    func memory() async throws {
        var peaks: [Int] = []
        for megabytes in [10, 60] {
            let options = ReseedScene.Options(keys: megabytes, valueBytes: 1 << 20, replicas: 1)
            try await withReseedScene(nil, options) { scene in
                let peak = try await scene.withMaster { master in
                    let peak = try await Self.peak(master)
                    try await scene.expectHome(master)
                    return peak
                }
                #expect((scene.scratch.size(of: "data/dump.rdb") ?? 0) >= megabytes << 20)
                peaks.append(peak)
            }
        }
        // 50 MB more of data. A check right at the exec sees the server, which takes 17 MB more than the entrypoint.
        #expect(peaks[1] - peaks[0] < 32 << 10, "\(peaks) KiB")
    }

    /// The highest resident size of redis-replica-init, in KiB, until it becomes redis-server.
    private static func peak(_ master: LocalCluster) async throws -> Int {
        let status = "/proc/\(try await master.processIdentifier(of: "master"))/status"
        let peak = Peak()
        try await master.wait(until: "it is redis-server", of: "master", within: .seconds(30)) {
            let lines = String(decoding: try Scratch.read(status), as: UTF8.self).split(separator: "\n")
            // Before, it is setpriv. The kernel keeps fifteen bytes of a name; a copy for another user has its own.
            let isInit = ["redis-replica-i", "bin-master-redi"].contains { lines.first == "Name:\t\($0)" }
            if isInit, let line = lines.first(where: { $0.hasPrefix("VmHWM:") }) {
                peak.kibibytes.withLock { $0 = Int(line.split { $0 == " " || $0 == "\t" }[1]) ?? $0 }
            }
            return Observation(
                peak.kibibytes.withLock { $0 } > 0 && lines.first == "Name:\tredis-server", else: "\(lines[0])")
        }
        return peak.kibibytes.withLock { $0 }
    }
}
