import RedisConf
import ReplicaPlanning
import Testing

@Suite("A probe is found its server by the same decisions as the start")
struct ProbeTargetTests {
    private func target(
        _ file: String, _ environment: [String: String] = [:], _ arguments: [String] = ["probe", "ready"],
        files: [String: String] = [:]
    ) throws -> ProbeTarget {
        let invocation = try Invocation(arguments.map(bytes))
        var table = files.mapValues(bytes)
        table["/etc/redis/redis.conf"] = bytes(file)
        return try ProbeTarget(
            try #require(invocation.probe), invocation,
            environment: Environment(entries: environment.map { bytes($0.key + "=" + $0.value) }),
            identity: Identity(userID: 999, groupID: 999, workingFolder: bytes("/")), files: TableFiles(table: table))
    }

    private static func tcp(_ host: String, _ port: Int) -> ProbeTarget.Endpoint { .tcp(host: bytes(host), port: port) }
    private static func socket(_ path: String) -> ProbeTarget.Endpoint { .socket(bytes(path)) }
    private static let both = [tcp("127.0.0.1", 6379), tcp("::1", 6379)]

    @Test(
        "where the server listens",
        arguments: [
            ("", [:], both),
            ("bind 10.0.0.1\n", [:], both),
            ("", ["REDIS_VERSION": "6.0"], both),
            ("", ["REDIS_BIND": "10.0.0.1 127.0.0.1"], [tcp("127.0.0.1", 6379), tcp("10.0.0.1", 6379)]),
            ("", ["REDIS_BIND": "-::1"], [tcp("::1", 6379)]),
            ("port 7000\n", [:], [tcp("127.0.0.1", 7000), tcp("::1", 7000)]),
            ("port 7000\n", ["REDIS_PORT_NUMBER": "7001", "REDIS_BIND": "127.0.0.1"], [tcp("127.0.0.1", 7001)]),
            ("", ["REDIS_EXTRA_FLAGS": "--port 7002 --bind 127.0.0.2"], [tcp("127.0.0.2", 7002)]),
            ("unixsocket /s\nport 0\n", [:], [socket("/s")]),
            ("unixsocket s\nport 0\ndir /d\n", [:], [socket("/d/s")]),
            ("unixsocket /s\n", ["REDIS_BIND": "127.0.0.1"], [socket("/s"), tcp("127.0.0.1", 6379)]),
            ("unixsocket \"\"\n", ["REDIS_BIND": "127.0.0.1"], [tcp("127.0.0.1", 6379)]),
            (
                "port 0\ntls-port 7003\n", ["REDIS_BIND": "127.0.0.1"],
                [.tls(host: bytes("127.0.0.1"), port: 7003)]
            ),
            ("port 0\n", [:], []),
        ] as [(String, [String: String], [ProbeTarget.Endpoint])])
    func endpoints(file: String, environment: [String: String], endpoints: [ProbeTarget.Endpoint]) throws {
        #expect(try target(file, environment).endpoints == endpoints)
    }

    @Test("options and redis-server's arguments win over the configuration")
    func options() throws {
        let file = "unixsocket /s\nport 1\n"
        #expect(try target(file, [:], ["probe", "live", "--socket", "/t"]).endpoints == [Self.socket("/t")])
        let named = ["probe", "live", "--host", "10.0.0.7", "--port", "2"]
        #expect(try target(file, [:], named).endpoints == [Self.tcp("10.0.0.7", 2)])
        let arguments = ["probe", "live", "--", "--port", "3", "--bind", "127.0.0.1", "--unixsocket", "/u"]
        #expect(try target(file, [:], arguments).endpoints == [Self.socket("/u"), Self.tcp("127.0.0.1", 3)])
    }

    @Test(
        "which password",
        arguments: [
            ("", [:], nil, nil), ("requirepass a\n", [:], nil, "a"), ("requirepass \"\"\n", [:], nil, nil),
            ("requirepass a\n", ["REDIS_PASSWORD": "b"], nil, "b"), ("", ["REDIS_PASSWORD_FILE": "/p"], nil, "secret"),
            ("requirepass a\nuser default on #12 >c ~* +@all\n", [:], nil, "c"),
            ("requirepass a\nuser default on >c ~* +@all\n", ["REDIS_PASSWORD": "b"], nil, "b"),
            ("user other on >c\n", [:], nil, nil), ("", ["REDIS_EXTRA_FLAGS": "--requirepass d"], nil, "d"),
            (
                "requirepass a\n", ["REDIS_PROBE_USER": "probe", "REDIS_PROBE_PASSWORD_FILE": "/p"], "probe",
                "secret"
            ),
            ("", ["REDIS_PASSWORD_FILE": "/none"], nil, nil),
        ] as [(String, [String: String], String?, String?)])
    func passwords(file: String, environment: [String: String], user: String?, password: String?) throws {
        let target = try target(file, environment, files: ["/p": "secret\n"])
        #expect(target.user.map(text) == user)
        #expect(target.password.map(text) == password)
    }

    @Test("a mistake that would stop a start does not stop a probe, a missing file does")
    func mistakes() throws {
        #expect(try target("user a on\naclfile /x\ncluster-enabled yes\n").endpoints == Self.both)
        #expect(throws: PlanError.self) { try target("", [:], ["probe", "live", "/none"]) }
    }
}

@Suite("The probe's arguments")
struct ProbeOptionsTests {
    @Test(
        "times have a unit or are seconds",
        arguments: [("900ms", 900), ("1s", 1000), ("2", 2000), ("3600", 3_600_000)])
    func times(text: String, milliseconds: Int) throws {
        #expect(
            try Invocation(["probe", "live", "--timeout", text].map(bytes)).probe?.timeoutMilliseconds == milliseconds)
    }

    @Test("everything that can be asked")
    func all() throws {
        let invocation = try Invocation(
            ["probe", "ready", "--require-link", "--max-lag-seconds", "5", "--max-lag-bytes", "6", "/a.conf"].map(bytes)
        )
        #expect(invocation.verb == .probe && invocation.configuration == bytes("/a.conf"))
        var options = ProbeOptions(.ready)
        options.requiresLink = true
        options.maximumLagSeconds = 5
        options.maximumLagBytes = 6
        #expect(invocation.probe == options)
        #expect(try Invocation(["probe", "--help"].map(bytes)).verb == .help)
    }

    @Test(
        "what cannot be meant is a usage error",
        arguments: [
            [], ["alive"], ["live", "--timeout"], ["live", "--timeout", "0"], ["live", "--timeout", "1h"],
            ["live", "--timeout", "3601s"], ["live", "--require-link"], ["role", "--max-lag-bytes", "1"],
            ["ready", "--max-lag-seconds", "-1"], ["ready", "--max-lag-bytes", "x"], ["live", "--port", "0"],
            ["live", "--socket", ""], ["live", "--verbose"], ["live", "/a", "/b"],
        ])
    func mistakes(arguments: [String]) {
        let error = #expect(throws: PlanError.self) { try Invocation((["probe"] + arguments).map(bytes)) }
        #expect(error?.exitCode == 64)
    }
}
