import RedisConf
import ReplicaPlanning
import Testing

@Suite("No line with a secret reaches a server that would refuse and print it")
struct SecretLineTests {
    private static func start(_ line: String, _ version: String? = nil, valkey: Bool = false) -> Start {
        var start = Start(file: "maxmemory 1gb\n\(line)\n")
        if let version { start.environment[valkey ? "VALKEY_VERSION" : "REDIS_VERSION"] = version }
        return start
    }

    private static func problems(_ start: Start) -> [Problem] {
        start.diagnostics().filter { $0.severity == .error }.map(\.problem)
    }

    @Test(
        "each misspelling stops the start, and is never shown",
        arguments: [
            ("requirepass: s3cr3t", Problem.misspelledSecret), ("requirepass=s3cr3t", .misspelledSecret),
            ("require-pass s3cr3t", .misspelledSecret), ("auth s3cr3t", .misspelledSecret),
            ("requirepass s3cr3t extra", .secretArguments("requirepass")),
            ("requirepass", .secretArguments("requirepass")),
            ("masterauth s3cr3t x", .secretArguments("masterauth")),
            ("\"requirepass\"s3cr3t", .fault(.textAfterQuote)), ("requirepass \"s3cr3t", .fault(.unterminatedQuote)),
            ("maxclients 1 requirepass s3cr3t", .misplacedSecret("maxclients")),
            ("masteruser app s3cr3t", .misplacedSecret("masteruser")),
            ("requirepass: s3cr3t # mine", .misspelledSecret), ("sentinel auth-pass m s3cr3t # mine", .sentinelLine),
            ("rename-command CONFIG s3cr3t # mine", .misplacedSecret("rename-command")),
            ("sentinel auth-pass m s3cr3t", .sentinelLine), ("user bob on >s3cr3t bogus", .malformedUser(rule: 3)),
            ("user bob on s3cr3t", .malformedUser(rule: 2)),
            ("user bob on >s3cr3t\nuser bob on >s3cr3t", .secondUserLine),
            ("port 1\rrequirepass s3cr3t\rmaxmemory 1gb", .misplacedSecret("port")),
            ("export REDIS_PASSWORD=s3cr3t", .misspelledSecret), ("key s3cr3t", .misspelledSecret),
            ("apikey s3cr3t", .misspelledSecret), ("api-key=s3cr3t", .misspelledSecret),
            ("pass: s3cr3t", .misspelledSecret), ("value: s3cr3t", .misspelledSecret),
            ("redis-cli -a s3cr3t", .misspelledSecret), ("config set requirepass s3cr3t", .misspelledSecret),
            ("s3cr3t=", .misspelledSecret),
        ])
    func misspelled(line: String, problem: Problem) throws {
        for version in ["6.2.6", "7.0.15", nil] {
            if problem == .secondUserLine, version == "6.2.6" { continue }
            var start = Self.start(line, version)
            #expect(Self.problems(start).contains(problem), "\(line): \(start.diagnostics())")
            #expect(!start.diagnostics().map(\.description).joined().contains("s3cr3t"))
            start.arguments = ["check"]
            let report = try start.report()
            #expect(!report.text.contains("s3cr3t") && !report.json.contains("s3cr3t"), "\(report.text)")
        }
    }

    @Test("a line that is replaced does not stop it, wherever its fault is")
    func replaced() throws {
        var start = Self.start("requirepass old more\nmasterauth x y\n")
        start.environment["REDIS_PASSWORD"] = "new"
        start.environment["REDIS_MASTER_PASSWORD"] = "new"
        #expect(try start.plan().lines.contains("requirepass new"))
    }

    @Test("primaryauth is written as masterauth where Redis may read it, and refused in an included file")
    func primaryNames() throws {
        #expect(try Self.start("primaryauth s3cr3t\nprimaryuser app").plan().lines.contains("masterauth s3cr3t"))
        #expect(try Self.start("primaryauth s3cr3t", "8.1.0", valkey: true).plan().lines.contains("primaryauth s3cr3t"))
        var start = Self.start("include /more.conf")
        start.files["/more.conf"] = "primaryauth s3cr3t\n"
        #expect(Self.problems(start) == [.primaryName])
        start.environment["VALKEY_VERSION"] = "9.1.2"
        #expect(Self.problems(start) == [])
    }

    @Test("tls-key-file-pass is never the first TLS line: a server without TLS would print it")
    func passphrase() throws {
        let plan = try Self.start("tls-key-file-pass s3cr3t\ntls-port 6380\ntls-replication yes").plan()
        let lines = plan.lines
        #expect(
            try #require(lines.firstIndex(of: "tls-port 6380")) < #require(
                lines.firstIndex(of: "tls-key-file-pass s3cr3t")))
        #expect(
            Self.problems(Self.start("tls-port 1\ntls-key-file-pass s3cr3t", "6.0.1")) == [
                .needsVersion("tls-key-file-pass", .init(6, 2))
            ])
        #expect(Self.problems(Self.start("tls-key-file-pass s3cr3t")) == [.passphraseAlone])
        #expect(
            Self.problems(Self.start("tls-client-key-file-pass s3cr3t\ntls-key-file-pass s3cr3t")) == [.passphraseAlone]
        )
    }

    @Test("a name that no server knows stops it too, where the server's version is known: it would print the line")
    func unknownNames() throws {
        for line in ["foo s3cr3t", "s3cr3t", "maxmemry s3cr3t"] {
            for (version, valkey) in [("6.0.16", false), ("7.0.15", false), ("8.0.2", false), ("9.1.2", true)] {
                let start = Self.start(line, version, valkey: valkey)
                let problems = Self.problems(start)
                guard case .start(.unknownDirective(nil, [], let instead, _)) = problems.first else {
                    Issue.record("\(line): \(problems)")
                    continue
                }
                #expect(problems.count == 1 && instead == (line.hasPrefix("m") ? "maxmemory" : nil))
                #expect(!start.diagnostics().map(\.description).joined().contains("s3cr3t"))
            }
            // A newer server may know it, and so may a module.
            for (version, valkey) in [(nil, false), ("99.0", false), ("99.0", true)] {
                #expect(Self.problems(Self.start(line, version, valkey: valkey)) == [])
            }
            #expect(Self.problems(Self.start("loadmodule /m.so\n\(line)", "8.0.2")) == [])
            var start = Self.start(line, "8.0.2")
            start.environment["REDIS_EXTRA_FLAGS"] = "--loadmodule /m.so"
            #expect(Self.problems(start) == [])
        }
        #expect(Self.problems(Self.start("vm-enabled no", "7.0.15")) == [])
        #expect(Self.problems(Self.start("m.x s3cr3t", "7.0.15")) == [.start(.moduleSettingWithoutModule)])
        #expect(Self.problems(Self.start("loadmodule /m.so\nm.x s3cr3t", "7.0.15")) == [])
        var start = Self.start("include /run/secrets/password", "7.0.15")
        start.files["/run/secrets/password"] = "s3cr3t\n"
        #expect(Self.problems(start).count == 1)
        #expect(!start.diagnostics().map(\.description).joined().contains("s3cr3t"))
        start.arguments = ["check"]
        let report = try start.report()
        #expect(!report.text.contains("s3cr3t") && !report.json.contains("s3cr3t"), "\(report.text)")
    }

    @Test("of a file that is no configuration at all twenty lines are reported")
    func otherFile() {
        let file = (1...1000).map { "foo\($0) s3cr3t" }.joined(separator: "\n")
        #expect(Self.problems(Self.start(file, "7.0.15")).count == 20)
    }

    @Test("a line that renames a command and would be refused stops it, wherever it stands")
    func renames() throws {
        let start = Self.start("rename-command CONFG s3cr3t", "7.0.15")
        #expect(Self.problems(start) == [.start(.unknownCommand(server: "Redis 7.0"))])
        #expect(Self.problems(Self.start("rename-command CONFG s3cr3t")) == [])
        var arguments = Self.start("rename-command CONFIG one", "7.0.15")
        arguments.arguments = ["--", "--rename-command", "CONFIG", "s3cr3t"]
        #expect(Self.problems(arguments) == [.start(.unknownCommand(server: "Redis 7.0"))])
        #expect(
            try Self.start("rename-command DEBUG s3cr3t", "7.0.15").plan().lines.contains("rename-command DEBUG s3cr3t")
        )
    }

    @Test("check and render show no argument of a module, and no new name of a command")
    func masked() throws {
        var start = Self.start("loadmodule /m.so PASSWORD s3cr3t\nrename-command DEBUG s3cr3t\nm.x s3cr3t")
        start.arguments = ["check", "--", "--loadmodule", "/n.so", "s3cr3t"]
        let report = try start.report()
        #expect(!report.text.contains("s3cr3t") && !report.json.contains("s3cr3t"), "\(report.text)")
        for line in ["loadmodule /m.so ********", "rename-command DEBUG ********", "loadmodule /n.so ********"] {
            #expect(report.text.contains(line), "\(report.text)")
        }
        start.arguments = ["render"]
        #expect(!String(decoding: try start.plan().redactedConfiguration, as: UTF8.self).contains("s3cr3t"))
    }

    @Test("a module's directive is let through where modules are loaded")
    func modules() throws {
        #expect(try Self.start("loadmodule /m.so\nm.auth-token s3cr3t").plan().lines.contains("m.auth-token s3cr3t"))
        #expect(Self.problems(Self.start("loadmodule /m.so\nrequire.pass s3cr3t")) == [.misspelledSecret])
        #expect(Self.problems(Self.start("m.auth-token s3cr3t")) == [.misspelledSecret])
    }

    /// What redis-server said of each line, from 6.0, 6.2, 7.0, Valkey 8.1 and Valkey 9.1: `r` runs, `x` refused and printed.
    @Test(
        "the rules of users are those of each version",
        arguments: [
            ("on >p", "rrrrr"), ("on >p bogus", "xxxxx"), ("on >p +foo", "rrrrr"), ("on >p <other", "xxxxx"),
            ("on >p <p", "rrrrr"), ("on >p #zz", "xxxxx"), ("on >p ~a &b", "xxrrr"), ("on >p %R~a", "xxrrr"),
            ("on >p (~a +get)", "xxrrr"), ("on >p (~a", "xxxxx"), ("on >p allkeys ~a", "xxxxx"), ("on p", "xxxxx"),
            ("on >p skip-sanitize-payload", "xrrrr"), ("on >p sanitize-payload", "xrrrr"), ("on >p alldbs", "xxxxr"),
            ("ON >p NoPass", "rrrrr"), ("on >p resetdbs db=0,1", "xxxxr"),
            ("on >p allcommands &x allchannels", "xxrrr"),
            ("on >p ~", "rrrrr"), ("on >p %RW~x %w~y", "xxrrr"), ("on >p %X~x", "xxxxx"), ("on >p (", "xxxxx"),
            ("on >p ()", "xxrrr"), ("on >p (+get ~x", "xxxxx"), ("on >p \"(+get ~x)\"", "xxrrr"),
            ("on >p (on)", "xxxxx"),
            ("on >p clearselectors", "xxrrr"), ("on >p ~a ~*", "rrrrr"), ("on >p ~* ~a", "xxxxx"),
            ("on >p allchannels &a", "xxxxx"), ("on >p allkeys %R~a", "xxxxx"), ("on >p \"~a b\"", "xxxxx"),
            ("on >p \"\"", "rrrrr"), ("on >p %R~* ~a", "xxrrr"), ("on >p &*", "xrrrr"), ("on >p ~* (~a)", "xxrrr"),
            ("on >p ~* resetkeys ~a", "rrrrr"), ("on >p allkeys reset ~a", "rrrrr"), ("on >p reset <p", "xxxxx"),
            ("on >p +@all +@ALL -@Dangerous", "rrrrr"), ("on >p +config|get", "rrrrr"), ("on \"> p q\"", "rrrrr"),
            ("on >p !148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940", "rrrrr"),
            ("on >p !e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "xxxxx"),
            ("on #E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "xxxxx"),
            ("on #e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "rrrrr"),
            ("off resetkeys nocommands >p", "rrrrr"), ("on >p resetchannels", "xrrrr"),
        ])
    func users(rules: String, outcomes: String) {
        let versions = [("6.0.16", false), ("6.2.5", false), ("7.0.15", false), ("8.1.1", true), ("9.1.2", true)]
        for (outcome, (version, valkey)) in zip(outcomes, versions) {
            let problems = Self.problems(Self.start("user bob \(rules)", version, valkey: valkey))
            #expect(problems.isEmpty == (outcome == "r"), "\(rules) on \(version): \(problems)")
        }
    }

    @Test("lines of users are looked at also where another one takes the password")
    func otherUsers() {
        var start = Self.start("user default on >old ~* +@all\nuser bob on >s3cr3t bogus")
        start.environment["REDIS_PASSWORD"] = "new"
        #expect(Self.problems(start) == [.malformedUser(rule: 3)])
    }

    @Test(
        "so it is with redis-server's arguments",
        arguments: [
            (["--requirepass", "s3cr3t", "extra"], Problem.secretArguments("requirepass")),
            (["--sentinel", "auth-pass", "m", "s3cr3t"], .sentinelLine),
            (["--tls-key-file-pass", "s3cr3t"], .passphraseAlone),
            (["--requirepass=s3cr3t"], .misspelledSecret), (["-requirepass", "s3cr3t"], .misspelledSecret),
            (["--requirepass s3cr3t extra"], .secretArguments("requirepass")),
            (["--port", "1", "requirepass", "s3cr3t"], .misplacedSecret("port")),
            (["--user", "bob", "on", ">s3cr3t", "bogus"], .malformedUser(rule: 3)),
            (["--primaryauth", "s3cr3t"], .primaryName), (["-e", "REDIS_PASSWORD=s3cr3t"], .foreignOption("-e")),
            (["-p", "6379:6379"], .foreignOption("-p")), (["--requirepass"], .secretMissing("requirepass")),
            (["--requirepass", "--port", "0"], .secretMissing("requirepass")),
            (["--masterauth", "--port", "0"], .secretMissing("masterauth")),
        ])
    func arguments(_ arguments: [String], problem: Problem) throws {
        var start = Start()
        start.arguments = ["--"] + arguments
        #expect(Self.problems(start).contains(problem), "\(start.diagnostics())")
        #expect(!start.diagnostics().map(\.description).joined().contains("s3cr3t"))
        start.arguments = ["check", "--"] + arguments
        let report = try start.report()
        #expect(!report.text.contains("s3cr3t") && !report.json.contains("s3cr3t"), "\(report.text)")
        start = Start()
        start.environment["REDIS_EXTRA_FLAGS"] = arguments.map { "'\($0)'" }.joined(separator: " ")
        #expect(Self.problems(start).contains(problem))
    }

    @Test("arguments that are right start, with the old warnings")
    func rightArguments() throws {
        for arguments in [["--requirepass", "s3cr3t"], ["--requirepass s3cr3t"], ["--requirepass", "--s3cr3t"]] {
            var start = Start()
            start.arguments = ["--"] + arguments
            let problems = try start.plan().diagnostics.map(\.problem)
            #expect(problems.contains(.secretInArguments("requirepass")), "\(arguments)")
        }
        var start = Start()
        start.arguments = ["--", "--requirepass", ""]
        #expect(try start.plan().diagnostics.map(\.problem).contains(.secretMissing("requirepass")))
    }

    @Test("a password that 6.0 refuses is not given to it")
    func long() throws {
        for (version, isRefused) in [("6.0.16", true), ("6.2.6", false)] {
            var start = Self.start("", version)
            start.environment["REDIS_PASSWORD"] = String(repeating: "p", count: 513)
            #expect(Self.problems(start) == (isRefused ? [.secretTooLong] : []))
            let line = "requirepass \(String(repeating: "p", count: 513))"
            #expect(Self.problems(Self.start(line, version)) == (isRefused ? [.secretTooLong] : []))
        }
    }

    @Test("a URL with a password in it, and a password for a path, are not shown")
    func values() {
        for (variable, value) in [
            ("REDIS_MASTER_HOST", "redis://app:s3cr3t@host:6379"), ("REDIS_MASTER_HOST", "s3cr3t@host"),
            ("REDIS_BIND", "s3cr3t@10.0.0.1"), ("REDIS_PASSWORD_FILE", "s3cr3t"), ("REDIS_REPLICA_IP", ":s3cr3t@h"),
        ] {
            var start = Start()
            start.environment[variable] = value
            #expect(!Self.problems(start).isEmpty)
            #expect(!start.diagnostics().map(\.description).joined().contains("s3cr3t"), "\(start.diagnostics())")
        }
    }
}

extension Start {
    func report() throws(PlanError) -> Report {
        var table = files.mapValues(bytes)
        if let file { table["/etc/redis/redis.conf"] = bytes(file) }
        return try Report(
            try Invocation(arguments.map(bytes)),
            environment: Environment(entries: environment.map { bytes($0.key + "=" + $0.value) }),
            identity: identity, files: TableFiles(table: table))
    }
}
