import Glibc
import Hiredis
import LocalTopology
import SeededRandomness
import SystemPackage
import Testing

@Suite("check ends as a start would")
struct StartVerdictTests {
    @Test("the verdict is that of the real server, and an error names the line", arguments: RedisServer.paths)
    func verdict(path: String) async throws {
        let server = try RedisServer(path)
        let program = try Programs.built("redis-replica-init").string
        let findings = try await Background.run {
            var judge = try StartJudge(server: server, program: program)
            for configuration in StartConfiguration.all { try judge.compare(configuration) }
            return (judge.findings, judge.started, judge.refused)
        }
        #expect(findings.0.isEmpty, "\(findings.0.joined(separator: "\n"))")
        // Both kinds are there.
        #expect(findings.1 >= 30 && findings.2 >= 50, "started \(findings.1), refused \(findings.2)")
    }

    @Test("the same where no variable names the version, and the server is asked", arguments: RedisServer.paths)
    func withoutVariable(path: String) async throws {
        let server = try RedisServer(path)
        let program = try Programs.built("redis-replica-init").string
        let findings = try await Background.run {
            var judge = try StartJudge(server: server, program: program, namesVersion: false)
            for configuration in StartConfiguration.dependingOnVersion { try judge.compare(configuration) }
            return judge.findings
        }
        #expect(findings.isEmpty, "\(findings.joined(separator: "\n"))")
    }

    @Test("redis-server's arguments, in all shapes", arguments: RedisServer.paths)
    func arguments(path: String) async throws {
        let server = try RedisServer(path)
        let program = try Programs.built("redis-replica-init").string
        let count = getenv("LINE_SHAPES").flatMap { Int(String(cString: $0)) } ?? 30
        let findings = try await Background.run {
            var judge = try StartJudge(server: server, program: program)
            var random = SplitMix64(seed: 16)
            for arguments in StartConfiguration.arguments { try judge.compare(.arguments(arguments)) }
            for _ in 0..<count {
                let pair = (0..<2).flatMap { _ in StartConfiguration.arguments.randomElement(using: &random) ?? [] }
                try judge.compare(.arguments(pair))
            }
            return (judge.findings, judge.started, judge.refused)
        }
        #expect(findings.0.isEmpty, "\(findings.0.joined(separator: "\n"))")
        #expect(findings.1 >= 15 && findings.2 >= 15, "started \(findings.1), refused \(findings.2)")
    }

    @Test("a server that is asked for its version counts where no variable names one", arguments: RedisServer.paths)
    func asked(path: String) throws {
        let server = try RedisServer(path)
        var run = try InitRun(configuration: "appenddirname aof\n", server: path)
        run.environment["REDIS_REPLICATION_MODE"] = "master"
        let (ending, output) = try run.run(["check", run.scratch["etc/redis.conf"]])
        let isKnown = server.has(7, 0)
        #expect(ending == .exited(isKnown ? 0 : 78), "\(output)")
        run.environment["REDIS_VERSION"] = isKnown ? "6.2.7" : "7.0.1"
        let named = try run.run(["check", run.scratch["etc/redis.conf"]])
        #expect(named.ending == .exited(isKnown ? 78 : 0), "\(named.output)")
        #expect(
            !isKnown || named.output.contains("redis.conf:1:1: Redis 6.2 does not know appenddirname"),
            "\(named.output)")
    }

    @Test("a data folder or a socket's folder that the server cannot write to is reported")
    func folders() throws {
        var run = try InitRun(configuration: "unixsocket /nowhere/redis.sock\n")
        run.scratch.makeFolder("data", mode: 0o555)
        try run.asServerUser()
        let (ending, output) = try run.run(["check", run.scratch["etc/redis.conf"]])
        #expect(ending == .exited(77), "\(output)")
        #expect(
            output.contains("dir needs the folder \(run.scratch["data"]), and the server cannot write"), "\(output)")
        #expect(output.contains("unixsocket needs the folder /nowhere, which is not there"), "\(output)")
        #expect(output.contains("it would not start"))
    }
}

/// Asks `check`, and then starts the server by the init on the same file.
private struct StartJudge {
    private let server: RedisServer
    private let program: String
    private let namesVersion: Bool
    private let scratch: Scratch
    private let certificates: Certificates
    private(set) var findings: [String] = []
    private(set) var started = 0
    private(set) var refused = 0

    init(server: RedisServer, program: String, namesVersion: Bool = true) throws {
        self.server = server
        self.program = program
        self.namesVersion = namesVersion
        // A server may end between its answer and our question.
        signal(SIGPIPE, SIG_IGN)
        scratch = try Scratch()
        certificates = try Certificates()
        try certificates.sign("node", for: "IP:127.0.0.1")
        try scratch.program(server.name, server.path)
        scratch.makeFolder("data")
    }

    mutating func compare(_ configuration: StartConfiguration) throws {
        func text(_ text: String) -> String {
            text.replacing("{folder}", with: scratch["w"]).replacing("{tls}", with: certificates.folder.path)
                .replacing("{socket}", with: scratch["s.sock"])
        }
        for (name, content) in configuration.files { try scratch.write("w/\(name)", text(content).utf8) }
        defer { for name in configuration.files.keys { unlink(scratch["w/\(name)"]) } }
        try scratch.write("w/redis.conf", text(configuration.text).utf8)
        for name in scratch.names(in: "data") { unlink(scratch["data/\(name)"]) }
        for (name, content) in configuration.dataFiles { try scratch.write("data/\(name)", text(content).utf8) }
        let arguments = configuration.arguments ?? ["--port", "0", "--unixsocket", scratch["s.sock"]]
        let check = try spawn(["check"], arguments, log: "check.log")
        let code = check.ended()
        let starts = try starts(arguments)
        if starts { started += 1 } else { refused += 1 }
        let label = "\(server.testDescription), \(configuration.name)"
        if (code == .exited(0)) != starts {
            findings.append("\(label): \(starts ? "starts" : "ends"), and check said \(code): \(told(check))")
        } else if !starts, let line = configuration.line,
            !check.output.contains("error: \(scratch["w"])/redis.conf:\(line):")
        {
            findings.append("\(label): no error in line \(line): \(told(check))")
        }
        if !starts, code != .exited(78) { findings.append("\(label): \(code)") }
    }

    private func told(_ process: Spawned) -> String {
        process.output.split(separator: "\n").filter { $0.contains("error: ") || $0.contains("warning: ") }.joined(
            separator: " | ")
    }

    private func spawn(_ words: [String], _ arguments: [String], log: String) throws -> Spawned {
        var environment = [
            "PATH": "\(scratch["bin"]):/usr/bin:/bin", "REDIS_DATA_DIR": scratch["data"], "SKIP_DROP_PRIVS": "1",
            "REDIS_REPLICATION_MODE": "master", "ALLOW_EMPTY_PASSWORD": "yes", "REDIS_BIND": "127.0.0.1",
        ]
        // No image of redict says so in REDIS_VERSION: the server itself is asked.
        if !server.isRedict, namesVersion { environment[server.variable.name] = server.variable.value }
        return try Spawned(
            program, words + ["\(scratch["w"])/redis.conf", "--"] + arguments, environment: environment,
            in: scratch["w"], log: scratch[log])
    }

    /// Whether the server answers at its socket; it ends at once where something is wrong.
    private func starts(_ arguments: [String]) throws -> Bool {
        let socket = scratch["s.sock"]
        unlink(socket)
        let process = try spawn([], arguments, log: "run.log")
        let answer = Deadline.wait(30) { () -> Bool? in
            if process.endingIfOver() != nil { return false }
            guard access(socket, F_OK) == 0,
                var connection = try? BlockingConnection(path: socket, timeout: .seconds(10)),
                (try? connection.command("PING")) != nil
            else { return nil }
            return true
        }
        guard let answer else {
            process.kill()
            throw Spawned.Failure(description: "\(server.testDescription) neither answers nor ends: \(process.output)")
        }
        if answer { process.kill() }
        return answer
    }
}
