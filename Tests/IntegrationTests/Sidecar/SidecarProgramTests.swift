import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

@Suite("redis-replica-sidecar as a program")
struct SidecarProgramTests {
    private static let program = "redis-replica-sidecar"

    @Test("--help tells every variable of --print-config with its flag, and --version the version")
    func help() throws {
        let help = try ProgramRun(["--help"], of: Self.program)
        #expect(help.ending == .exited(0))
        let variables = try ProgramRun(["--print-config"], of: Self.program).lines.compactMap {
            $0.split(separator: "=").first
        }
        #expect(variables.count > 10)
        for variable in variables {
            #expect(help.words.contains("(\(variable)"), "\(variable)")
            let flag = "--" + String(variable.lowercased().map { $0 == "_" ? "-" : $0 })
            #expect(help.words.contains(flag), "\(flag)")
        }
        for text in ["--print-config", "--dry-run", "REDIS_MASTER_SERVICE_HOST"] { #expect(help.words.contains(text)) }
        let version = try ProgramRun(["--version"], of: Self.program)
        #expect(version.ending == .exited(0) && version.output == "redis-replica-sidecar 0.1.0\n")
    }

    @Test("--print-config tells what a start would go by, and no secret")
    func configuration() throws {
        let run = try ProgramRun(
            ["--print-config", "--max-lag-bytes", "5", "--require-link"], of: Self.program,
            environment: [
                "SIDECAR_PORT": "9999", "SIDECAR_MAX_LAG_BYTES": "7", "REDIS_PASSWORD": "s3cret",
                "REDIS_MASTER_PASSWORD": "s3cret",
            ])
        #expect(run.ending == .exited(0))
        for line in [
            "SIDECAR_PORT=9999 # environment", "SIDECAR_MAX_LAG_BYTES=5 # flag", "SIDECAR_REQUIRE_LINK=yes # flag",
            "SIDECAR_ON_LOSS=hold # default", "LOG_FORMAT=json # default",
        ] {
            #expect(run.lines.contains(line), "\(line) in \(run.output)")
        }
        #expect(!run.output.contains("s3cret"))
    }

    @Test(
        "what cannot be meant ends it with a line that names the variable and the cure, printed or started",
        arguments: [
            ([], ["SIDECAR_PORT": "70000"], Int32(78), "SIDECAR_PORT is '70000'; give it a port, 0…65535"),
            (["--sidecar-port", "x"], [:], 64, "--sidecar-port (SIDECAR_PORT) is 'x'; give it a port"),
            ([], ["SIDECAR_ON_LOSS": "ignore"], 78, "it takes hold or follow"),
            (
                [], ["REDIS_SENTINEL_HOST": "a,,b"], 78,
                "REDIS_SENTINEL_HOST: a part of the list is empty; set HOST[:PORT]"
            ),
            (["--redis-sentinel-host", "tcp://10.0.0.1:1"], [:], 64, "'tcp://10.0.0.1:1' is not HOST[:PORT]"),
            ([], ["REDIS_SENTINEL_HOST": "a", "REDIS_SENTINEL_USERNAME": "u"], 78, "is set without a password"),
            ([], ["SIDECAR_DRY_RUN": "perhaps"], 78, "it takes yes or no"),
            ([], ["SIDECAR_REDIS": "redis:6379"], 78, "such as 127.0.0.1:6379, or the path of a Unix socket"),
            (["--sidecar-redis", "redis"], [:], 64, "such as 127.0.0.1:6379"),
            (["--max-lag-seconds", "1"], [:], 64, "give it a number, 2…3600"),
            ([], ["SIDECAR_PASSWORD_OVERLAP_SECONDS": "-1"], 78, "give it a number, 0…86400"),
            ([], ["LOG_LEVEL": "loud"], 78, "LOG_LEVEL is 'loud'; it takes trace"),
            ([], ["SIDECAR_HOST": "a\u{1B}%\n$(id)"], 78, #"SIDECAR_HOST is 'a\x1b%\x0a$(id)'; give it a host name"#),
            (["--sidecar-host", "127.0.0.1%lo"], [:], 64, "give it a host name or an address alone"),
            ([], ["SIDECAR_REDIS": "127.0.0.1%lo\u{1B}"], 78, #"SIDECAR_REDIS is '127.0.0.1%lo\x1b'; give it"#),
            (
                [], ["REDIS_MASTER_SERVICE_HOST": "a%b", "SIDECAR_PORT": "0"], 78,
                "REDIS_MASTER_SERVICE_HOST: a%b is not a host name"
            ),
            (["--unknown"], [:], 64, "--unknown"),
            (["--sidecar-host", ""], [:], 64, "--sidecar-host is empty"),
        ])
    func mistakes(arguments: [String], environment: [String: String], code: Int32, cure: String) throws {
        for arguments in [arguments, arguments + ["--print-config"]] {
            let run = try ProgramRun(arguments, of: Self.program, environment: environment)
            #expect(run.ending == .exited(code), "\(run.output)")
            #expect(run.output.contains(cure), "\(run.output)")
            // A start listens, and says so, before it reads the pod's variables.
            let isRead = environment["REDIS_MASTER_SERVICE_HOST"] == nil || arguments.contains("--print-config")
            if code == 78, isRead { #expect(run.lines.count == 1, "\(run.output)") }
        }
    }

    @Test(
        "the pod's variables are judged in redis-replica-init's words, with its exit code",
        arguments: [
            ["REDIS_MASTER_SERVICE_HOST": "two words"], ["REDIS_MASTER_PORT_NUMBER": "seven"],
            ["REDIS_REPLICATION_MODE": "leader"], ["GET_HOSTS_FROM": "hosts"], ["REDIS_PASSWORD_FILE": "/nowhere"],
            ["REDIS_MASTER_PASSWORD_FILE": "/dev/null"], ["REDIS_CONFIG_FILE": "/nowhere/redis.conf"],
        ])
    func pod(variables: [String: String]) throws {
        let scratch = try Scratch()
        var environment = [
            "REDIS_CONFIG_FILE": try scratch.write("redis.conf", []), "REDIS_DATA_DIR": scratch.path,
            "REDIS_MASTER_SERVICE_HOST": "198.51.100.9", "REDIS_BIND": "127.0.0.1", "SIDECAR_PORT": "0",
        ]
        environment.merge(variables) { $1 }
        let sidecar = try ProgramRun([], of: Self.program, environment: environment)
        let other = try ProgramRun(["check"], of: "redis-replica-init", environment: environment)
        // It listens before it reads files.
        let beginning = "redis-replica-sidecar: error: "
        let found = sidecar.lines.filter { $0.hasPrefix(beginning) }
        #expect(found.count == 1 && sidecar.lines.last == found.first, "\(sidecar.output)")
        let words = try #require(found.first?.dropFirst(beginning.count))
        #expect(other.output.contains(words), "\(other.output)")
        #expect(sidecar.ending == other.ending)
    }

    @Test("a taken port ends it with 69 and a line that says what to do")
    func takenPort() async throws {
        try await withSidecar { cluster, endpoint in
            let run = try ProgramRun(
                [], of: Self.program,
                environment: [
                    "SIDECAR_HOST": endpoint.host, "SIDECAR_PORT": "\(endpoint.port)", "SIDECAR_REDIS": "127.0.0.1:1",
                    "LOG_LEVEL": "error",
                ])
            #expect(run.ending == .exited(69), "\(run.output)")
            #expect(run.output.contains("cannot listen on \(endpoint.host), port \(endpoint.port)"))
            #expect(run.output.contains("choose another one with SIDECAR_PORT"))
        }
    }

    @Test(
        "SIGTERM and SIGINT end it at once and with success, also as process 1 of its namespace",
        arguments: [SIGTERM, SIGINT])
    func ends(signal: Int32) async throws {
        try await withSidecar { cluster, _ in
            let process = try await cluster.processIdentifier(of: "sidecar")
            let start = Stopwatch()
            kill(process, signal)
            #expect(try await cluster.waitUntilEnded("sidecar") == .exited(code: 0))
            #expect(start.undisturbed < .seconds(1))
            #expect(try await cluster.log(of: "sidecar").contains("bye"))
        }
        let scratch = try Scratch()
        let endpoint = Endpoint(port: try Loopback.freePorts(1)[0])
        let unshare = try Spawned(
            "/usr/bin/unshare",
            ["--pid", "--fork", "--mount-proc", "--kill-child", try Programs.built(Self.program).string],
            environment: Self.environment(at: endpoint), in: scratch.path, log: scratch["log"])
        let listens = Deadline.wait(20) { unshare.output.contains("listening on") ? true : nil }
        try #require(listens == true, "\(unshare.output)")
        let children = String(
            decoding: try Scratch.read("/proc/\(unshare.pid)/task/\(unshare.pid)/children"), as: UTF8.self)
        let first = try #require(children.split(separator: " ").first.flatMap { Int32($0) })
        kill(first, signal)
        #expect(unshare.ended(within: 2) == .exited(0), "\(unshare.output)")
    }

    @Test("has one thread, and short-lived ones for names and files")
    func threads() async throws {
        try await withSidecar { cluster, _ in
            let process = try await cluster.processIdentifier(of: "sidecar")
            // Over several observations of the servers.
            let end = ContinuousClock.now + .seconds(3)
            while ContinuousClock.now < end {
                _ = try await cluster.http("sidecar", .get("/livez"))
                #expect(Scratch.names(inFolder: "/proc/\(process)/task").count <= 4)
            }
        }
    }

    @Test("a record that cannot be written or understood is reported once, and the latter is written again")
    func record() async throws {
        let scratch = try Scratch()
        let garbage = try scratch.write("garbage", "replicaof who knows\n".utf8)
        let pair = try Pair()
        try await withLocalCluster(pair.spec) { cluster in
            let address = pair.replica.endpoint
            for record in [garbage, "/nowhere/record"] {
                var sidecar = try Self.sidecar(at: Endpoint(port: try Loopback.freePorts(1)[0]))
                sidecar.environment["SIDECAR_REDIS"] = "\(address)"
                sidecar.environment["REDIS_MASTER_SERVICE_HOST"] = pair.master.endpoint.host
                sidecar.environment["REDIS_MASTER_SERVICE_PORT"] = "\(pair.master.endpoint.port)"
                sidecar.environment["REDIS_MASTER_RECORD_FILE"] = record
                try await withLocalCluster(ClusterSpec([sidecar])) { own in
                    try await own.wait(untilStatusOf: "sidecar", says: #""state": "in-step""#)
                    if record == garbage {
                        #expect(try await own.log(of: "sidecar").contains("cannot be understood, and is written again"))
                        let text = String(decoding: try Scratch.read(garbage), as: UTF8.self)
                        #expect(text.contains("replicaof \(pair.master.endpoint.host) \(pair.master.endpoint.port)\n"))
                        return
                    }
                    let words = "cannot write the record /nowhere/record: No such file or directory"
                    try await own.wait(untilLogOf: "sidecar", says: words)
                    // Another life of the server is another record.
                    try await cluster.restart("replica")
                    let life = try await cluster.info("replica", section: "server")["run_id"] ?? "?"
                    try await own.wait(untilStatusOf: "sidecar", says: life)
                    try await own.wait(untilStatusOf: "sidecar", says: #""state": "in-step""#)
                    let lines = try await own.log(of: "sidecar").split(separator: "\n").filter { $0.contains(words) }
                    #expect(lines.count == 1 && lines[0].contains("set REDIS_MASTER_RECORD_FILE"))
                }
            }
        }
    }

    static func environment(at endpoint: Endpoint) -> [String: String] {
        [
            "SIDECAR_HOST": endpoint.host, "SIDECAR_PORT": "\(endpoint.port)", "SIDECAR_REDIS": "127.0.0.1:1",
            "REDIS_CONFIG_FILE": "/dev/null", "REDIS_MASTER_RECORD_FILE": "/dev/null/record",
        ]
    }

    /// A sidecar of a server that is not there.
    static func sidecar(at endpoint: Endpoint) throws -> NodeSpec {
        NodeSpec(
            name: "sidecar", executable: try Programs.built(program), environment: environment(at: endpoint),
            endpoint: endpoint, readiness: .running, isRedis: false)
    }

    private func withSidecar(_ body: (LocalCluster, Endpoint) async throws -> Void) async throws {
        let endpoint = Endpoint(port: try Loopback.freePorts(1)[0])
        try await withLocalCluster(ClusterSpec([try Self.sidecar(at: endpoint)])) { cluster in
            try await cluster.wait(untilLogOf: "sidecar", says: "listening on")
            try await body(cluster, endpoint)
        }
    }
}
