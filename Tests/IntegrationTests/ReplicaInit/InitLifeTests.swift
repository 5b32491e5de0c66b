import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

@Suite("A server started through redis-replica-init")
struct InitLifeTests {
    @Test("ends in order on SIGTERM, also as process 1 of a container, with SIGTERM blocked and ignored before")
    func terminates() throws {
        var run = try InitRun(server: try Harness.redisServer.string)
        run.prefix = ["/usr/bin/env", "--ignore-signal=TERM", "--block-signal=TERM"]
        let isRoot = geteuid() == 0
        if isRoot { run.prefix += ["/usr/bin/unshare", "--pid", "--fork", "--mount-proc", "--kill-child"] }
        let socket = run.scratch["data/s.sock"]
        let process = try run.start([
            run.scratch["etc/redis.conf"], "--", "--port", "0", "--unixsocket", socket,
        ])
        let answer = Deadline.wait(20) { () -> String? in
            guard access(socket, F_OK) == 0 else { return nil }
            var connection = try? BlockingConnection(path: socket, timeout: .seconds(5))
            guard case .bulk(let text)? = try? connection?.command("INFO", "server") else { return nil }
            return String(decoding: text, as: UTF8.self)
        }
        let server: pid_t
        if isRoot {
            #expect(try #require(answer, "\(process.output)").contains("process_id:1\r\n"))
            let children = try Scratch.read("/proc/\(process.pid)/task/\(process.pid)/children")
            let words = String(decoding: children, as: UTF8.self).split(separator: " ")
            server = try #require(words.first.flatMap { pid_t($0) })
        } else {
            #expect(answer != nil, "\(process.output)")
            server = process.pid
        }
        kill(server, SIGTERM)
        #expect(process.ended() == .exited(0), "\(process.output)")
        #expect(process.output.contains("ready to exit"))
    }

    @Test("resumes where it was after a restart: a partial resync, not a full one")
    func partialResync() async throws {
        let program = try Programs.built("redis-replica-init")
        let ports = try Loopback.freePorts(2)
        let master = Endpoint(port: ports[0])
        let spec = ClusterSpec([
            .redisThroughInit(
                "master", program: program, at: master, configuration: .lines(["repl-diskless-sync-delay 0"])),
            .redisThroughInit(
                "replica", program: program, at: Endpoint(host: "127.0.0.2", port: ports[1]), replicaOf: master,
                configuration: .lines(["save 3600 1"])),
        ])
        try await withLocalCluster(spec) { cluster in
            func syncs(_ name: String) async throws -> Int {
                let text = try #require(try await cluster.redis("master", "INFO", "stats").text)
                let line = try #require(text.split(separator: "\r\n").first { $0.hasPrefix("\(name):") })
                return try #require(Int(line.dropFirst(name.count + 1)))
            }
            _ = try await cluster.redis("master", "SET", "key_1", "value_1")
            let before = (full: try await syncs("sync_full"), partial: try await syncs("sync_partial_ok"))
            try await cluster.restart("replica")
            #expect(try await syncs("sync_full") == before.full)
            #expect(try await syncs("sync_partial_ok") == before.partial + 1)
        }
    }

    @Test("killed at any moment, the init leaves the old file or the new one, whole")
    func killed() async throws {
        let findings = try await Background.run { try Self.killThreeHundredTimes() }
        #expect(findings.isEmpty, "\(findings.joined(separator: "\n"))")
    }

    private static func killThreeHundredTimes() throws -> [String] {
        let old = "bind 127.0.0.1\n" + String(repeating: "# a stock file's many lines\n", count: 4_000)
        let run = try InitRun(configuration: old)
        let clock = ContinuousClock()
        let start = clock.now
        var findings = try run.run().ending == .exited(0) ? [] : ["the first run fails"]
        // Around this long after its start the file is replaced; found out as it goes, since the machine has other work.
        var usual = clock.now - start
        let new = try run.configuration
        if !new.hasSuffix("dir \(run.scratch["data"])\n") { findings.append("not rewritten") }
        var random = SystemRandomNumberGenerator()
        var counts = (old: 0, new: 0)
        for _ in 0..<300 {
            try run.scratch.write("etc/redis.conf", old.utf8)
            let moment = clock.now + usual * Double.random(in: 0...2, using: &random)
            let process = try run.start()
            while clock.now < moment {}
            process.kill()
            let left = try run.configuration
            if left != old, left != new { findings.append("\(left.utf8.count) bytes are neither") }
            if left == old { counts.old += 1 } else { counts.new += 1 }
            usual = usual * (left == old ? 1.05 : 0.95)
        }
        if min(counts.old, counts.new) < 50 { findings.append("the moments were not spread: \(counts)") }
        for name in run.scratch.names(in: "etc") where name != "redis.conf" {
            if name.wholeMatch(of: /redis\.conf\.[0-9]+\.tmp/) == nil { findings.append("\(name) is left") }
        }
        return findings
    }
}
