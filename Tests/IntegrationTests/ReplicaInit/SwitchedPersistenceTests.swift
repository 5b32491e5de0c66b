import Glibc
import Hiredis
import LocalTopology
import Testing

@Suite("A server whose persistence was switched")
struct SwitchedPersistenceTests {
    /// A master without replicas, or without replicas yet.
    private static let roles: [[String: String]] = [
        ["REDIS_REPLICATION_MODE": "master"], ["REDIS_REPLICATION_MODE": "standalone"],
        ["REDIS_REPLICATION_MODE": "master", "REDIS_SLAVE_NODES_HOST": "no-such-name.invalid"],
    ]

    /// What lies in the folder, and how the next start would lose it.
    private static let traps: [(name: String, before: [String], isSaved: Bool, after: [String], words: String)] = [
        ("appendonly yes over an RDB", ["--appendonly", "no"], true, ["--appendonly", "yes"], "dump.rdb"),
        (
            "the same, under another name", ["--appendonly", "no", "--dbfilename", "mine"], true,
            ["--appendonly", "yes"], "/mine"
        ),
        ("another dbfilename", ["--dbfilename", "mine"], true, [], "/mine"),
        (
            "appendonly no over an append-only file", ["--appendonly", "yes"], false, ["--appendonly", "no"],
            "appendonly"
        ),
        (
            "another appendfilename", ["--appendonly", "yes", "--appendfilename", "mine.aof"], false,
            ["--appendonly", "yes"], "mine.aof"
        ),
    ]

    @Test("does not start empty over its data, and the line names the files and the cure", arguments: RedisServer.paths)
    func startsEmpty(path: String) async throws {
        try await Background.run {
            for (index, trap) in Self.traps.enumerated() {
                let scene = try PersistenceScene(path, Self.roles[index % Self.roles.count])
                try scene.live(trap.before) { connection in
                    _ = try connection.command("SET", "key", "1")
                    if trap.isSaved { _ = try connection.command("SAVE") }
                }
                let files = scene.files
                for role in Self.roles {
                    let output = try scene.expectBlocked(trap.after, role, trap.name)
                    #expect(
                        output.contains("would load nothing") && output.contains(trap.words), "\(trap.name): \(output)")
                    #expect(
                        output.contains("CONFIG SET appendonly yes") && output.contains("REDIS_ON_EMPTY=start"),
                        "the cure: \(output)")
                }
                #expect(scene.files == files, "\(trap.name): nothing is written")
                #expect(try scene.value("key", trap.before) == "1", "\(trap.name)")
                let value = try scene.value("key", trap.after, ["REDIS_ON_EMPTY": "start"])
                #expect(value == nil, "what this server makes of it: \(trap.name)")
            }
        }
    }

    @Test("takes an RDB over into an append-only file by the way that the line names", arguments: RedisServer.paths)
    func cure(path: String) async throws {
        try await Background.run {
            let scene = try PersistenceScene(path, Self.roles[0])
            try scene.live(["--appendonly", "no"]) { connection in
                _ = try connection.command("SET", "key", "1")
                _ = try connection.command("SAVE")
            }
            try scene.live(["--appendonly", "no"]) { connection in
                _ = try connection.command("CONFIG", "SET", "appendonly", "yes")
                let isWhole = Deadline.wait(20) { () -> Bool? in
                    guard let info = (try? connection.command("INFO", "persistence"))?.text else { return nil }
                    return info.contains("aof_rewrite_in_progress:0") && info.contains("aof_rewrite_scheduled:0")
                        ? true : nil
                }
                #expect(isWhole == true)
            }
            #expect(try scene.value("key", ["--appendonly", "yes"]) == "1")
        }
    }

    @Test(
        "does not load an RDB that is older than its append-only file, and loads one that it wrote at its end",
        arguments: RedisServer.paths)
    func olderRDB(path: String) async throws {
        try await Background.run {
            let scene = try PersistenceScene(path, Self.roles[0])
            try scene.live(["--appendonly", "yes"]) { connection in
                _ = try connection.command("SET", "old", "1")
                _ = try connection.command("SAVE")
                // The RDB's time is in seconds.
                let second = time(nil)
                _ = Deadline.wait(5) { time(nil) > second ? true : nil }
                _ = try connection.command("SET", "new", "1")
            }
            let output = try scene.expectBlocked(["--appendonly", "no"], Self.roles[1], "an older RDB")
            #expect(output.contains("was written after that was made") && output.contains("dump.rdb"), "\(output)")
            #expect(try scene.value("new", ["--appendonly", "yes"], ending: "SAVE") == "1")
            #expect(try scene.value("new", ["--appendonly", "no"]) == "1")
        }
    }
}

/// One data folder, and lives of a server on it that the init starts.
private struct PersistenceScene {
    private var run: InitRun

    init(_ path: String, _ environment: [String: String]) throws {
        let server = try RedisServer(path)
        run = try InitRun(configuration: "save \"\"\n", server: path)
        run.environment.merge(["SKIP_DROP_PRIVS": "1", server.variable.name: server.variable.value]) { $1 }
        run.environment.merge(environment) { $1 }
    }

    /// The names and sizes in the folder, and in the folder of the append-only set.
    var files: [String] {
        ["data", "data/appendonlydir"].flatMap { folder in
            run.scratch.names(in: folder).map { "\(folder)/\($0) \(run.scratch.size(of: "\(folder)/\($0)") ?? 0)" }
        }
    }

    private func start(_ arguments: [String], _ environment: [String: String]) throws -> Spawned {
        var run = run
        run.environment.merge(environment) { $1 }
        return try run.start(
            [run.scratch["etc/redis.conf"], "--", "--port", "0", "--unixsocket", run.scratch["s.sock"]] + arguments)
    }

    func live(
        _ arguments: [String], _ environment: [String: String] = [:], ending: String = "NOSAVE",
        _ body: (inout BlockingConnection) throws -> Void
    ) throws {
        let socket = run.scratch["s.sock"]
        unlink(socket)
        let process = try start(arguments, environment)
        let isUp = Deadline.wait(30) { () -> Bool? in
            if process.endingIfOver() != nil { return false }
            guard access(socket, F_OK) == 0,
                var connection = try? BlockingConnection(path: socket, timeout: .seconds(10))
            else { return nil }
            return (try? connection.command("PING"))?.text == "PONG" ? true : nil
        }
        guard isUp == true else { throw Spawned.Failure(description: process.output) }
        var connection = try BlockingConnection(path: socket, timeout: .seconds(10))
        try body(&connection)
        _ = try? connection.command("SHUTDOWN", ending)
        #expect(process.ended() == .exited(0), "\(process.output)")
    }

    /// What a key has in one life.
    func value(
        _ key: String, _ arguments: [String], _ environment: [String: String] = [:], ending: String = "NOSAVE"
    ) throws -> String? {
        var value: String?
        try live(arguments, environment, ending: ending) { value = try $0.command("GET", key).text }
        return value
    }

    /// - Returns: what it said.
    func expectBlocked(_ arguments: [String], _ environment: [String: String], _ name: String) throws -> String {
        let process = try start(arguments, environment)
        let ending = process.ended()
        #expect(ending == .exited(75), "\(name): \(process.output)")
        return process.output
    }
}
