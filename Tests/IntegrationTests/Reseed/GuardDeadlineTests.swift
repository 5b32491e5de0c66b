import Glibc
import LocalTopology
import Testing

@Suite("The question whether a master may start")
struct GuardDeadlineTests {
    private func start(_ peer: TricklingPeer, seconds: Int, password: String? = nil) throws -> (InitRun, Spawned) {
        var run = try InitRun()
        run.environment.merge([
            "REDIS_REPLICATION_MODE": "master", "REDIS_SLAVE_NODES_HOST": "\(peer.endpoint)",
            "REDIS_GUARD_TIMEOUT": "\(seconds)", "SKIP_DROP_PRIVS": "1",
        ]) { $1 }
        run.environment["REDIS_PASSWORD"] = password
        return (run, try run.start())
    }

    @Test(
        "has one deadline and one bound, however a server answers",
        arguments: [
            (.slow, "no answer within 2 s"), (.none, "no answer within 2 s"), (.endless, "announces 104857600 bytes"),
            (.array, "is an array of 2000000000 elements, where one value is expected"),
            (.line, "is a line of more than 65536 bytes"),
        ] as [(TricklingPeer.Answer, String)])
    func bounded(answer: TricklingPeer.Answer, words: String) async throws {
        for password in [nil, "secret"] {
            let peer = try TricklingPeer(answer)
            let (ending, output) = try await Background.run {
                let (run, process) = try self.start(peer, seconds: 1, password: password)
                return withExtendedLifetime(run) { (process.ended(within: 30), process.output) }
            }
            peer.stop()
            #expect(ending == .exited(75), "\(output)")
            #expect(output.contains("blocked: \(peer.endpoint) cannot be asked: "), "\(output)")
            #expect(output.contains(words), "\(output)")
            // What the kernel holds for both ends comes on top.
            if answer == .endless { #expect(peer.bytes < peer.connections * (16 << 20), "\(peer.bytes) bytes") }
        }
    }

    @Test("is ended by SIGTERM at any moment, with a line", arguments: [TricklingPeer.Answer.slow, .none])
    func interrupted(answer: TricklingPeer.Answer) async throws {
        let peer = try TricklingPeer(answer)
        let (ending, output) = try await Background.run {
            let (run, process) = try self.start(peer, seconds: 3600)
            return withExtendedLifetime(run) {
                _ = Deadline.wait(20) { peer.connections > 0 ? true : nil }
                _ = Glibc.kill(process.pid, SIGTERM)
                return (process.ended(within: 30), process.output)
            }
        }
        peer.stop()
        #expect(ending == .exited(75), "\(output)")
        #expect(output.contains("blocked: a signal ended the start"), "\(output)")
        #expect(peer.connections == 1, "it did not ask again")
    }
}
