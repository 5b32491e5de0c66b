import RedisConf
import ReplicaPlanning
import Testing

@Suite("Relative paths mean what redis-server makes of them")
struct RelativePathTests {
    private func lines(_ file: String, files: [String: String] = [:], environment: [String: String] = [:]) throws
        -> [String]
    {
        try start(file, files, environment).plan().lines
    }

    private func start(_ file: String, _ files: [String: String] = [:], _ environment: [String: String] = [:]) -> Start
    {
        var start = Start(file: file, files: files)
        start.environment.merge(environment) { $1 }
        start.identity.workingFolder = bytes("/work")
        return start
    }

    @Test(
        "a rewritten dir does not move them",
        arguments: ["dir /var/lib/redis", "dir /var/lib\ndir redis", "dir /var/lib/./redis/"])
    func rewritten(dir: String) throws {
        let lines = try lines(
            "aclfile users.acl\nunixsocket run/r.sock\nloadmodule ./m.so a\ntls-cert-file tls/c\n\(dir)\n")
        let folder = "/var/lib/redis/"
        for line in [
            "aclfile \(folder)users.acl", "unixsocket \(folder)run/r.sock", "loadmodule \(folder)./m.so a",
            "tls-cert-file \(folder)tls/c", "dir /data",
        ] { #expect(lines.contains(line), "\(line) in \(lines)") }
    }

    @Test(
        "without dir, and where dir is ./, they are seen from where the server starts",
        arguments: ["", "dir ./\n", "dir .\n"])
    func working(dir: String) throws {
        let file = dir + "aclfile users.acl\nunixsocket r.sock\nloadmodule ./m.so\ntls-cert-file c\n"
        let lines = try lines(file)
        for line in [
            "aclfile /work/users.acl", "unixsocket /work/r.sock", "loadmodule /work/./m.so", "tls-cert-file /work/c",
        ] { #expect(lines.contains(line), "\(line) in \(lines)") }
        let stays = try self.lines(file, environment: ["REDIS_DATA_DIR": "/work"])
        #expect(stays.contains("aclfile users.acl") && stays.contains("loadmodule ./m.so"))
        // Nor where redis-server's own argument names the folder.
        var start = start(file)
        start.arguments = ["--", "--dir", "/other"]
        #expect(try start.plan().lines.contains("aclfile users.acl"))
        start.arguments = ["--", "--dir", "sub"]
        #expect(try start.plan().lines.contains("aclfile /work/sub/users.acl"))
    }

    @Test("a module without a slash is looked for by the loader, and stays")
    func moduleName() throws {
        #expect(try lines("loadmodule m.so a\ndir /var/lib/redis\n").contains("loadmodule m.so a"))
    }

    @Test("where dir stays, nothing is written")
    func kept() throws {
        let plan = try start("dir /srv\ndir redis\naclfile users.acl\n").plan()
        #expect(plan.lines.contains("aclfile users.acl") && plan.lines.contains("dir redis"))
        #expect(plan.dataFolder == bytes("/srv/redis"))
        #expect(plan.filesToRead == [bytes("/srv/redis/users.acl")])
        // `./` behind a folder that was chosen is that folder.
        #expect(try start("dir /srv\ndir ./\n").plan().dataFolder == bytes("/srv"))
    }

    @Test("of an included file, the main one overrules what can be overruled, and a module stops the start")
    func included() throws {
        let include = "dir /var/lib/redis\ninclude more.conf\n"
        let lines = try lines(include, files: ["/var/lib/redis/more.conf": "aclfile users.acl\n"])
        #expect(lines.contains("aclfile /var/lib/redis/users.acl") && lines.contains("dir /var/lib/redis"))
        #expect(lines.last { $0.hasPrefix("dir ") } == "dir /data")
        let module = start(include, ["/var/lib/redis/more.conf": "loadmodule ./m.so\n"]).diagnostics()
        #expect(
            module.contains {
                $0.problem == .pathMoved("loadmodule", from: bytes("/var/lib/redis/./m.so"), to: bytes("/data/./m.so"))
            })
    }

    @Test("those of variables are seen from the data folder, as redis-server sees them")
    func variables() throws {
        let plan = try start("", [:], ["REDIS_ACLFILE": "users.acl", "REDIS_DATA_DIR": "volume"]).plan()
        #expect(plan.dataFolder == bytes("/work/volume") && plan.lines.contains("dir /work/volume"))
        #expect(plan.filesToRead == [bytes("/work/volume/users.acl")])
    }

    @Test("--dir is redis-server's last word")
    func arguments() throws {
        var start = start("aclfile users.acl\ndir /srv\n")
        start.arguments = ["--", "--dir", "/other"]
        let plan = try start.plan()
        #expect(plan.dataFolder == bytes("/other") && plan.filesToRead == [bytes("/other/users.acl")])
    }

    @Test("a second start changes nothing")
    func twice() throws {
        let first = try start("aclfile a\nloadmodule ./m.so\ndir /var/lib/redis\n").plan()
        let second = try start(text(first.configuration)).plan()
        #expect(text(second.configuration) == text(first.configuration))
    }
}

@Suite("What belongs to redis-server in its folder")
struct OwnedFilesTests {
    private let owned = OwnedFiles(
        rdbName: bytes("dump.rdb"), appendName: bytes("appendonly.aof"), appendFolderName: bytes("appendonlydir"),
        otherNames: [bytes("nodes.conf"), bytes("users.acl")])

    @Test(arguments: [
        "dump.rdb", "appendonly.aof", "appendonly.aof.manifest", "appendonly.aof.12.base.rdb",
        "appendonly.aof.1.incr.aof",
        "temp-123.rdb", "temp-1.2.rdb", "temp-rewriteaof-12.aof", "temp-rewriteaof-bg-12.aof",
        "temp-appendonly.aof.incr",
        "temp-appendonly.aof.manifest", "nodes.conf", "nodes.conf.tmp-1-2", "users.acl", "users.acl.tmp-1",
        "redis-replica-init.reseed", "redis-replica-init.copy.rdb",
    ])
    func `the server's and ours`(name: String) { #expect(owned.holds(file: bytes(name))) }

    @Test(arguments: [
        "id_ed25519", ".ssh", "dump.rdb.bak", "dump.rdb2", "appendonly.aof.x.base.rdb", "appendonly.aof.1.base.txt",
        "appendonlydir", "temp-notes.txt", "my-temp-1.rdb", "redis.conf", "tls.key", "appendonly.aofx", "users.acl2",
    ])
    func `not somebody else's`(name: String) { #expect(!owned.holds(file: bytes(name))) }

    @Test("names follow the configuration")
    func names() throws {
        let file = """
            dir /data
            dbfilename other.rdb
            appendfilename a.aof
            appenddirname adir
            cluster-config-file /data/c.conf
            aclfile /etc/u.acl

            """
        let owned = try Start(file: file, files: ["/etc/u.acl": ""]).plan().ownedFiles
        for name in ["other.rdb", "a.aof.1.incr.aof", "c.conf", "nodes.conf"] {
            #expect(owned.holds(file: bytes(name)))
        }
        for name in ["dump.rdb", "appendonly.aof", "u.acl"] { #expect(!owned.holds(file: bytes(name))) }
        #expect(owned.holds(folder: bytes("adir")) && !owned.holds(folder: bytes("appendonlydir")))
        #expect(owned.isServersOwnFolder)
        #expect(try !Start(file: "dir /home/me\n").plan().ownedFiles.isServersOwnFolder)
    }
}
