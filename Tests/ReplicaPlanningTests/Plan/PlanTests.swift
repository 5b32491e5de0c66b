import RedisConf
import ReplicaPlanning
import Testing

@Suite("The plan rewrites a configuration")
struct PlanTests {
    @Test("a distribution's file becomes a replica's")
    func distribution() throws {
        let start = Start(
            file: """
                # bind is below
                bind 127.0.0.1 -::1
                protected-mode yes
                daemonize yes
                supervised systemd
                pidfile /run/redis/redis-server.pid
                logfile /var/log/redis/redis-server.log
                dir /var/lib/redis
                maxmemory 100mb
                slaveof old 1
                REPLICAOF older 2

                """,
            environment: [
                "REDIS_MASTER_SERVICE_HOST": "redis-master", "REDIS_MASTER_SERVICE_PORT": "6380", "POD_IP": "10.1.2.3",
                "ALLOW_EMPTY_PASSWORD": "yes",
            ])
        let plan = try start.plan()
        #expect(
            text(plan.configuration) == """
                # bind is below
                bind * -::*
                protected-mode no
                daemonize no
                supervised no
                pidfile ""
                logfile ""
                dir /data
                maxmemory 100mb
                replicaof redis-master 6380
                replica-announce-ip 10.1.2.3
                replica-announce-port 6379

                """)
        #expect(plan.diagnostics.map(\.problem) == [.shadowedReplicaof])
        #expect(
            plan.diagnostics.first?.origin == .file(path: bytes("/etc/redis/redis.conf"), Position(line: 10, column: 1))
        )
        #expect(plan.places.first == .file(bytes("/etc/redis/redis.conf")))
        #expect(!plan.holdsSecret)
        #expect(plan.dataFolder == bytes("/data"))
    }

    @Test("no file at all is an empty one, written where there is room")
    func nothing() throws {
        let plan = try Start(file: nil).plan()
        #expect(plan.source == nil)
        #expect(plan.lines == ["bind * -::*", "protected-mode no", "replicaof 10.0.0.5 6379", "dir /data"])
        #expect(
            plan.places == [
                .folder(bytes("/run/redis"), name: bytes("redis.conf")),
                .freshFolder(prefix: bytes("/tmp/redis-replica-init."), name: bytes("redis.conf")),
            ])
    }

    static let environments: [[String: String]] = [
        ["REDIS_MASTER_SERVICE_HOST": "10.0.0.5"],
        ["REDIS_MASTER_SERVICE_HOST": "fd00::5", "POD_IP": "fd00::6", "REDIS_PASSWORD": "p w\"\\\u{1}"],
        ["GET_HOSTS_FROM": "dns", "REDIS_VERSION": "6.0.16", "REDIS_PORT_NUMBER": "7000", "POD_IP": "10.0.0.1"],
        ["REDIS_REPLICATION_MODE": "master", "REDIS_VERSION": "8.0.1", "REDIS_DATA_DIR": "/else"],
        ["REDIS_REPLICATION_MODE": "standalone", "VALKEY_VERSION": "8.1.0"],
        ["REDIS_MASTER_HOST": "m", "REDIS_VERSION": "7.4", "REDIS_MASTER_PASSWORD": "#x", "REDIS_MASTER_USER": "u"],
    ]

    @Test(
        "a second start on the rewritten file changes no byte", arguments: environments,
        [
            "", "# c\r\nbind 1.2.3.4\r\nslaveof a 1\r\nport 6379", "include /inc\nport 1\n",
            "dir /c\ninclude rel\ndaemonize yes\n", "user default on >x\n",
            "'bind' \"127.0.0.1\"\nlogfile x\nlogfile y\n",
        ])
    func idempotence(environment: [String: String], file: String) throws {
        var start = Start(
            file: file, environment: environment,
            files: [
                "/inc": "replicaof other 6379\nbind 1.1.1.1\ndaemonize yes\n", "/c/rel": "logfile z\n",
                "/usr/local/lib/redis/modules/a.so": "",
            ])
        let first = try start.plan()
        start.file = text(first.configuration)
        let second = try start.plan()
        #expect(text(second.configuration) == text(first.configuration))
        #expect(second.decisions.allSatisfy { $0.action == .kept })
    }

    @Test(
        "one variable, one line",
        arguments: [
            ("REDIS_BIND", "127.0.0.1 -::1", "bind 127.0.0.1 -::1"),
            ("REDIS_VERSION", "6.0.16", "bind 0.0.0.0 ::"),
            ("REDIS_VERSION", "6.2", "bind * -::*"),
            ("REDIS_VERSION", "4.0.14", "slaveof 10.0.0.5 6379"),
            ("REDIS_VERSION", "7.0.15", "shutdown-on-sigterm save"),
            ("VALKEY_VERSION", "8.1", "shutdown-on-sigterm save"),
            ("REDIS_PORT_NUMBER", "7000", "port 7000"),
            ("REDIS_PORT", "7000", "port 7000"),
            ("REDIS_PASSWORD", "a b", "requirepass \"a b\""),
            ("REDIS_MASTER_PASSWORD", "#1", "masterauth \"#1\""),
            ("REDIS_MASTER_USER", "me", "masteruser me"),
            ("REDIS_ACLFILE", "/acl", "aclfile /acl"),
            ("REDIS_DATA_DIR", "/mnt", "dir /mnt"),
            ("POD_IP", "fd00::7", "replica-announce-ip fd00::7"),
            ("REDIS_REPLICA_IP", "node.example", "replica-announce-ip node.example"),
            ("REDIS_REPLICA_PORT", "31000", "replica-announce-port 31000"),
            ("REDIS_MASTER_SERVICE_PORT", "6380", "replicaof 10.0.0.5 6380"),
            ("REDIS_MASTER_PORT_NUMBER", "6381", "replicaof 10.0.0.5 6381"),
            ("REDIS_MASTER_PORT", "tcp://10.0.0.5:6379", "replicaof 10.0.0.5 6379"),
            ("REDIS_MASTER_HOST", "db", "replicaof db 6379"),
            ("GET_HOSTS_FROM", "dns", "replicaof redis-master 6379"),
            ("GET_HOSTS_FROM", "env", "replicaof 10.0.0.5 6379"),
            ("REDIS_REPLICATION_MODE", "SLAVE", "replicaof 10.0.0.5 6379"),
            ("REDIS_MASTER_SERVICE_HOST", "[fd00::1]", "replicaof fd00::1 6379"),
        ])
    func variables(name: String, value: String, line: String) throws {
        var start = Start()
        start.environment[name] = value
        #expect(try start.plan().lines.contains(line))
    }

    @Test(
        "a secret's file loses one newline and nothing else",
        arguments: [
            ("p", "p"), ("p\n", "p"), ("p\r\n", "p"), ("p\n\n", "\"p\\x0a\""), (" p ", "\" p \""),
            ("é", "\"\\xc3\\xa9\""),
        ])
    func secretFiles(contents: String, written: String) throws {
        var start = Start(files: ["/s": contents])
        start.environment["REDIS_PASSWORD_FILE"] = "/s"
        let plan = try start.plan()
        #expect(plan.lines.contains("requirepass \(written)"))
        #expect(plan.holdsSecret)
        let decision = try #require(plan.decisions.first { $0.directive == "requirepass" })
        #expect(decision.origin == .secretFile(variable: "REDIS_PASSWORD_FILE", path: bytes("/s")))
    }

    @Test("secrets are not shown, also not in comments")
    func redaction() throws {
        var start = Start(file: "# requirepass hunter2\n# masterauth is explained here\nuser a on >hunter2\nport 1\n")
        start.environment["REDIS_PASSWORD"] = "hunter2"
        start.environment["REDIS_MASTER_PASSWORD"] = "hunter2"
        let plan = try start.plan()
        let shown = text(plan.redactedConfiguration)
        #expect(!shown.contains("hunter2"))
        #expect(shown.contains("# masterauth is explained here\n"))
        #expect(shown.contains("requirepass ********\n"))
        #expect(!plan.decisions.map(\.description).joined().contains("hunter2"))
        #expect(text(plan.configuration).contains("requirepass hunter2"))
    }

    @Test("TLS alone has no plain port, and beside one it keeps both")
    func tls() throws {
        var start = Start(files: ["/c": "", "/k": "", "/ca": ""])
        for (name, value) in [("ENABLED", "yes"), ("CERT_FILE", "/c"), ("KEY_FILE", "/k"), ("CA_FILE", "/ca")] {
            start.environment["REDIS_TLS_" + name] = value
        }
        start.environment["POD_IP"] = "10.0.0.9"
        let lines = try start.plan().lines
        for line in [
            "port 0", "tls-port 6379", "tls-cert-file /c", "tls-key-file /k", "tls-ca-cert-file /ca",
            "tls-replication yes", "replica-announce-port 6379",
        ] {
            #expect(lines.contains(line))
        }
        start.environment["REDIS_PORT_NUMBER"] = "7000"
        start.environment["REDIS_TLS_PORT_NUMBER"] = "7001"
        let both = try start.plan()
        #expect(both.lines.contains("port 7000") && both.lines.contains("tls-port 7001"))
        #expect(both.filesToRead.map(text) == ["/c", "/k", "/ca"])
    }

    @Test("TLS alone is given a Unix socket for the probes, where the server can make one")
    func tlsSocket() throws {
        var start = Start(files: ["/c": "", "/k": "", "/ca": "", "/run/redis/x": ""])
        for (name, value) in [("ENABLED", "yes"), ("CERT_FILE", "/c"), ("KEY_FILE", "/k"), ("CA_FILE", "/ca")] {
            start.environment["REDIS_TLS_" + name] = value
        }
        let first = try start.plan()
        #expect(first.lines.contains("unixsocket /run/redis/redis.sock"))
        #expect(first.lines.contains("unixsocketperm 700"))
        start.file = text(first.configuration)
        #expect(try start.plan().configuration == first.configuration)
        start.file = "unixsocket /mine\n"
        #expect(try start.plan().lines.filter { $0.hasPrefix("unixsocket") } == ["unixsocket /mine"])
        start.file = ""
        start.files["/run/redis/read-only"] = ""
        let without = try start.plan()
        #expect(!without.lines.contains { $0.hasPrefix("unixsocket") })
        #expect(without.diagnostics.map(\.problem).contains(.probesCannotAsk))
        start.environment["REDIS_PORT_NUMBER"] = "7000"
        #expect(!(try start.plan().diagnostics.map(\.problem).contains(.probesCannotAsk)))
    }

    @Test("a master follows no server, also against an included file")
    func master() throws {
        var start = Start(file: "replicaof a 1\nport 1\n", environment: ["REDIS_REPLICATION_MODE": "master"])
        #expect(try start.plan().lines.first == "port 1")
        #expect(try start.plan().decisions.contains { $0.directive == "replicaof" && $0.action == .removed })
        start.file = "replicaof a 1\ninclude /i\n"
        start.files = ["/i": "slaveof b 2\n"]
        let plan = try start.plan()
        #expect(plan.lines.contains("replicaof no one") && !plan.lines.contains("replicaof a 1"))
        #expect(plan.diagnostics.map(\.problem).contains(.includedReplicaof))
    }

    @Test("a line that an include overrules moves behind it")
    func included() throws {
        let start = Start(file: "bind 1.1.1.1\ninclude /i\n", files: ["/i": "bind 2.2.2.2\nlogfile x\n"])
        #expect(
            try start.plan().lines == [
                "include /i", "bind * -::*", "protected-mode no", "replicaof 10.0.0.5 6379", "logfile \"\"",
                "dir /data",
            ])
    }

    @Test("the folder of the data: the variable, what was chosen, else /data")
    func folders() throws {
        #expect(try Start(file: "dir ./\n").plan().dataFolder == bytes("/data"))
        #expect(try Start(file: "dir /volume\n").plan().dataFolder == bytes("/volume"))
        #expect(try Start(file: "dir /volume\n").plan().lines.contains("dir /volume"))
    }

    @Test("modules of a Redis 8 image are loaded once, Valkey has none")
    func modules() throws {
        var start = Start(
            file: "loadmodule /usr/local/lib/redis/modules/a.so x\n",
            files: [
                "/usr/local/lib/redis/modules/a.so": "", "/usr/local/lib/redis/modules/b.so": "",
                "/usr/local/lib/redis/modules/c.txt": "",
            ])
        start.environment["REDIS_VERSION"] = "8.0.2"
        let expected = [
            "loadmodule /usr/local/lib/redis/modules/a.so x", "loadmodule /usr/local/lib/redis/modules/b.so",
        ]
        #expect(try start.plan().lines.filter { $0.hasPrefix("loadmodule") } == expected)
        start.environment["REDIS_VERSION"] = "7.2"
        #expect(try start.plan().lines.filter { $0.hasPrefix("loadmodule") } == [expected[0]])
    }

    @Test("protected mode is left alone where a password or a local bind protects")
    func protection() throws {
        var start = Start()
        start.environment["REDIS_BIND"] = "127.0.0.1"
        #expect(!(try start.plan().lines.contains("protected-mode no")))
        start = Start(file: "user default on >x\n")
        #expect(!(try start.plan().lines.contains("protected-mode no")))
    }
}
