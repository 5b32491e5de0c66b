import Glibc
import LocalTopology
import SystemPackage
import Testing

@Suite("The dead-man process", .serialized)
struct DeadManTests {
    private static func started() throws -> (supervisor: Spawned, server: pid_t, deadMan: pid_t, run: SupervisedRun) {
        var run = try SupervisedRun(server: try Harness.redisServer.string)
        run.options = ["--supervise-silence-milliseconds", "400"]
        let (supervisor, server) = try run.start()
        let deadMan = try #require(SupervisedRun.deadMan(of: supervisor), "\(supervisor.output)")
        return (supervisor, server, deadMan, run)
    }

    @Test("kills the server of a supervisor that is frozen, and says so")
    func frozen() throws {
        let (supervisor, server, deadMan, run) = try Self.started()
        kill(supervisor.pid, SIGSTOP)
        #expect(SupervisedRun.waitUntilDead(server))
        #expect(SupervisedRun.waitUntilDead(deadMan))
        #expect(
            supervisor.output.contains("killed redis-server, process \(server): its supervisor has been silent for 0.4")
        )
        // Thawed, it goes on as after every other end of the server.
        kill(supervisor.pid, SIGCONT)
        #expect(run.answeringServer(otherThan: server) != nil, "\(supervisor.output)")
        kill(supervisor.pid, SIGTERM)
        #expect(supervisor.ended() == .exited(0), "\(supervisor.output)")
    }

    @Test("kills the server of a supervisor that was killed, at once")
    func gone() throws {
        let (supervisor, server, deadMan, run) = try Self.started()
        supervisor.kill()
        #expect(SupervisedRun.waitUntilDead(server))
        #expect(SupervisedRun.waitUntilDead(deadMan))
        #expect(supervisor.output.contains("killed redis-server, process \(server): its supervisor is gone"))
        withExtendedLifetime(run) {}
    }

    @Test("leaves the server alone while the supervisor lives", arguments: [SIGTERM, SIGINT, SIGHUP, SIGQUIT])
    func quiet(signal: Int32) throws {
        let (supervisor, server, deadMan, run) = try Self.started()
        // It is ended by none of these: who presses ^C means the supervisor.
        kill(deadMan, signal)
        // Twice the silence, in beats that it answered.
        let end = ContinuousClock.now + .milliseconds(900)
        while ContinuousClock.now < end {
            #expect(Programs.isAlive(deadMan) && run.answeringServer() == server)
        }
        kill(supervisor.pid, SIGTERM)
        #expect(supervisor.ended() == .exited(0), "\(supervisor.output)")
    }

    @Test("is replaced when it was killed or hangs, and the other one kills as well", arguments: [SIGKILL, SIGSTOP])
    func replaced(signal: Int32) throws {
        let (supervisor, server, deadMan, run) = try Self.started()
        kill(deadMan, signal)
        let other = try #require(SupervisedRun.deadMan(of: supervisor, otherThan: deadMan), "\(supervisor.output)")
        #expect(SupervisedRun.waitUntilDead(deadMan))
        #expect(other != deadMan && run.answeringServer() == server)
        kill(supervisor.pid, SIGSTOP)
        #expect(SupervisedRun.waitUntilDead(server))
        supervisor.kill()
    }

    @Test("beats that waited while it was frozen itself say nothing of now")
    func bothFrozen() throws {
        let (supervisor, server, deadMan, run) = try Self.started()
        // The supervisor goes on a while, so that beats wait; it is frozen before it notices that nothing comes back.
        kill(deadMan, SIGSTOP)
        let end = ContinuousClock.now + .milliseconds(200)
        while ContinuousClock.now < end { _ = poll(nil, 0, 1) }
        kill(supervisor.pid, SIGSTOP)
        let later = ContinuousClock.now + .milliseconds(500)
        while ContinuousClock.now < later { _ = poll(nil, 0, 1) }
        #expect(Programs.isAlive(server))
        kill(deadMan, SIGCONT)
        #expect(SupervisedRun.waitUntilDead(server))
        supervisor.kill()
        withExtendedLifetime(run) {}
    }

    @Test("is started by supervise alone")
    func byHand() throws {
        for arguments in [["dead-man"], ["dead-man", "text", "100", "101", "3000", "1"], ["dead-man", "x"]] {
            let run = try ProgramRun(arguments, of: "redis-replica-sidecar")
            #expect(run.ending == .exited(64), "\(run.output)")
            #expect(
                run.output == "redis-replica-sidecar: dead-man is started by redis-replica-sidecar supervise alone\n")
        }
    }
}
