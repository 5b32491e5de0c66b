import FailoverAgent
import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

@Suite("The fence", .serialized)
struct FenceTests {
    @Test(
        "after the fence no client gets an acknowledgement of a write, on every version",
        arguments: RedisServer.paths)
    func refuses(path: String) async throws {
        // Also where replicas are configured to be writable.
        let scene = try await FenceScene(path, ["replica-read-only no"])
        let client = try scene.connection()
        #expect(try client.get("SET", "k", "1").text == "OK")
        let before = (try scene.info("master_replid"), try scene.info("master_repl_offset"))
        let transaction = try scene.connection()
        _ = try transaction.get("MULTI")
        _ = try transaction.get("SET", "k", "2")
        let pops = try scene.connection().later("BLPOP", "list", "0")
        let waiting = try scene.connection()
        _ = try waiting.get("SET", "k", "3")
        let waits = waiting.later("WAIT", "1", "0")
        try scene.waitForClients(["blpop", "wait"])

        #expect(try await scene.fence().outcome == .refusesWrites)

        #expect(try scene.info("role") == "slave" && scene.info("slave_read_only") == "1")
        for words in [["SET", "k", "4"], ["DEL", "k"], ["EXPIRE", "k", "1"], ["FLUSHALL"]] {
            let reply = try await scene.connection().later(words).value
            #expect(!reply.acknowledges, "\(words): \(reply)")
        }
        for script in [
            "return redis.call('SET', 'k', '5')", "redis.pcall('SET', 'k', '5') return redis.pcall('DEL', 'k')",
        ] {
            let reply = try client.get("EVAL", script, "0")
            #expect(reply.errorText?.contains("READONLY") == true, "\(reply)")
        }
        #expect(try transaction.get("EXEC").errorText != nil)
        #expect(!(await pops.value).acknowledges)
        #expect(!(await waits.value).acknowledges)
        #expect(try client.get("WAIT", "0", "1").errorText != nil)
        #expect(try client.get("GET", "k").text == "3")
        #expect(try scene.info("master_replid") == before.0, "the history keeps its name")
    }

    @Test("a fenced master goes on as a replica of the new one, without a full copy", arguments: RedisServer.paths)
    func partial(path: String) async throws {
        let ports = try Loopback.freePorts(2)
        func lines(_ port: Int) -> [String] { ["port \(port)", "bind 127.0.0.1"] }
        let master = try await FenceScene(path, lines(ports[0]))
        let replica = try await FenceScene(path, lines(ports[1]) + ["replicaof 127.0.0.1 \(ports[0])"])
        _ = try master.connection().get("SET", "k", "1")
        let follows = Deadline.wait(20) { (try? replica.connection().get("GET", "k").text) == "1" ? true : nil }
        try #require(follows == true, "\(replica.log)")
        #expect(try await master.fence().outcome == .refusesWrites)
        _ = try await replica.promote()
        #expect(try await replica.takeWrites() == nil)
        #expect(try replica.connection().get("SET", "k", "2").text == "OK")
        _ = try master.connection().get("REPLICAOF", "127.0.0.1", "\(ports[1])")
        let back = Deadline.wait(20) { (try? master.connection().get("GET", "k").text) == "2" ? true : nil }
        #expect(back == true, "\(master.log)")
        #expect(try replica.info("sync_full", of: "stats") == "0")
        #expect(try replica.info("sync_partial_ok", of: "stats") == "1")
    }

    @Test("a server that is stopped or runs a script is killed when the time is over", arguments: RedisServer.paths)
    func stuck(path: String) async throws {
        let stopped = try await FenceScene(path)
        kill(stopped.identifier, SIGSTOP)
        #expect(try await stopped.fence(within: .milliseconds(200)).outcome == .killed("did not answer in time"))
        let busy = try await FenceScene(path, ["lua-time-limit 10"])
        let script = try busy.connection().later("EVAL", "while true do end", "0")
        let isBusy = Deadline.wait(20) {
            (try? busy.connection().get("PING").errorText)?.hasPrefix("BUSY") == true ? true : nil
        }
        try #require(isBusy == true)
        let outcome = try await busy.fence(within: .milliseconds(200)).outcome
        #expect(outcome == .killed("runs a script that takes long and answers nothing else (-BUSY)"))
        #expect(!(await script.value).acknowledges)
        #expect(try await busy.fence().outcome == .gone)
    }

    @Test("a server that cannot be made to refuse writes is killed at once, and the reason is logged")
    func disobedient() async throws {
        let path = try Harness.redisServer.string
        let renamed = try await FenceScene(path, ["rename-command REPLICAOF \"\"", "rename-command SLAVEOF \"\""])
        let outcome = try await renamed.fence(within: .seconds(600)).outcome
        #expect(
            outcome
                == .killed("does not know REPLICAOF: its configuration renames it (rename-command); remove that line"))
        let half = try await FenceScene(path, ["rename-command REPLICAOF \"\"", "rename-command CONFIG \"\""])
        #expect(try await half.fence(within: .seconds(600)).outcome == .refusesWrites)
        let writable = try await FenceScene(path, ["replica-read-only no", "rename-command CONFIG \"\""])
        guard case .killed = try await writable.fence(within: .seconds(600)).outcome else {
            Issue.record("a writable replica is no fence")
            return
        }
    }

    @Test("shows the password that the server asks for; without it the server is killed")
    func password() async throws {
        let path = try Harness.redisServer.string
        let known = try await FenceScene(path, password: "secret", shown: "secret")
        #expect(try await known.fence().outcome == .refusesWrites)
        let unknown = try await FenceScene(path, password: "secret")
        let outcome = try await unknown.fence(within: .seconds(600)).outcome
        #expect(outcome == .killed("asks for a password that was not given, or refuses it"))
    }

    @Test(
        "a promoted server takes no write before it is allowed to; scripts of 6.0 are the exception",
        arguments: RedisServer.paths)
    func promotion(path: String) async throws {
        let server = try RedisServer(path)
        let scene = try await FenceScene(path, ["replicaof 127.0.0.1 0", "min-replicas-to-write 0"])
        let promoted = try await scene.promote()
        #expect(try scene.info("role") == "master" && scene.info("master_replid") == promoted.history)
        #expect(try scene.info("run_id", of: "server") == promoted.run)
        if server.has(6, 2) {
            let set = try scene.connection().later("SET", "k", "1")
            let script = try scene.connection().later("EVAL", "return redis.call('SET', 's', '1')", "0")
            try scene.waitForClients(["set", "eval"])
            #expect(try scene.connection().get("EXISTS", "k", "s") == .integer(0))
            #expect(try await scene.takeWrites() == nil)
            // No client sees an error.
            #expect(await set.value == .reply(.simple(Array("OK".utf8))))
            #expect((await script.value).acknowledges)
        } else {
            #expect(try scene.connection().get("SET", "k", "1").errorText?.hasPrefix("NOREPLICAS") == true)
            #expect(try scene.connection().get("EVAL", "return redis.call('SET', 's', '1')", "0").text == "OK")
            #expect(try await scene.takeWrites() == nil)
        }
        #expect(try scene.connection().get("SET", "k", "2").text == "OK")
        guard case .array(let pair) = try scene.connection().get("CONFIG", "GET", "min-replicas-to-write") else {
            Issue.record("no array")
            return
        }
        #expect(pair.last?.text == "0")
    }

    @Test(
        "a write that waits for a promotion is refused by the fence, and no client stays blocked",
        arguments: RedisServer.paths)
    func fencedWhilePromoted(path: String) async throws {
        let server = try RedisServer(path)
        // With 1 the server would refuse by itself.
        let minimum = server.has(6, 2) ? "0" : "1"
        let scene = try await FenceScene(
            path, ["replicaof 127.0.0.1 0", "min-replicas-to-write \(minimum)"],
            minimumReplicas: (Int(minimum) ?? 0, 10))
        _ = try await scene.promote()
        var held: Task<TestConnection.Answer, Never>?
        if server.has(6, 2) {
            held = try scene.connection().later("SET", "k", "1")
            try scene.waitForClients(["set"])
        }
        #expect(try await scene.fence().outcome == .refusesWrites)
        if let held { #expect(!(await held.value).acknowledges) }
        // The pause is over: it would hold the next master's stream too. And the setting is the user's again.
        let restored = Deadline.wait(20) { () -> Bool? in
            guard case .array(let pair)? = try? scene.connection().get("CONFIG", "GET", "min-replicas-to-write") else {
                return nil
            }
            return pair.last?.text == minimum ? true : nil
        }
        #expect(restored == true)
        #expect(try scene.connection().get("SET", "k", "1").errorText?.hasPrefix("READONLY") == true)
    }
}
