import Glibc
import Hiredis
import LocalTopology
import Testing

@Suite("rollback show", .serialized)
struct RollbackShowTests {
    private static func changes(for scene: RollbackScene) throws -> [KeyChange] {
        var connection = try scene.connect()
        let knowsFieldExpiry =
            if case .array(let known) = try connection.command("COMMAND", "INFO", "HPEXPIREAT") {
                known != [.null]
            } else { false }
        return KeyChange.all.filter { !$0.needsFieldExpiry || knowsFieldExpiry }
    }

    @Test("names each key that was changed in any way, and no other", arguments: RedisServer.paths)
    func changes(path: String) throws {
        let scene = try RollbackScene(path)
        let changes = try Self.changes(for: scene)
        // Each change has a twin that stays.
        for change in changes {
            for prefix in ["changed: ", "kept: "] {
                let select = [["SELECT", "\(change.database)"].map { Array($0.utf8) }]
                try scene.send(select + KeyChange.commands(change.data, for: prefix + change.name))
            }
        }
        let binary = Array("bin\u{0}".utf8) + [0xFF, 0x0A]
        try scene.send([[Array("SET".utf8), binary, [0xFE]]])
        let name = try scene.keep()
        #expect(try scene.shown(name) == [:])

        for change in changes {
            let select = [["SELECT", "\(change.database)"].map { Array($0.utf8) }]
            try scene.send(select + KeyChange.commands(change.change, for: "changed: " + change.name))
        }
        try scene.send([[Array("DEL".utf8), binary]])
        // What the file does not have is no matter.
        try scene.send(["SET", "new", "x"])
        var expected = ["0 \"bin\\x00\\xff\\n\"": "missing"]
        for change in changes { expected["\(change.database) \"changed: \(change.name)\""] = change.state }
        let shown = try scene.shown(name)
        let wrong = Set(expected.keys).union(shown.keys).filter { expected[$0] != shown[$0] }
        #expect(wrong == [])

        let (_, json) = try scene.run("show", name, "--json")
        #expect(json.contains("\"key_base64\": \"YmluAP8K\"") && json.contains("\"key\": \"changed: clé, 键, ключ\""))
        let missing = expected.values.count { $0 == "missing" }
        #expect(
            json.contains("\"counts\": {\"missing\": \(missing), \"differs\": \(expected.count - missing)"), "\(json)")
        // It has written nothing.
        #expect(scene.scratch.names(in: "data/rollback") == [name])
    }

    @Test("needs the rights that the page names, and no other", arguments: RedisServer.paths)
    func rights(path: String) throws {
        let scene = try RollbackScene(path)
        for change in try Self.changes(for: scene) where change.database == 0 {
            try scene.send(KeyChange.commands(change.data, for: change.name))
        }
        let name = try scene.keep()
        let page = String(decoding: try Scratch.read("\(Scratch.root)/docs/failover.md"), as: UTF8.self)
        let section = try #require(page.components(behind: "#### Rights for rollback show"))
        let rights = section.split { " `\n.".contains($0) }.filter { $0.hasPrefix("+") }.map(String.init)
        #expect(rights.count > 20)
        var connection = try scene.connect()
        _ = try connection.command("ACL", "SETUSER", "other", "on", ">secret-of-other", "~*", "-@all")
        // Not all versions know all of them.
        for right in rights { _ = try connection.command("ACL", "SETUSER", "other", right) }
        scene.environment["REDIS_PROBE_USER"] = "other"
        scene.environment["REDIS_PROBE_PASSWORD"] = "secret-of-other"
        _ = try connection.command("ACL", "SETUSER", "default", "off")
        let (ending, output) = try scene.run("show", name)
        #expect(ending == .exited(0), "\(output)")
    }

    @Test("says nothing of keys and fields whose time is over", arguments: RedisServer.paths)
    func expired(path: String) throws {
        let scene = try RollbackScene(path, ["--hz", "100"])
        try scene.send(["SET", "short", "x", "PX", "1500"], ["SET", "long", "x"])
        var connection = try scene.connect()
        let hasFields = try connection.command("HPEXPIRE", "none", "1", "FIELDS", "1", "f").errorText == nil
        if hasFields {
            try scene.send(["HSET", "h", "f", "v", "g", "w"], ["HPEXPIRE", "h", "1500", "FIELDS", "1", "f"])
            try scene.send(["HSET", "only", "f", "v"], ["HPEXPIRE", "only", "1500", "FIELDS", "1", "f"])
        }
        let name = try scene.keep()
        let isOver = Deadline.wait(20) { () -> Bool? in
            guard var connection = try? scene.connect(), (try? connection.command("GET", "short")) == .null else {
                return nil
            }
            let isGone = ["h", "only"].allSatisfy { (try? connection.command("HGET", $0, "f")) == .null }
            return isGone || !hasFields ? true : nil
        }
        #expect(isOver == true)
        let (ending, output) = try scene.run("show", name)
        #expect(ending == .exited(0), "\(output)")
        #expect(
            output.contains("0 missing, 0 differ") && output.contains("\(hasFields ? 2 : 1) expired since"), "\(output)"
        )
    }

    @Test("does not say of a module's value that it is the same", arguments: RedisServer.paths)
    func module(path: String) throws {
        let scene = try RollbackScene(path)
        var connection = try scene.connect()
        guard try connection.command("VADD", "v", "VALUES", "2", "1", "2", "e").errorText == nil else { return }
        let name = try scene.keep()
        #expect(try scene.shown(name) == ["0 \"v\"": "not-compared"])
        try scene.send(["DEL", "v"])
        #expect(try scene.shown(name) == ["0 \"v\"": "missing"])
    }

    @Test("compares with a replica, and warns where its link is down", arguments: RedisServer.representatives)
    func replica(path: String) throws {
        let scene = try RollbackScene(path)
        try scene.send(["SET", "k", "v"])
        let name = try scene.keep()
        // A replica of nothing keeps its data.
        try scene.send(["REPLICAOF", "127.0.0.1", "0"])
        let (ending, output) = try scene.run("show", name)
        #expect(
            ending == .exited(0) && output.contains("warning: the server beside is a replica whose link"), "\(output)")
        let (_, json) = try scene.run("show", name, "--json")
        #expect(json.contains("\"server\": {\"role\": \"slave\", \"link\": \"down\"}"))
        try scene.send(["CONFIG", "SET", "replica-serve-stale-data", "no"])
        let (refused, words) = try scene.run("show", name)
        #expect(refused == .exited(69) && words.contains("replica-serve-stale-data no"), "\(words)")
        #expect(words.split(separator: "\n").count <= 2)
    }

    @Test("of a key is undone by MIGRATE from a second server, as the page says", arguments: RedisServer.paths)
    func putBack(path: String) throws {
        let port = try Loopback.freePorts(1)[0]
        let scene = try RollbackScene(path, ["--port", "\(port)"])
        try scene.send(["HSET", "h", "f", "v"], ["SET", "k", "old"], ["PEXPIREAT", "k", "4102444800000"])
        let name = try scene.keep()
        try scene.send(["DEL", "h"], ["SET", "k", "new"])
        #expect(try scene.shown(name) == ["0 \"h\"": "missing", "0 \"k\"": "differs"])
        // The second server has the file, and no more.
        scene.scratch.makeFolder("old")
        try #require(link("\(scene.folder)/\(name)", scene.scratch["old/dump.rdb"]) == 0)
        let second = scene.scratch["old.sock"]
        let process = try Spawned(
            "/usr/bin/setpriv",
            [
                "--pdeathsig", "KILL", path, "--port", "0", "--unixsocket", second, "--dir", scene.scratch["old"],
                "--save",
                "",
            ], in: scene.scratch.path, log: scene.scratch["old.log"])
        defer { process.kill() }
        let reply = Deadline.wait(20) { () -> BlockingReply? in
            guard var connection = try? BlockingConnection(path: second, timeout: .seconds(10)) else { return nil }
            let reply = try? connection.command(
                "MIGRATE", "127.0.0.1", "\(port)", "", "0", "5000", "COPY", "REPLACE", "KEYS", "h", "k")
            return reply?.errorText?.hasPrefix("LOADING") == true ? nil : reply
        }
        #expect(reply?.text == "OK", "\(reply as Any)")
        #expect(try scene.shown(name) == [:])
    }
}

extension String {
    /// What follows a heading, up to the next one.
    fileprivate func components(behind heading: String) -> Substring? {
        guard let start = firstRange(of: heading)?.upperBound else { return nil }
        let end = self[start...].firstRange(of: "\n#")?.lowerBound
        return self[start..<(end ?? endIndex)]
    }
}
