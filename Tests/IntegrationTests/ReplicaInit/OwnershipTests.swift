import Glibc
import Testing

@Suite("As root, the init changes the owner of nothing that is not redis-server's")
struct OwnershipTests {
    /// A start as root that ends with `/bin/true` as the server, on a folder with these files.
    private func run(folder: String, files: [String], links: [String: String] = [:]) throws -> InitRun {
        var run = try InitRun()
        run.environment["REDIS_DATA_DIR"] = run.scratch[folder]
        for file in files { try run.scratch.write("\(folder)/\(file)", "x".utf8, mode: 0o600) }
        for (name, target) in links {
            try #require(symlink(run.scratch[target], run.scratch["\(folder)/\(name)"]) == 0)
        }
        return run
    }

    private func owner(_ run: InitRun, _ name: String) throws -> uid_t {
        var information = stat()
        try #require(lstat(run.scratch[name], &information) == 0, "\(name)")
        return information.st_uid
    }

    private var server: uid_t { get throws { try #require(getpwnam("redis"), "no user redis").pointee.pw_uid } }

    @Test("a home folder keeps its keys, and the start ends with what helps")
    func home() throws {
        try #require(geteuid() == 0, "this test needs root")
        let run = try run(
            folder: "me",
            files: [".ssh/id", "notes", "dump.rdb", "appendonlydir/appendonly.aof.1.base.rdb", "appendonlydir/x"],
            links: ["temp-1.rdb": "etc/redis.conf", "appendonly.aof": "me/notes"])
        chmod(run.scratch["me"], 0o755)
        let (ending, output) = try run.run()
        #expect(ending == .exited(77), "\(output)")
        #expect(
            output.contains("its owner stayed, since ") && output.contains("in it is not redis-server's"), "\(output)")
        for name in [
            "me", "me/.ssh", "me/.ssh/id", "me/notes", "me/temp-1.rdb", "me/appendonly.aof", "me/appendonlydir/x",
        ] {
            #expect(try owner(run, name) == 0, "\(name)")
        }
        // A start that ends changes nothing, not even what is redis-server's.
        for name in ["me/dump.rdb", "me/appendonlydir/appendonly.aof.1.base.rdb", "etc/redis.conf"] {
            #expect(try owner(run, name) == 0, "\(name)")
        }
        #expect(try run.configuration == "bind 127.0.0.1\n")
        // The user may write there: what is redis-server's becomes its own, and nothing else.
        chmod(run.scratch["me"], 0o777)
        #expect(try run.run().ending == .exited(0))
        for name in ["me/dump.rdb", "me/appendonlydir/appendonly.aof.1.base.rdb"] {
            #expect(try owner(run, name) == server, "\(name)")
        }
        for name in ["me", "me/notes", "me/.ssh/id"] { #expect(try owner(run, name) == 0, "\(name)") }
    }

    @Test(
        "a start that ends changes no owner and no file",
        arguments: ["a folder of mode 0555", "an aclfile for root alone", "an included file for root alone"])
    func nothingBeforeTheVerdict(case name: String) throws {
        try #require(geteuid() == 0, "this test needs root")
        let run = try run(folder: "volume", files: ["dump.rdb", "appendonly.aof"])
        var text = "bind 127.0.0.1\n"
        try run.scratch.write("secret", "user default on nopass\n".utf8, mode: 0o600)
        switch name {
        case "a folder of mode 0555": chmod(run.scratch["volume"], 0o555)
        case "an aclfile for root alone": text += "aclfile \(run.scratch["secret"])\n"
        default: text += "include \(run.scratch["secret"])\n"
        }
        try run.scratch.write("etc/redis.conf", text.utf8)
        let (ending, output) = try run.run()
        #expect(ending == .exited(77), "\(output)")
        for file in ["volume", "volume/dump.rdb", "volume/appendonly.aof", "etc/redis.conf"] {
            #expect(try owner(run, file) == 0, "\(file)")
        }
        #expect(try run.configuration == text)
        // check says so, too.
        #expect(try run.run(["check", run.scratch["etc/redis.conf"]]).ending == .exited(77))
    }

    @Test("a folder of redis-server's alone is given to its user, and what a volume has by itself stays")
    func own() throws {
        try #require(geteuid() == 0, "this test needs root")
        let run = try run(
            folder: "volume",
            files: ["dump.rdb", "lost+found/x", "nodes.conf", "appendonlydir/appendonly.aof.manifest"])
        let (ending, output) = try run.run()
        #expect(ending == .exited(0), "\(output)")
        for name in [
            "volume", "volume/dump.rdb", "volume/nodes.conf", "volume/appendonlydir",
            "volume/appendonlydir/appendonly.aof.manifest",
        ] {
            #expect(try owner(run, name) == server, "\(name)")
        }
        for name in ["volume/lost+found", "volume/lost+found/x"] { #expect(try owner(run, name) == 0, "\(name)") }
    }

    @Test("no link is followed: not of the folder, not by a second name of a file")
    func links() throws {
        try #require(geteuid() == 0, "this test needs root")
        var run = try run(folder: "real", files: ["dump.rdb"])
        try #require(symlink(run.scratch["real"], run.scratch["link"]) == 0)
        run.environment["REDIS_DATA_DIR"] = run.scratch["link"] + "/"
        let (ending, output) = try run.run()
        #expect(ending == .exited(77) && output.contains("its owner stayed, since it is a link"), "\(output)")
        #expect(try owner(run, "real") == 0 && owner(run, "real/dump.rdb") == 0)
        run.environment["REDIS_DATA_DIR"] = run.scratch["real"]
        try #require(link(run.scratch["real/dump.rdb"], run.scratch["elsewhere"]) == 0)
        _ = try run.run()
        #expect(try owner(run, "real/dump.rdb") == 0 && owner(run, "elsewhere") == 0)
        #expect(try owner(run, "real") == server)
    }
}
