import RedisConf
import ReplicaPlanning
import Testing

@Suite("check knows what each version takes")
struct StartProblemTests {
    /// The messages about a master's file, without severity and place.
    private func told(
        _ file: String, _ variable: String = "REDIS_VERSION", _ version: String? = nil, files: [String: String] = [:]
    ) throws -> Report {
        var start = Start(file: file, environment: ["REDIS_REPLICATION_MODE": "master", "ALLOW_EMPTY_PASSWORD": "yes"])
        start.environment[variable] = version
        start.files = files
        return try start.report()
    }

    @Test(
        "a directive that came, went or was renamed",
        arguments: [
            ("vm-enabled no\n", "REDIS_VERSION", "7.0.15", "does not know vm-enabled, which every server has given up"),
            ("appenddirname a\n", "REDIS_VERSION", "6.2.7", "Redis 6.2 does not know appenddirname; Redis 7.0"),
            ("appenddirname a\n", "REDIS_VERSION", "7.0.0", nil),
            ("appenddirname a\n", "REDIS_VERSION", "7.2.4", nil),
            ("primaryauth a\n", "REDIS_VERSION", "8.0.2", nil),
            ("primaryauth a\n", "VALKEY_VERSION", "8.1.1", nil),
            ("hash-max-listpack-entries 5\n", "REDIS_VERSION", "6.0.16", "write hash-max-ziplist-entries"),
            ("maxmemory: 2mb\n", "REDIS_VERSION", "7.0", "no directive of Redis 7.0; write maxmemory"),
            ("maxmemroy 2mb\n", "REDIS_VERSION", "7.0", "no directive of Redis 7.0; write maxmemory"),
            ("hunter2hunter2\n", "REDIS_VERSION", "7.0", "no directive of Redis 7.0; remove the line"),
            ("dual-channel-replication-enabled yes\n", "REDIS_VERSION", "8.0", "Redis 8.0 does not know dual-channel"),
            ("mptcp yes\n", "VALKEY_VERSION", "8.1", "Valkey 8.1 does not know mptcp"),
            ("mptcp yes\n", "VALKEY_VERSION", "9.0.1", nil),
        ] as [(String, String, String, String?)])
    func directives(file: String, variable: String, version: String, expected: String?) throws {
        let found = try told(file, variable, version)
        #expect(found.exitCode == (expected == nil ? 0 : 78), "\(found.text)")
        if let expected {
            #expect(
                found.text.contains("error: /etc/redis/redis.conf:1:1: ") && found.text.contains(expected),
                "\(found.text)")
        }
        let told = found.diagnostics.map(\.description).joined()
        #expect(!told.contains("hunter2"))
    }

    @Test("a line of a server that is newer than the table is a warning, and of none an error if all refuse it")
    func unknownVersions() throws {
        #expect(try told("shiny-new-thing yes\n", "REDIS_VERSION", "8.9.0").exitCode == 0)
        #expect(try told("shiny-new-thing yes\n", "REDIS_VERSION", "8.9.0").text.contains("warning: "))
        #expect(try told("shiny-new-thing yes\n").exitCode == 78)
        #expect(try told("appenddirname a\nprimaryauth b\ngopher-enabled no\n").exitCode == 0)
        let start = Start(file: "appenddirname a\n")
        let old = ServerRelease(versionOutput: bytes("Redis server v=6.0.16 sha=0 bits=64\n"))
        #expect(try start.report(server: old).exitCode == 78)
        let redict = ServerRelease(versionOutput: bytes("Redict server v=7.3.6 sha=0\n"))
        #expect(try start.report(server: redict).exitCode == 0)
        #expect(redict?.version == .init(7, 3) && redict?.product == .redict)
        #expect(ServerRelease(versionOutput: bytes("KeyDB server v=6.3.4\n")) == nil)
        #expect(ServerRelease(versionOutput: []) == nil)
    }

    @Test("a secret is not in the message about its line")
    func secrets() throws {
        for line in [
            "requirepass \(String(repeating: "s3cr3t", count: 90))", "masterauth s3cr3t x", "user a >s3cr3t <s3cr3tt",
        ] {
            let found = try told(line + "\n", "REDIS_VERSION", "6.0.16")
            #expect(found.exitCode == 78, "\(line)")
            #expect(!found.diagnostics.map(\.description).joined().contains("s3cr3t"), "\(line)")
        }
    }

    @Test("one line of save points is a warning before 7.0, where it sets none")
    func save() throws {
        for (version, count) in [("6.0.16", 1), ("6.2.7", 1), ("7.0.15", 0)] {
            let found = try told("save 900 1 300 10\n", "REDIS_VERSION", version)
            #expect(found.exitCode == 0)
            #expect(
                found.diagnostics.count {
                    $0.problem == .start(.saveWithoutEffect(server: "Redis \(version.prefix(3))"))
                } == count)
        }
    }

    @Test(
        "what a line expects is reported",
        arguments: [
            ("maxmemory 2 mb\n", "maxmemory takes one argument"), ("maxmemory 2x\n", "a size such as 100mb or 1gb"),
            ("port 70000\n", "a whole number from 0 to 65535"),
            ("appendonly on\n", "refuses on: appendonly takes yes or no"),
            ("appendfsync never\n", "everysec, always or no"), ("dbfilename a/b\n", "a file name without a folder"),
            ("unixsocketperm 9\n", "an octal number up to 777"),
            ("rename-command NOSUCH x\n", "no such command to rename"),
            ("rename-command GET SET\n", "the new name is that of another command"),
            ("user a on\nuser a off\n", "a second line for this user"),
            ("sentinel monitor m 127.0.0.1 1 2\n", "a line of Sentinel"),
            ("tls-port 6390\n", "TLS is on, and tls-cert-file is not set"), ("a.b 1\n", "no module is loaded"),
            ("unixsocket /nowhere/x\n", "unixsocket needs the folder /nowhere, which is not there"),
            ("aclfile /nowhere\n", "aclfile names /nowhere, which cannot be read: no such file"),
            ("loadmodule /x.so\n", "loadmodule names /x.so, which cannot be read"),
            ("tls-port 6379\n", "port and tls-port are the same"),
            ("cluster-enabled yes\nport 60000\n", "the cluster's own port is 10000 above port"),
        ])
    func wanted(file: String, expected: String) throws {
        let found = try told(file, "REDIS_VERSION", "7.0.15")
        #expect(found.exitCode == 78 && found.text.contains(expected), "\(found.text)")
    }

    @Test("a line that is replaced cannot end the server, one in an included file can")
    func replaced() throws {
        #expect(try told("daemonize perhaps\nlogfile a b\n").exitCode == 0)
        let included = try told("include /i\n", files: ["/i": "\ndaemonize perhaps\n"])
        #expect(included.exitCode == 78 && included.text.contains("error: /i:2:1: "), "\(included.text)")
    }

    @Test("a file of users is read")
    func userFile() throws {
        let files = ["/a": "user a on >x ~* +@all\n\nuser b off\n", "/c": "# mine\n", "/d": "user a on\nuser a off\n"]
        #expect(try told("aclfile /a\n", "REDIS_VERSION", "7.0", files: files).exitCode == 0)
        #expect(
            try told("aclfile /c\n", "REDIS_VERSION", "7.0", files: files).text.contains("error: /c:1:1: every line"))
        #expect(try told("aclfile /d\n", "REDIS_VERSION", "7.0", files: files).text.contains("error: /d:2:1: "))
    }

    @Test("files for TLS count where TLS is spoken")
    func filesForTLS() throws {
        #expect(try told("tls-cert-file /none\n").exitCode == 0)
        let files = ["/c": "-----BEGIN CERTIFICATE-----\n", "/k": "-----BEGIN PRIVATE KEY-----\n", "/junk": "x"]
        let rest = "tls-port 6390\ntls-key-file /k\ntls-ca-cert-file /c\n"
        #expect(try told(rest + "tls-cert-file /c\n", files: files).exitCode == 0)
        #expect(
            try told(rest + "tls-cert-file /none\n", files: files).text.contains("tls-cert-file names /none, which"))
        #expect(try told(rest + "tls-cert-file /junk\n", files: files).text.contains("/junk, which is not PEM"))
        let alone = "tls-port 6390\ntls-key-file /k\ntls-cert-file /c\n"
        #expect(try told(alone, files: files).text.contains("TLS is on, and tls-ca-cert-file is not set"))
        #expect(try told(alone + "tls-auth-clients no\n", files: files).exitCode == 0)
    }

    @Test("a data folder is made where it is missing and there is room for it")
    func dataFolder() throws {
        #expect(try told("").exitCode == 0)
        #expect(try told("", files: ["/data/read-only": ""]).exitCode == 77)
        #expect(try told("dir /a/b\n", files: ["/a/read-only": ""]).exitCode == 77)
    }
}
