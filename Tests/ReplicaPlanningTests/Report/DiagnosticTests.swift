import RedisConf
import ReplicaPlanning
import Testing

@Suite("Mistakes are found before exec")
struct DiagnosticTests {
    @Test(
        "a misspelled verb that is taken for a file is named",
        arguments: [
            ("chekc", "check"), ("prob", "probe"), ("rnder", "render"), ("rum", "run"),
        ])
    func misspelledVerb(word: String, meant: String) {
        let problem = Problem.configurationUnreadable(path: bytes(word), .missing)
        #expect("\(Diagnostic(.error, problem))".contains("did you mean '\(meant)'?"))
    }

    @Test(
        "a file that is missing is no misspelled verb", arguments: ["redis.conf", "/etc/chekc", "main", "a", "./chec"])
    func missingFile(word: String) {
        let problem = Problem.configurationUnreadable(path: bytes(word), .missing)
        #expect(!"\(Diagnostic(.error, problem))".contains("did you mean"))
    }

    @Test(
        "an environment that cannot be right is refused with exit code 78",
        arguments: [
            ([:], Problem.masterMissing),
            (["REDIS_REPLICATION_MODE": "boss"], .unknownMode(bytes("boss"))),
            (["GET_HOSTS_FROM": "luck"], .unknownHostsFrom(bytes("luck"))),
            (["REDIS_MASTER_SERVICE_HOST": "a b"], .malformedHost(bytes("a b"))),
            (["REDIS_MASTER_SERVICE_HOST": "h:6379"], .malformedHost(bytes("h:6379"))),
            (["REDIS_MASTER_SERVICE_HOST": "http://h"], .malformedHost(bytes("http://h"))),
            (["REDIS_MASTER_SERVICE_HOST": "h", "REDIS_MASTER_SERVICE_PORT": "0"], .malformedPort(bytes("0"))),
            (["REDIS_MASTER_SERVICE_HOST": "h", "REDIS_MASTER_SERVICE_PORT": "65536"], .malformedPort(bytes("65536"))),
            (["REDIS_MASTER_SERVICE_HOST": "h", "REDIS_MASTER_SERVICE_PORT": "6379 "], .malformedPort(bytes("6379 "))),
            (["REDIS_MASTER_SERVICE_HOST": "h", "POD_IP": "10.0.0"], .malformedAddress(bytes("10.0.0"))),
            (["REDIS_MASTER_SERVICE_HOST": "h", "REDIS_BIND": "tcp://x"], .malformedHost(bytes("tcp://x"))),
            (["REDIS_MASTER_SERVICE_HOST": "h", "REDIS_TLS_ENABLED": "maybe"], .malformedSwitch(bytes("maybe"))),
            (["REDIS_MASTER_SERVICE_HOST": "h", "ALLOW_EMPTY_PASSWORD": "no"], .passwordRequired),
            (
                ["REDIS_MASTER_SERVICE_HOST": "10.0.0.9", "POD_IP": "10.0.0.9"],
                .replicatesItself(host: bytes("10.0.0.9"), port: 6379)
            ),
            (["REDIS_MASTER_SERVICE_HOST": "pod-1"], .replicatesItself(host: bytes("pod-1"), port: 6379)),
            (
                ["REDIS_MASTER_SERVICE_HOST": "redis-0.nodes", "POD_NAME": "redis-0"],
                .replicatesItself(host: bytes("redis-0.nodes"), port: 6379)
            ),
            (["REDIS_MASTER_SERVICE_HOST": "localhost"], .replicatesItself(host: bytes("localhost"), port: 6379)),
            (
                ["REDIS_MASTER_SERVICE_HOST": "h", "REDIS_PASSWORD_FILE": "/no"],
                .secretUnreadable(path: bytes("/no"), .missing)
            ),
            (
                ["REDIS_MASTER_SERVICE_HOST": "h", "REDIS_PASSWORD": "a", "REDIS_PASSWORD_FILE": "/s"],
                .secretTwice(variable: "REDIS_PASSWORD", file: "REDIS_PASSWORD_FILE")
            ),
            (["REDIS_MASTER_SERVICE_HOST": "h", "REDIS_MASTER_PASSWORD_FILE": "/e"], .secretEmpty),
            (
                ["REDIS_MASTER_SERVICE_HOST": "h", "REDIS_MASTER_USER": "u", "REDIS_VERSION": "5.0"],
                .needsVersion("masteruser", .init(6, 0))
            ),
            (["REDIS_MASTER_SERVICE_HOST": "h", "REDIS_TLS_ENABLED": "yes"], .variableMissing("REDIS_TLS_CERT_FILE")),
            (["REDIS_MASTER_SERVICE_HOST": "h", "REDIS_EXTRA_FLAGS": "--x \"y"], .malformedFlags),
        ] as [([String: String], Problem)])
    func environment(environment: [String: String], problem: Problem) throws {
        let start = Start(environment: environment, files: ["/s": "b", "/e": "\n"])
        let error = #expect(throws: PlanError.self) { try start.plan() }
        #expect(error?.exitCode == 78)
        #expect(start.diagnostics().contains { $0.severity == .error && $0.problem == problem })
    }

    @Test(
        "a trap in the file is reported with its line",
        arguments: [
            ("\u{FEFF}port 1\n", 1, 1, Diagnostic.Severity.error, Problem.fault(.byteOrderMark)),
            ("port 1\n#\0\n", 2, 2, .error, .fault(.nulByte)),
            ("\nrequirepass \"x\n", 2, 13, .error, .fault(.unterminatedQuote)),
            ("include /none\n", 1, 1, .error, .fault(.unreadableInclude(path: bytes("/none"), .missing))),
            ("maxmemory 1mb # much\n", 1, 15, .error, .inlineComment("maxmemory")),
            ("requirepass a b\n", 1, 1, .error, .secretArguments("requirepass")),
            ("port 1\nuser default on nopass ~* +@all\nrequirepass x\n", 2, 1, .error, .openDespitePassword),
            ("port 1\nuser default on NOPASS ~* +@all\nrequirepass x\n", 2, 1, .error, .openDespitePassword),
            ("requirepass x\nuser default on #abc ~* +@all\n", 2, 1, .note, .passwordOverruled),
            ("user a on\naclfile /a\n", 1, 1, .error, .userWithACLFile),
            ("cluster-enabled yes\n", 1, 1, .error, .clusterEnabled),
            ("port 0\n", 1, 1, .error, .nothingListens),
            ("include /with-master\n", -1, 1, .warning, .includedReplicaof),
            ("slaveof a 1\nreplicaof b 2\n", 1, 1, .warning, .shadowedReplicaof),
        ] as [(String, Int, Int, Diagnostic.Severity, Problem)])
    func traps(file: String, line: Int, column: Int, severity: Diagnostic.Severity, problem: Problem) throws {
        let found = Start(file: file, files: ["/with-master": "replicaof x 1\n"]).diagnostics()
        let diagnostic = try #require(found.first { $0.problem == problem })
        #expect(diagnostic.severity == severity)
        guard line > 0 else {
            #expect(diagnostic.origin == .file(path: bytes("/with-master"), Position(line: 1, column: 1)))
            return
        }
        #expect(diagnostic.origin == .file(path: bytes("/etc/redis/redis.conf"), Position(line: line, column: column)))
    }

    @Test(
        "a master in the file that cannot be one is refused where no variable names another",
        arguments: [
            "replicaof h\n", "replicaof h tcp://1\n", "replicaof h \"\"\n", "slaveof h 0\n", "replicaof a b c\n",
        ])
    func malformedReplicaof(file: String) {
        #expect(Start(file: file, environment: [:]).diagnostics().contains { $0.problem == .malformedReplicaof })
        #expect(!Start(file: file).diagnostics().contains { $0.problem == .malformedReplicaof })
    }

    @Test(
        "a password that has to be there may be one of a file of users",
        arguments: [
            ("", [:], true), ("requirepass \"\"\n", [:], true), ("user default on nopass\n", [:], true),
            ("", ["REDIS_PASSWORD": "x"], false), ("requirepass x\n", [:], false),
            ("user default on >x\n", [:], false), ("aclfile /a\n", [:], false), ("", ["REDIS_ACLFILE": "/a"], false),
            ("aclfile \"\"\n", ["REDIS_ACLFILE": "/a"], false),
        ] as [(String, [String: String], Bool)])
    func required(file: String, environment: [String: String], isMissing: Bool) {
        var start = Start(file: file, files: ["/a": ""])
        start.environment.merge(environment.merging(["ALLOW_EMPTY_PASSWORD": "no"]) { $1 }) { $1 }
        let found = start.diagnostics().contains { $0.problem == .passwordRequired }
        #expect(found == isMissing)
    }

    @Test(
        "a trap that the environment springs is reported",
        arguments: [
            ("", "REDIS_PASSWORD", "x", Diagnostic.Severity.warning, Problem.masterauthMissing),
            ("requirepass x\n", "POD_IP", "10.0.0.9", .warning, .masterauthMissing),
            ("user default on nopass\n", "REDIS_PASSWORD", "x", .error, .openDespitePassword),
            ("user default on >y\n", "REDIS_PASSWORD", "x", .note, .passwordReplaced),
            ("user default off\n", "REDIS_PASSWORD", "x", .note, .passwordOverruled),
            ("user a on\n", "REDIS_ACLFILE", "/a", .error, .userWithACLFile),
            ("requirepass x\n", "REDIS_ACLFILE", "/a", .warning, .passwordBesideACLFile),
            (
                "replica-announce-ip 10.0.0.5\n", "POD_NAME", "p", .error,
                .replicatesItself(host: bytes("10.0.0.5"), port: 6379)
            ),
            ("", "REDIS_SENTINEL_HOST", "s", .note, .sentinelDecides(name: "mymaster", list: "s:26379")),
            ("", "REDIS_SENTINEL_PORT_NUMBER", "1", .note, .sentinelNotNamed),
            ("", "REDIS_SENTINEL_MASTER_NAME", "m", .note, .sentinelNotNamed),
            (
                "", "REDIS_SENTINEL_MIN_REPLICAS_TO_WRITE", "-1", .error,
                .malformedCount(bytes("-1"), most: 1000)
            ),
            ("", "KUBERNETES_SERVICE_HOST", "10.0.0.1", .note, .podAddressMissing),
        ] as [(String, String, String, Diagnostic.Severity, Problem)])
    func sprung(file: String, variable: String, value: String, severity: Diagnostic.Severity, problem: Problem) {
        var start = Start(file: file)
        start.environment[variable] = value
        #expect(start.diagnostics().contains { $0.severity == severity && $0.problem == problem })
    }

    @Test("a socket is enough to listen at")
    func socketOnly() {
        let found = Start(file: "port 0\nunixsocket /s\n").diagnostics().map(\.problem)
        #expect(!found.contains(.nothingListens))
    }

    @Test(
        "variables of others that Kubernetes sets by itself change nothing and are not told",
        arguments: [
            "REDIS_SENTINEL_SERVICE_HOST", "REDIS_SENTINEL_SERVICE_PORT", "REDIS_SLAVE_SERVICE_HOST",
            "POD_NAMESPACE",
        ])
    func ignored(variable: String) throws {
        var start = Start()
        let plain = try start.plan()
        start.environment[variable] = "10.0.0.77"
        #expect(try start.plan() == plain)
    }

    @Test("replicaof no one in the file is no master")
    func noOne() {
        #expect(
            Start(file: "replicaof no one\n", environment: [:]).diagnostics().map(\.problem).contains(.masterMissing))
    }

    @Test("Redis's own shipped comment on bind is cured by the rewrite")
    func bindComment() throws {
        let plan = try Start(file: "bind * -::*   # like the default\n").plan()
        #expect(plan.lines.first == "bind * -::*")
    }

    @Test("strict makes warnings errors")
    func strict() throws {
        var start = Start(file: "slaveof a 1\nreplicaof b 2\n")
        start.environment["ALLOW_EMPTY_PASSWORD"] = "yes"
        _ = try start.plan()
        start.arguments = ["--strict"]
        #expect(throws: PlanError.self) { try start.plan() }
    }

    @Test("service links are ignored with a note")
    func serviceLinks() throws {
        var start = Start()
        start.environment["REDIS_MASTER_PORT"] = "tcp://10.0.0.5:6379"
        start.environment["REDIS_PORT"] = "tcp://10.0.0.6:6379"
        let notes = try start.plan().diagnostics.filter { $0.problem == .serviceLink }
        #expect(notes.map(\.origin) == [.environment("REDIS_PORT"), .environment("REDIS_MASTER_PORT")])
    }

    @Test("a Service's port does not belong to a master named on purpose")
    func otherMaster() throws {
        var start = Start()
        start.environment["REDIS_MASTER_HOST"] = "db"
        start.environment["REDIS_MASTER_SERVICE_PORT"] = "7777"
        let plan = try start.plan()
        #expect(plan.lines.contains("replicaof db 6379"))
        #expect(plan.diagnostics.contains { $0.problem == .otherMaster(used: "REDIS_MASTER_HOST") })
    }

    @Test("a file that was named must be there, the default one need not")
    func configuration() {
        var start = Start(file: nil)
        start.arguments = ["/x.conf"]
        let error = #expect(throws: PlanError.self) { try start.plan() }
        #expect(error?.exitCode == 78)
        start.files = ["/x.conf": "denied"]
        let denied = #expect(throws: PlanError.self) { try start.plan() }
        #expect(denied?.exitCode == 77)
    }

    @Test("a diagnostic is one line with place and cure, and never a secret")
    func lines() {
        let found = Start(file: "requirepass hunter2 hunter3\n").diagnostics().map(\.description)
        #expect(
            found.contains {
                $0.hasPrefix("error: /etc/redis/redis.conf:1:1: requirepass takes") && $0.contains("; put the")
            })
        #expect(!found.joined().contains("hunter"))
        #expect(
            Start(environment: ["REDIS_MASTER_SERVICE_HOST": "a\nb"]).diagnostics().allSatisfy {
                !$0.description.contains("\n")
            })
    }
}

@Suite("Arguments are ours, the configuration's, or redis-server's")
struct InvocationTests {
    @Test(
        "who gets what",
        arguments: [
            ([], nil, []),
            (["/a.conf"], "/a.conf", []),
            (["run", "/a.conf", "--port", "1"], "/a.conf", ["--port", "1"]),
            (["--port", "1", "--strict"], nil, ["--port", "1", "--strict"]),
            (["--strict", "/a.conf", "--", "--strict"], "/a.conf", ["--strict"]),
            (["redis-server", "/a.conf"], "/a.conf", []),
            (["/usr/bin/valkey-server", "--port", "1"], nil, ["--port", "1"]),
        ] as [([String], String?, [String])])
    func split(arguments: [String], configuration: String?, server: [String]) throws {
        let invocation = try Invocation(arguments.map(bytes))
        #expect(invocation.verb == .run)
        #expect(invocation.configuration == configuration.map(bytes))
        #expect(invocation.serverArguments.map(text) == server)
    }

    @Test(
        "words and options choose the verb",
        arguments: [("render", Invocation.Verb.render), ("--help", .help), ("-h", .help), ("--version", .version)])
    func verbs(argument: String, verb: Invocation.Verb) throws {
        #expect(try Invocation([bytes(argument)]).verb == verb)
    }

    @Test(
        "two configurations are a usage error, and so is --show-secrets on a start",
        arguments: [["/a", "/b"], ["--show-secrets", "/a"]])
    func usage(arguments: [String]) {
        let error = #expect(throws: PlanError.self) { try Invocation(arguments.map(bytes)) }
        #expect(error?.exitCode == 64)
    }
}

@Suite("Privileges are dropped to the server's user")
struct PrivilegeTests {
    let files = [
        "/etc/passwd": "root:x:0:0::/:/bin/sh\nredis:x:999:1000::/:/bin/false\n",
        "/etc/group": "root:x:0:\nadm:x:4:root\nredis:x:1000:\nextra:x:77:a,redis\n",
    ]

    @Test("root becomes redis, with its groups and those the runtime gave, not root's")
    func drop() throws {
        var start = Start(files: files)
        start.identity = Identity(userID: 0, groupID: 0, groups: [0, 4, 2000])
        let plan = try start.plan()
        guard case .drop(let account) = plan.privileges else {
            Issue.record("kept root")
            return
        }
        #expect(account.userID == 999 && account.groupID == 1000)
        #expect(account.groups == [77, 1000, 2000])
        #expect(plan.fixesOwnership)
    }

    @Test("without a redis user, root gets an error and exit code 77")
    func noUser() {
        var start = Start()
        start.identity = Identity(userID: 0, groupID: 0)
        let error = #expect(throws: PlanError.self) { try start.plan() }
        #expect(error?.exitCode == 77)
        start.arguments = ["render"]
        #expect(throws: Never.self) { try start.plan() }
    }

    @Test("the skips are honoured, a plain no is not one")
    func skips() throws {
        var start = Start(files: files)
        start.identity = Identity(userID: 0, groupID: 0)
        start.environment["SKIP_FIX_PERMS"] = "1"
        #expect(try start.plan().fixesOwnership == false)
        start.environment["SKIP_DROP_PRIVS"] = "1"
        #expect(try start.plan().privileges == .keep)
        start.environment["SKIP_DROP_PRIVS"] = "0"
        #expect(try start.plan().privileges != .keep)
    }

    @Test("who is not root stays")
    func notRoot() throws { #expect(try Start(files: files).plan().privileges == .keep) }
}
