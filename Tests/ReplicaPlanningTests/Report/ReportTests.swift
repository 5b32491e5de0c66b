import RedisConf
import ReplicaPlanning
import Testing

@Suite("A report tells every setting and everything that is wrong")
struct ReportTests {
    @Test("each setting with where it comes from, the winner alone, lines that add up all")
    func settings() throws {
        var start = Start(
            file: "maxmemory 1mb\nmaxmemory 2mb\nsave 60 1\nsave 300 1\nport 1\ninclude /i\n",
            files: ["/i": "timeout 5\n", "/p": "hunter2\n"], arguments: ["--", "--hz", "20"])
        start.environment["REDIS_PORT_NUMBER"] = "7000"
        start.environment["REDIS_PASSWORD_FILE"] = "/p"
        start.environment["REDIS_EXTRA_FLAGS"] = "--maxclients 9"
        let report = try start.report()
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

    @Test("what is changed, added, removed and kept stands apart, with the old value and the reason")
    func changes() throws {
        let file =
            "bind 127.0.0.1 ::1\nport 6379\ndaemonize yes\nmaxmemory 2mb\nrequirepass hunter2\nsave 60 1\nreplicaof a 1\n"
        var start = Start(file: file, arguments: ["--", "--maxmemory", "3mb"])
        start.environment["REDIS_PORT_NUMBER"] = "6379"
        start.environment["REDIS_PASSWORD"] = "new"
        start.environment["REDIS_MASTER_PASSWORD"] = "new"
        let report = try start.report().text
        #expect(
            report == """
                role replica, configuration /etc/redis/redis.conf
                changed:
                  bind * -::*              default, was 127.0.0.1 ::1 (/etc/redis/redis.conf:1:1): other pods reach it by the pod's address
                  daemonize no             default, was yes (/etc/redis/redis.conf:3:1): a container ends with its first process
                  maxmemory 3mb            arguments, was 2mb (/etc/redis/redis.conf:4:1)
                  replicaof 10.0.0.5 6379  REDIS_MASTER_SERVICE_HOST, was a 1 (/etc/redis/redis.conf:7:1)
                  requirepass ********     REDIS_PASSWORD, was ******** (/etc/redis/redis.conf:5:1)
                added:
                  dir /data                default: the data folder of the image
                  masterauth ********      REDIS_MASTER_PASSWORD
                kept:
                  port 6379                REDIS_PORT_NUMBER
                  save 60 1                /etc/redis/redis.conf:6:1
                0 errors, 0 warnings, 0 notes: it would start

                """)
        start.environment["REDIS_REPLICATION_MODE"] = "master"
        let text = try start.report().text
        #expect(text.contains("removed:\n  replicaof a 1         REDIS_REPLICATION_MODE\n"), "\(text)")
    }

    @Test("on a terminal headings are bold, errors red and warnings yellow")
    func colours() throws {
        let text = try Start(file: "port 0\nslaveof a 1\nreplicaof b 2\n").report().text(hasColours: true)
        for part in ["\u{1B}[1madded:\u{1B}[0m\n", "\u{1B}[31merror: ", "\u{1B}[33mwarning: "] {
            #expect(text.contains(part), "\(text)")
        }
    }

    @Test("the user default with the given password is there once, beside other users")
    func users() throws {
        var start = Start(file: "user default on >old\nuser a on >x\n")
        start.environment["REDIS_PASSWORD"] = "new"
        let users = try start.report().settings.filter { $0.directive == "user" }
        #expect(users.map { $0.arguments.map(text) } == [["a", "on", ">x"], ["default", "on", ">new"]])
        #expect(users.map { "\($0.origin)" } == ["/etc/redis/redis.conf:2:1", "REDIS_PASSWORD"])
    }

    @Test("a start that would be refused is reported, with its exit code")
    func refused() throws {
        let found = try Start(file: "cluster-enabled yes\nport 0\n", environment: [:]).report()
        #expect(found.exitCode == 78)
        #expect(found.diagnostics.map(\.problem).contains(.masterMissing))
        #expect(found.diagnostics.map(\.problem).contains(.clusterEnabled))
        #expect(found.text.hasSuffix(": it would not start\n"))
    }

    @Test("strict makes a warning the end")
    func strict() throws {
        var start = Start(file: "slaveof a 1\nreplicaof b 2\n")
        #expect(try start.report().exitCode == 0)
        start.arguments = ["--strict"]
        #expect(try start.report().exitCode == 78)
    }

    @Test("no secret is in it, in neither form")
    func secrets() throws {
        var start = Start(
            file: "requirepass hunter2\nuser a on >hunter2\nmasterauth hunter2\n",
            arguments: ["--", "--masterauth", "hunter2"])
        start.environment["REDIS_PASSWORD"] = "hunter2"
        start.environment["REDIS_EXTRA_FLAGS"] = "--requirepass hunter2"
        let report = try start.report()
        for output in [report.text, report.json] {
            #expect(!output.contains("hunter2"))
            #expect(output.contains("********"))
        }
    }

    @Test("the JSON is one object on one line")
    func json() throws {
        let report = try Start(file: "logfile \"a\\\"b\\x01\"\nport 0\n").report()
        #expect(
            report.json.hasPrefix("{\"role\":\"replica\",\"configuration\":\"/etc/redis/redis.conf\",\"settings\":[{"))
        #expect(report.json.contains("\"message\":\"port 0 without tls-port or unixsocket: no client could connect\""))
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
