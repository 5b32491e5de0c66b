import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

@Suite("rollback, in trouble,", .serialized)
struct RollbackTroubleTests {
    private static func scene(_ options: [String] = []) throws -> RollbackScene {
        try RollbackScene(try Harness.redisServer.string, options)
    }

    @Test("lists the files, the newest first, with their keys", arguments: RedisServer.paths)
    func list(path: String) throws {
        let scene = try RollbackScene(path)
        let (none, words) = try scene.run("list")
        #expect(none == .exited(0) && words == "no rollback files in \(scene.folder)\n")
        try scene.send(["SET", "a", "1"])
        try scene.keep("term-3-0123abcd-from-100-to-200-bytes-100.rdb")
        try scene.send(["SELECT", "5"], ["RPUSH", "b", "1"], ["SADD", "c", "1"])
        try scene.keep("term-12-unknown-from-0-to-0-bytes-0.rdb")
        try scene.scratch.write("data/rollback/other.rdb", "no file of ours".utf8)
        let (ending, output) = try scene.run("list")
        let rows = output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(ending == .exited(0) && rows.count == 3, "\(output)")
        #expect(rows[0] == ["TERM", "HISTORY", "FROM", "TO", "BYTES", "WRITTEN", "KEYS", "FILE"])
        #expect(rows[1][0...4] == ["12", "unknown", "-", "-", "-"] && rows[1][6] == "3")
        #expect(rows[2][0...4] == ["3", "0123abcd", "100", "200", "100"] && rows[2][6] == "1")
        #expect(rows[2][5].wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil)
        let (_, json) = try scene.run("list", "--json")
        #expect(json.contains("\"term\": 12") && json.contains("\"keys\": 3, \"error\": null"), "\(json)")
        // Without a server, where the folder is named.
        scene.kill()
        #expect(try scene.run("list", "--folder", scene.folder) == (.exited(0), output))
    }

    @Test("says of a damaged file where the damage is, and ends with 65")
    func damaged() throws {
        let scene = try Self.scene()
        try scene.send(["SET", "a", "1"], ["SET", "b", String(repeating: "x", count: 1000)])
        let name = try scene.keep()
        let whole = try scene.scratch.read("data/rollback/\(name)")
        for (bytes, fault) in [
            (Array(whole.dropLast(20)), "ends too early, after \(whole.count - 20) bytes"),
            (whole.dropLast(1) + [whole.last! ^ 1], "its checksum at byte \(whole.count - 8) does not match"),
            (Array("hello, world".utf8), "is no RDB file"), ([], "ends too early, after 0 bytes"),
        ] as [([UInt8], String)] {
            try scene.scratch.write("data/rollback/\(name)", bytes)
            let (ending, output) = try scene.run("show", name)
            #expect(ending == .exited(65) && output.contains(fault), "\(output)")
            let (listed, table) = try scene.run("list")
            #expect(listed == .exited(65) && table.contains("damaged") && table.contains(fault), "\(table)")
            let (_, json) = try scene.run("show", name, "--json")
            #expect(json.contains("\"counts\": null, \"error\": \"the file"), "\(json)")
        }
    }

    @Test("says why a file cannot be read, and ends with 66")
    func unreadable() throws {
        let scene = try Self.scene()
        mkdir(scene.folder, 0o755)
        try #require(mkfifo("\(scene.folder)/fifo", 0o644) == 0)
        for (name, words) in [
            ("none.rdb", "none.rdb': No such file or directory"), ("fifo", "it is no ordinary file"),
            ("/dev/null", "it is no ordinary file"), (scene.folder, "it is no ordinary file"),
        ] {
            let (ending, output) = try scene.run("show", name)
            #expect(
                ending == .exited(66) && output.contains(words) && output.split(separator: "\n").count == 1, "\(output)"
            )
        }
        let (ending, output) = try scene.run("list", "--folder", scene.scratch["server.log"])
        #expect(ending == .exited(66) && output.contains("Not a directory"), "\(output)")
        let (away, words) = try scene.run("list", "--folder", scene.scratch["none/rollback"])
        #expect(away == .exited(66) && words.contains("run this where the server's volume is mounted"), "\(words)")
        scene.environment["REDIS_REPLICATION_MODE"] = "nonsense"
        let (wrong, reason) = try scene.run("list")
        #expect(wrong == .exited(78) && reason.contains("REDIS_REPLICATION_MODE"), "\(reason)")
    }

    @Test("says why the server cannot be asked, and ends with 69")
    func server() throws {
        let scene = try Self.scene(["--requirepass", "secret-of-the-server"])
        var connection = try scene.connect()
        _ = try connection.command("AUTH", "secret-of-the-server")
        _ = try connection.command("SET", "k", "v")
        _ = try connection.command("SAVE")
        let path = scene.scratch["data/dump.rdb"]
        let (denied, words) = try scene.run("show", path)
        #expect(denied == .exited(69) && words.contains("asks for a password"), "\(words)")
        scene.environment["REDIS_PASSWORD"] = "another-secret"
        let (wrong, moreWords) = try scene.run("list")
        #expect(wrong == .exited(69) && moreWords.contains("--folder") && !moreWords.contains("secret"), "\(moreWords)")
        scene.environment["REDIS_PASSWORD"] = "secret-of-the-server"
        #expect(try scene.run("show", path).ending == .exited(0))
        _ = try connection.command("ACL", "SETUSER", "default", "-getrange")
        let (lacking, right) = try scene.run("show", path)
        #expect(lacking == .exited(69) && right.contains("+getrange"), "\(right)")
        scene.kill()
        let (gone, reason) = try scene.run("show", path)
        #expect(gone == .exited(69) && reason.contains("cannot be reached at \(scene.socket)"), "\(reason)")
    }

    @Test("says that the server has fewer databases than the file")
    func databases() throws {
        let scene = try Self.scene(["--databases", "32"])
        try scene.send(["SELECT", "31"], ["SET", "k", "v"])
        let name = try scene.keep()
        let other = try Self.scene()
        let (ending, output) = try other.run("show", "\(scene.folder)/\(name)")
        #expect(ending == .exited(69) && output.contains("has no database 31"), "\(output)")
    }

    @Test("takes an answer that is larger than any that it expects for a difference, and goes on")
    func largeAnswers() throws {
        let scene = try Self.scene()
        let names = (0..<100).map { "field-\($0)" }
        try scene.send(
            ["HSET", "h"] + names.flatMap { [$0, "small"] }, ["SET", "other", "x"], ["SET", "another", "y"])
        try scene.send(["RPUSH", "l"] + names)
        let name = try scene.keep()
        let large = [UInt8](repeating: 120, count: 4 << 20)
        for index in 0..<9 {
            try scene.send([[Array("HSET".utf8), Array("h".utf8), Array(names[index].utf8), large]])
            try scene.send([[Array("LSET".utf8), Array("l".utf8), Array("\(index)".utf8), large]])
        }
        try scene.send(["SET", "another", "z"])
        #expect(try scene.shown(name) == ["0 \"h\"": "differs", "0 \"l\"": "differs", "0 \"another\"": "differs"])
    }
}
