import RedisConf
import ReplicaInit
import Testing

@Suite("A report tells every setting and everything that is wrong")
struct ReportTests {
    private func report(_ start: Start) throws -> Report {
        var table = start.files.mapValues(bytes)
        if let file = start.file { table["/etc/redis/redis.conf"] = bytes(file) }
        return try Report(
            try Invocation((["check"] + start.arguments).map(bytes)),
            environment: Environment(entries: start.environment.map { bytes($0.key + "=" + $0.value) }),
            identity: start.identity, files: TableFiles(table: table))
    }

    @Test("each setting with where it comes from, the winner alone, lines that add up all")
    func settings() throws {
        var start = Start(
            file: "maxmemory 1mb\nmaxmemory 2mb\nsave 60 1\nsave 300 1\nport 1\ninclude /i\n",
            files: ["/i": "timeout 5\n", "/p": "hunter2\n"], arguments: ["--", "--hz", "20"])
        start.environment["REDIS_PORT_NUMBER"] = "7000"
        start.environment["REDIS_PASSWORD_FILE"] = "/p"
        start.environment["REDIS_EXTRA_FLAGS"] = "--maxclients 9"
        let report = try report(start)
        let lines = report.settings.map {
            "\($0.directive) \($0.shownArguments.joined(separator: " ")) (\($0.origin))\($0.isDecided ? " *" : "")"
        }
        #expect(
            lines == [
                "bind * -::* (default) *",
                "dir /data (default) *",
                "hz 20 (arguments)",
                "maxclients 9 (REDIS_EXTRA_FLAGS)",
                "maxmemory 2mb (/etc/redis/redis.conf:2:1)",
                "port 7000 (REDIS_PORT_NUMBER) *",
                "replicaof 10.0.0.5 6379 (REDIS_MASTER_SERVICE_HOST) *",
                "requirepass ******** (REDIS_PASSWORD_FILE=/p) *",
                "save 60 1 (/etc/redis/redis.conf:3:1)",
                "save 300 1 (/etc/redis/redis.conf:4:1)",
                "timeout 5 (/i:1:1)",
            ])
        #expect(report.exitCode == 0)
    }

    @Test("the user default with the given password is there once, beside other users")
    func users() throws {
        var start = Start(file: "user default on >old\nuser a on >x\n")
        start.environment["REDIS_PASSWORD"] = "new"
        let users = try report(start).settings.filter { $0.directive == "user" }
        #expect(users.map { $0.arguments.map(text) } == [["a", "on", ">x"], ["default", "on", ">new"]])
        #expect(users.map { "\($0.origin)" } == ["/etc/redis/redis.conf:2:1", "REDIS_PASSWORD"])
    }

    @Test("a start that would be refused is reported, with its exit code")
    func refused() throws {
        let found = try report(Start(file: "cluster-enabled yes\nport 0\n", environment: [:]))
        #expect(found.exitCode == 78)
        #expect(found.diagnostics.map(\.problem).contains(.masterMissing))
        #expect(found.diagnostics.map(\.problem).contains(.clusterEnabled))
        #expect(found.text.hasSuffix(": it would not start\n"))
    }

    @Test("strict makes a warning the end")
    func strict() throws {
        var start = Start(file: "slaveof a 1\nreplicaof b 2\n")
        #expect(try report(start).exitCode == 0)
        start.arguments = ["--strict"]
        #expect(try report(start).exitCode == 78)
    }

    @Test("no secret is in it, in neither form")
    func secrets() throws {
        var start = Start(
            file: "requirepass hunter2\nuser a on >hunter2\nmasterauth hunter2\n",
            arguments: ["--", "--masterauth", "hunter2"])
        start.environment["REDIS_PASSWORD"] = "hunter2"
        start.environment["REDIS_EXTRA_FLAGS"] = "--requirepass hunter2"
        let report = try report(start)
        for output in [report.text, report.json] {
            #expect(!output.contains("hunter2"))
            #expect(output.contains("********"))
        }
    }

    @Test("the JSON is one object on one line")
    func json() throws {
        let report = try report(Start(file: "logfile \"a\\\"b\\x01\"\nport 0\n"))
        #expect(
            report.json.hasPrefix("{\"role\":\"replica\",\"configuration\":\"/etc/redis/redis.conf\",\"settings\":[{"))
        #expect(report.json.contains("\"message\":\"port 0 without tls-port or unixsocket: nobody could connect\""))
        #expect(report.json.contains("{\"kind\":\"file\",\"file\":\"/etc/redis/redis.conf\",\"line\":2,\"column\":1}"))
        #expect(report.json.hasSuffix("\"exitCode\":78}\n"))
        #expect(report.json.count(where: \.isNewline) == 1)
    }
}

@Suite("redis-server's arguments are looked at")
struct ServerArgumentTests {
    @Test(
        "what overrules a decision is a warning, what does not is none",
        arguments: [
            ("--port 7000", "port"), ("--PORT 7000", "port"), ("--bind 0.0.0.0", "bind"),
            ("--slaveof other 1", "replicaof"), ("--replicaof other 1", "replicaof"), ("--dir /x", "dir"),
            ("--masteruser x", "masteruser"), ("--port 6379", "port"), ("--replicaof 10.0.0.5 6379", nil),
            ("--dir /data", nil), ("--appendonly yes --maxmemory 1gb", nil), ("--loglevel", nil), ("stray", nil),
        ] as [(String, DirectiveName?)])
    func overruled(flags: String, name: DirectiveName?) throws {
        for isVariable in [true, false] {
            var start = Start()
            if isVariable {
                start.environment["REDIS_EXTRA_FLAGS"] = flags
            } else {
                start.arguments = ["--"] + flags.split(separator: " ").map(String.init)
            }
            let origin: Origin = isVariable ? .environment("REDIS_EXTRA_FLAGS") : .arguments
            let found = try start.plan().diagnostics.filter { $0.origin == origin }
            #expect(found.allSatisfy { $0.severity == .warning })
            let names = found.compactMap { diagnostic in
                if case .argumentOverrules(let name, _) = diagnostic.problem { name } else { nil }
            }
            #expect(names == (name.map { [$0] } ?? []))
        }
    }

    @Test("a secret among them is a warning", arguments: ["--requirepass", "--masterauth", "--user"])
    func secrets(option: String) throws {
        var start = Start()
        start.arguments = [option, "hunter2"]
        let found = try start.plan().diagnostics
        #expect(found.map(\.problem).contains(.secretInArguments(DirectiveName(String(option.dropFirst(2))))))
        #expect(!found.map(\.description).joined().contains("hunter2"))
    }
}
