import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

/// A moment in the life of a process: before it makes a system call for the nth time.
private struct KillPoint: CustomStringConvertible {
    var call: String
    var number: Int

    /// What the process is started by, so that it is killed then.
    var prefix: [String] {
        [
            "/usr/bin/strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(call)", "-e",
            "inject=\(call):signal=SIGKILL:when=\(number)",
        ]
    }

    var description: String { "\(call) \(number)" }
}

@Suite("A reseeding that is killed")
struct ReseedKillTests {
    /// `RESEED_KILL_POINTS` has that many tried on the machine's own version, and a quarter of them on each other one.
    private static let points = getenv("RESEED_KILL_POINTS").flatMap { Int(String(cString: $0)) } ?? 20

    private static let calls = [
        "openat", "write", "rename", "fsync", "unlink", "mkdir", "socket", "bind", "listen", "connect", "accept",
        "sendto",
    ]

    /// Kills a start at each of so many moments, spread over all, and lets the next one complete.
    /// - Returns: how many were tried, and how many of them came to pass.
    private static func kill(
        _ path: String?, share: Int, of shares: Int, points wanted: Int, appendOnly: Bool
    ) async throws -> (tried: Int, hits: Int) {
        var (tried, hits) = (0, 0)
        var options = ReseedScene.Options()
        options.keys = 300
        let life = ReseedScene.Life(arguments: appendOnly ? ["--appendonly", "yes"] : [])
        try await withReseedScene(path, options) { scene in
            let all = try await points(of: scene, life)
            let step = max(Double(all.count) / Double(wanted), 1)
            let chosen = stride(from: 0, to: Double(all.count), by: step).map { all[Int($0)] }
            for (index, point) in chosen.enumerated() where index % shares == share {
                tried += 1
                var killed = life
                killed.prefix = point.prefix
                if try await isKilled(scene, killed) { hits += 1 }
                for replica in scene.replicas { try await scene.wait(until: replica, holds: options.keys) }
                try await scene.withMaster(life) { master in
                    try await scene.expectHome(master)
                    try await master.kill("master")
                }
                try await scene.waitUntilDown()
                scene.wipe()
            }
        }
        return (tried, hits)
    }

    private static func isKilled(_ scene: ReseedScene, _ life: ReseedScene.Life) async throws -> Bool {
        try await scene.withMaster(life) { master in
            try await master.wait(until: "it is killed, or up", within: .seconds(30)) {
                if await !master.isRunning("master") { return .satisfied }
                let reply = try await scene.ask(master, "master", "DBSIZE")
                if case .integer = reply { return .satisfied }
                return .notYet("\(reply)")
            }
            guard await master.isRunning("master") else { return true }
            // A call that was made less often this time.
            try await master.kill("master")
            return false
        }
    }

    /// The calls of one start, from the first file on that it writes until redis-server.
    private static func points(of scene: ReseedScene, _ life: ReseedScene.Life) async throws -> [KillPoint] {
        scene.scratch.makeFolder("trace", mode: 0o777)
        var traced = life
        traced.prefix = [
            "/usr/bin/strace", "-f", "-qq", "-o", scene.scratch["trace/calls"], "-e",
            "trace=execve," + calls.joined(separator: ","),
        ]
        try await scene.withMaster(traced) { master in
            try await scene.expectHome(master)
            try await master.kill("master")
        }
        try await scene.waitUntilDown()
        scene.wipe()
        let lines = String(decoding: try scene.scratch.read("trace/calls"), as: UTF8.self).split(separator: "\n")
        var numbers: [String: Int] = [:]
        var points: [KillPoint] = []
        var hasBegun = false
        // A child that is asked for the server's version makes calls, too; strace counts those of each process by themselves.
        let process = lines.first.map { $0.prefix { $0 != " " } }
        for line in lines where line.prefix(while: { $0 != " " }) == process {
            let words = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
            // strace pads a process id of fewer than five digits with blanks.
            guard words.count == 2, case let rest = words[1].drop(while: { $0 == " " }),
                let call = rest.firstIndex(of: "(").map({ String(rest[..<$0]) })
            else { continue }
            if call == "execve", line.contains("redis-server\"") || line.contains("valkey-server\"") { break }
            numbers[call, default: 0] += 1
            if line.contains("redis-replica-init.reseed.tmp") { hasBegun = true }
            if hasBegun, calls.contains(call) { points.append(KillPoint(call: call, number: numbers[call]!)) }
        }
        try #require(points.count > 20, "\(lines.suffix(40).joined(separator: "\n"))")
        return points
    }

    @Test("at any step costs no key, and the next start completes")
    func anyStep() async throws {
        let (tried, hits) = try await withThrowingTaskGroup { group in
            for share in 0..<4 {
                group.addTask {
                    try await Self.kill(
                        nil, share: share / 2, of: 2, points: Self.points / 2, appendOnly: share % 2 == 1)
                }
            }
            let own = try RedisServer(try Harness.redisServer.string).testDescription
            let others = try RedisServer.paths.filter { try RedisServer($0).testDescription != own }
            for (index, path) in others.enumerated() {
                group.addTask {
                    try await Self.kill(path, share: 0, of: 1, points: Self.points / 4, appendOnly: index % 2 == 1)
                }
            }
            return try await group.reduce((0, 0)) { ($0.0 + $1.tried, $0.1 + $1.hits) }
        }
        #expect(tried > 0 && hits >= tried * 3 / 4, "\(hits) of \(tried) starts were killed")
    }
}
