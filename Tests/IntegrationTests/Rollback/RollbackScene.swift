import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

/// A server of some version with its own folder, and `redis-replica-sidecar rollback` beside it.
final class RollbackScene {
    let server: RedisServer
    let scratch: Scratch
    private let process: Spawned
    private let program: String
    /// What the program sees.
    var environment = ["PATH": "/usr/bin:/bin", "REDIS_REPLICATION_MODE": "standalone"]

    /// - Parameter options: of the server, behind those that a scene needs.
    init(_ path: String, _ options: [String] = []) throws {
        server = try RedisServer(path)
        scratch = try Scratch()
        scratch.makeFolder("data")
        program = try Programs.built("redis-replica-sidecar").string
        process = try Spawned(
            "/usr/bin/setpriv",
            [
                "--pdeathsig", "KILL", path, "--port", "0", "--unixsocket", scratch["s.sock"], "--save", "", "--dir",
                scratch["data"],
            ] + options, in: scratch.path, log: scratch["server.log"])
        let answers = Deadline.wait(20) { [scratch] in
            guard access(scratch["s.sock"], F_OK) == 0,
                var connection = try? BlockingConnection(
                    path: scratch["s.sock"], timeout: .seconds(5)), let reply = try? connection.command("PING"),
                reply.errorText?.hasPrefix("LOADING") != true
            else { return nil as Bool? }
            return true
        }
        guard answers != nil else { throw Spawned.Failure(description: "no answer: \(process.output)") }
    }

    deinit { process.kill() }

    var socket: String { scratch["s.sock"] }
    var folder: String { scratch["data/rollback"] }

    func kill() { process.kill() }

    func connect() throws -> BlockingConnection { try BlockingConnection(path: socket, timeout: .seconds(60)) }

    /// Sends commands, and expects no error.
    func send(_ commands: [[[UInt8]]], sourceLocation: SourceLocation = #_sourceLocation) throws {
        var connection = try connect()
        for command in commands {
            let problem = try connection.command(command).errorText
            let words = command.map { String(decoding: $0.prefix(60), as: UTF8.self) }
            #expect(problem == nil, "\(words)", sourceLocation: sourceLocation)
        }
    }

    func send(_ commands: [String]..., sourceLocation: SourceLocation = #_sourceLocation) throws {
        try send(commands.map { $0.map { Array($0.utf8) } }, sourceLocation: sourceLocation)
    }

    /// Has the server write its data, and keeps them as an agent does.
    @discardableResult
    func keep(_ name: String = "term-1-0123abcd-from-100-to-200-bytes-100.rdb") throws -> String {
        try send(["SAVE"])
        mkdir(folder, 0o755)
        try #require(link(scratch["data/dump.rdb"], "\(folder)/\(name)") == 0)
        return name
    }

    func start(_ arguments: [String], log: String = "log") throws -> Spawned {
        try Spawned(
            program, ["rollback"] + arguments + ["--sidecar-redis", socket], environment: environment,
            in: scratch.path, log: scratch[log])
    }

    func run(_ arguments: String...) throws -> (ending: Spawned.Ending, output: String) {
        let process = try start(arguments)
        return (process.ended(within: 120), process.output)
    }

    /// What `show` says of each key: its state by the database and the name as it is shown.
    func shown(_ name: String) throws -> [String: String] {
        let (ending, output) = try run("show", name)
        var states: [String: String] = [:]
        for line in output.split(separator: "\n").dropFirst().dropLast() {
            let words = line.split(separator: " ", maxSplits: 4, omittingEmptySubsequences: true).map(String.init)
            try #require(words.count == 5, "\(output)")
            states["\(words[1]) \(words[4].drop { $0 == " " })"] = words[0]
        }
        #expect(ending == .exited(states.isEmpty ? 0 : 1), "\(output)")
        return states
    }
}
