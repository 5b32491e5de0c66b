import Glibc
import LocalTopology
import SystemPackage
import Testing

@Suite("redis-replica-sidecar supervise", .serialized)
struct SupervisorTests {
    private static func real(silence: Int = 400) throws -> SupervisedRun {
        var run = try SupervisedRun(server: try Harness.redisServer.string)
        run.options = ["--supervise-silence-milliseconds", "\(silence)"]
        return run
    }

    @Test(
        "ends the server in order on SIGTERM and SIGINT, and then itself and the dead-man process",
        arguments: [SIGTERM, SIGINT])
    func ends(signal: Int32) throws {
        let run = try Self.real()
        let (supervisor, server) = try run.start()
        let deadMan = try #require(SupervisedRun.deadMan(of: supervisor), "\(supervisor.output)")
        kill(supervisor.pid, signal)
        #expect(supervisor.ended() == .exited(0), "\(supervisor.output)")
        #expect(supervisor.output.contains("ready to exit"))
        #expect(!Programs.isAlive(server))
        #expect(SupervisedRun.waitUntilDead(deadMan))
        #expect(!supervisor.output.contains("killed"), "\(supervisor.output)")
    }

    @Test("as process 1 it ends in order, and reaps the orphans that become its children")
    func firstProcess() throws {
        try #require(geteuid() == 0, "needs root for a namespace")
        // The one in the middle ends at once, and the other one becomes an orphan.
        let script = "#!/bin/sh\ntrap 'exit 0' TERM\n/bin/sh -c '/bin/sleep 1000 &'\nwhile :; do /bin/sleep 1; done\n"
        var run = try SupervisedRun(server: script)
        run.run.prefix = ["/usr/bin/unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
        let unshare = try run.launch()
        let first = try #require(
            Deadline.wait(20) { SupervisedRun.children(of: unshare.pid).first }, "\(unshare.output)")
        let orphan = try #require(
            Deadline.wait(20) { SupervisedRun.children(of: first, with: "1000").first }, "\(unshare.output)")
        kill(orphan, SIGKILL)
        // Gone, not a zombie, which has a folder there.
        #expect(Deadline.wait(20) { access("/proc/\(orphan)", F_OK) == 0 ? nil : true } == true)
        kill(first, SIGTERM)
        #expect(unshare.ended() == .exited(0), "\(unshare.output)")
    }

    @Test("as process 1, with SIGCHLD ignored before, it starts a killed server again; frozen, its server is killed")
    func restartsAsFirstProcess() throws {
        try #require(geteuid() == 0, "needs root for a namespace")
        var run = try Self.real()
        run.run.prefix = ["/usr/bin/env", "--ignore-signal=CHLD", "--block-signal=TERM"]
        run.run.prefix += ["/usr/bin/unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
        let (unshare, server) = try run.start()
        let first = try #require(SupervisedRun.children(of: unshare.pid).first)
        // As this namespace numbers it.
        func outside() throws -> pid_t {
            let deadMen = SupervisedRun.children(of: first, with: "dead-man")
            return try #require(SupervisedRun.children(of: first).first { !deadMen.contains($0) })
        }
        kill(try outside(), SIGKILL)
        let second = try #require(run.answeringServer(otherThan: server), "\(unshare.output)")
        // Frozen from outside, as by a debugger: the dead-man process kills the server all the same.
        try #require(
            Deadline.wait(20) { SupervisedRun.children(of: first, with: "dead-man").isEmpty ? nil : true } == true)
        let frozen = try outside()
        kill(first, SIGSTOP)
        #expect(SupervisedRun.waitUntilDead(frozen))
        kill(first, SIGCONT)
        #expect(run.answeringServer(otherThan: second) != nil, "\(unshare.output)")
        kill(first, SIGTERM)
        #expect(unshare.ended() == .exited(0), "\(unshare.output)")
    }

    @Test("a killed server is started again, and the new one is watched")
    func restarts() throws {
        let run = try Self.real()
        let (supervisor, server) = try run.start()
        let deadMan = try #require(SupervisedRun.deadMan(of: supervisor))
        kill(server, SIGKILL)
        let other = try #require(run.answeringServer(otherThan: server), "\(supervisor.output)")
        #expect(supervisor.output.contains("was ended by signal 9; it is started again in 100 ms"))
        #expect(SupervisedRun.waitUntilDead(deadMan))
        #expect(SupervisedRun.deadMan(of: supervisor, otherThan: deadMan) != nil, "\(supervisor.output)")
        kill(supervisor.pid, SIGSTOP)
        #expect(SupervisedRun.waitUntilDead(other))
        supervisor.kill()
    }

    @Test("a server that ends again and again is started less and less often")
    func backoff() throws {
        let run = try SupervisedRun(server: "#!/bin/sh\nexit 3\n")
        let supervisor = try run.launch()
        let waits = [100, 200, 400, 800].map { "ended with exit code 3; it is started again in \($0) ms" }
        let seen = Deadline.wait(20) { waits.allSatisfy { supervisor.output.contains($0) } ? true : nil }
        #expect(seen == true, "\(supervisor.output)")
        kill(supervisor.pid, SIGTERM)
        #expect(supervisor.ended() == .exited(0) || supervisor.output.contains("exit code 3"))
    }

    @Test("what redis-replica-init refuses, or is not there, ends it with the same code")
    func refused() throws {
        var run = try SupervisedRun(server: "/bin/true")
        run.run.environment["REDIS_REPLICATION_MODE"] = "leader"
        var supervisor = try run.launch()
        #expect(supervisor.ended() == .exited(78), "\(supervisor.output)")
        run.options = ["--supervise-init", "/nowhere/init"]
        supervisor = try run.launch()
        #expect(supervisor.ended() == .exited(127), "\(supervisor.output)")
        #expect(supervisor.output.contains("cannot start /nowhere/init: No such file or directory"))
    }

    @Test("kills a server that does not end in time, and ends as one that was killed")
    func stubborn() throws {
        var run = try SupervisedRun(
            server: "#!/bin/sh\ntrap '' TERM\necho deaf\nwhile :; do /bin/sleep 1; done\n")
        run.options = ["--supervise-stop-seconds", "1"]
        let supervisor = try run.launch()
        let started = Deadline.wait(20) { supervisor.output.contains("deaf") ? true : nil }
        try #require(started == true, "\(supervisor.output)")
        kill(supervisor.pid, SIGTERM)
        #expect(supervisor.ended() == .exited(137), "\(supervisor.output)")
    }

    @Test("passes other signals on to the server", arguments: ["HUP", "QUIT", "USR1", "USR2"])
    func passesOn(name: String) throws {
        let run = try SupervisedRun(
            server:
                "#!/bin/sh\ntrap 'echo got \(name); exit 0' \(name)\necho traps\nwhile :; do /bin/sleep 0.05; done\n")
        let supervisor = try run.launch()
        try #require(Deadline.wait(20) { supervisor.output.contains("traps") ? true : nil } == true)
        let number = try #require(["HUP": SIGHUP, "QUIT": SIGQUIT, "USR1": SIGUSR1, "USR2": SIGUSR2][name])
        kill(supervisor.pid, number)
        let seen = Deadline.wait(20) { supervisor.output.contains("got \(name)") ? true : nil }
        #expect(seen == true, "\(supervisor.output)")
        supervisor.kill()
    }

    @Test("nothing of a killed server's group is left: a child that saves data would put an old file in place later")
    func groups() throws {
        let run = try SupervisedRun(
            server: "#!/bin/sh\n/bin/sleep 1001 &\necho started $$ $!\nwhile :; do /bin/sleep 1; done\n")
        let supervisor = try run.launch()
        let numbers = try #require(
            Deadline.wait(20) { () -> [pid_t]? in
                guard let line = supervisor.output.split(separator: "\n").first(where: { $0.hasPrefix("started ") })
                else { return nil }
                let numbers = line.split(separator: " ").compactMap { pid_t($0) }
                return numbers.count == 2 ? numbers : nil
            })
        kill(numbers[0], SIGKILL)
        #expect(SupervisedRun.waitUntilDead(numbers[1]))
        supervisor.kill()
    }

    @Test("takes arguments of the server as bytes")
    func bytes() throws {
        let run = try SupervisedRun(server: "#!/bin/sh\nfor word; do printf '<%s>\\n' \"$word\"; done\nsleep 60\n")
        let supervisor = try run.launch([run.run.scratch["etc/redis.conf"], "--", "--dbfilename", "--x y"])
        let seen = Deadline.wait(20) { supervisor.output.contains("<--dbfilename>\n<--x y>") ? true : nil }
        #expect(seen == true, "\(supervisor.output)")
        supervisor.kill()
    }
}

@Suite("The settings of redis-replica-sidecar supervise")
struct SupervisorSettingsTests {
    private static let program = "redis-replica-sidecar"

    @Test("--help, --print-config and the document name the same variables, flags, ranges and defaults")
    func document() throws {
        let help = try ProgramRun(["supervise", "--help"], of: Self.program)
        let configuration = try ProgramRun(["supervise", "--print-config"], of: Self.program)
        #expect(configuration.ending == .exited(0))
        let names = configuration.lines.map { String($0.prefix { $0 != "=" }) }
        let text = String(decoding: try Scratch.read("\(Scratch.root)/docs/redis-replica-sidecar.md"), as: UTF8.self)
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("| `SUPERVISE_") }
        let isHere = { (name: String) in name.hasPrefix("SUPERVISE_") }
        #expect(rows.map { String($0.dropFirst(3).prefix { $0 != "`" }) } == names.filter(isHere))
        // The others are in the tables of the page about fail-over.
        let failover = String(decoding: try Scratch.read("\(Scratch.root)/docs/failover.md"), as: UTF8.self)
        let tables = failover.split(separator: "\n").filter { $0.hasPrefix("| `") }
        for name in names where !isHere(name) && !name.hasPrefix("LOG_") {
            #expect(tables.contains { $0.contains("`\(name)`") }, "\(name)")
        }
        for row in rows {
            let cells = row.split(separator: "|").map { cell in
                String(cell.filter { $0 != "`" }).split(separator: " ").joined(separator: " ")
            }
            let range = cells[2].isEmpty ? "" : "\(cells[2]); "
            #expect(help.words.contains("(\(cells[0]): \(range)default \(cells[3]))"), "\(row)")
            #expect(help.words.contains(cells[1]), "\(row)")
        }
        // The dead-man process is no command for people.
        let all = try ProgramRun(["--help"], of: Self.program)
        #expect(all.words.contains("supervise") && !all.words.contains("dead-man"))
    }

    @Test(
        "what cannot be meant ends it with a line that names the variable and the cure",
        arguments: [
            (["--supervise-stop-seconds", "0"], [:], 64, "give it a number, 1…3600"),
            ([], ["SUPERVISE_SILENCE_MILLISECONDS": "soon"], 78, "SUPERVISE_SILENCE_MILLISECONDS is 'soon'"),
            (["--supervise-silence-milliseconds", "99"], [:], 64, "give it a number, 100…60000"),
            (["--supervise-init", ""], [:], 64, "--supervise-init is empty"),
            ([], ["LOG_FORMAT": "xml"], 78, "it takes json or text"),
            (["redis.conf"], [:], 64, "redis.conf"),
        ] as [([String], [String: String], Int32, String)])
    func mistakes(arguments: [String], environment: [String: String], code: Int32, cure: String) throws {
        let run = try ProgramRun(["supervise"] + arguments, of: Self.program, environment: environment)
        #expect(run.ending == .exited(code), "\(run.output)")
        #expect(run.output.contains(cure) && run.lines.count == 1, "\(run.output)")
    }
}
