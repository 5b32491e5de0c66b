import Hiredis
import LocalTopology
import Testing

@Suite("Reads that have to know a write")
struct TokenTests {
    private static let path = "/v1/keys/k"

    /// The replica has `old`; the master has `new`, whose token the body gets; the replica hears nothing.
    private func withReplicaBehind(
        replicas: Int = 1, _ body: (ConsistencyCluster, LocalCluster, _ token: String) async throws -> Void
    ) async throws {
        try await ConsistencyCluster.run(replicas: replicas) { system, cluster in
            _ = try await cluster.put("k", "old")
            for replica in system.replicas { try await cluster.wait(until: replica.name, has: "k", "old") }
            for link in system.links { link.hold() }
            let token = try await cluster.put("k", "new")
            #expect(try await cluster.http("app", .get(Self.path))[0].text == "old", "a plain read may miss it")
            try await body(system, cluster, token)
        }
    }

    @Test("a read waits for a replica that is behind, and is served by it when it has the write")
    func waits() async throws {
        try await withReplicaBehind { system, cluster, token in
            async let answer = cluster.http("app", .get(Self.path, after: token, wait: "10s"), timeout: .seconds(12))[0]
            try await cluster.wait(untilReadsAreRepeatedAt: "replica-1")
            system.links[0].release()
            let fresh = try await answer
            #expect(fresh.status == 200 && fresh.text == "new")
            #expect(fresh.role == "replica" && fresh.verdict == "satisfied")
        }
    }

    @Test("without time to wait the master is asked at once, with some of it when it is over")
    func asksMaster() async throws {
        try await withReplicaBehind { _, cluster, token in
            for (wait, least) in [(nil, 0), ("0ms", 0), ("300ms", 300)] as [(String?, Int)] {
                let start = Stopwatch()
                let answer = try await cluster.http("app", .get(Self.path, after: token, wait: wait))[0]
                let elapsed = start.elapsed
                #expect(answer.text == "new" && answer.role == "master" && answer.verdict == "satisfied")
                #expect(elapsed >= .milliseconds(least), "\(elapsed)")
                #expect(start.undisturbed < .milliseconds(least + 1500), "\(elapsed)")
            }
        }
    }

    @Test("a document, a head and a tag are as fresh as a value")
    func forms() async throws {
        try await withReplicaBehind { _, cluster, token in
            let document = try await cluster.http(
                "app", .get(Self.path, after: token, headers: ["Accept: application/json"]))[0]
            #expect(document.text.contains(#""value":"new""#) && document.verdict == "satisfied")
            #expect(document.header("Content-Type") == "application/json")
            let plain = try await cluster.http("app", .get(Self.path, after: token))[0]
            let tag = try #require(plain.header("ETag"))
            for accept in ["*/*", "application/json"] {
                let known = try await cluster.http(
                    "app", .get(Self.path, after: token, headers: ["If-None-Match: \(tag)", "Accept: \(accept)"]))[0]
                #expect(known.status == 304 && known.body.isEmpty && known.verdict == "satisfied")
            }
            var head = LoopbackHTTP.Request.get(Self.path, after: token)
            head.method = "HEAD"
            let answer = try await cluster.http("app", head)[0]
            #expect(answer.status == 200 && answer.header("ETag") == tag && answer.header("Content-Length") == "3")
            let missing = try await cluster.http("app", .get("/v1/keys/none", after: token))[0]
            #expect(missing.code == "key-not-found" && missing.verdict == "satisfied" && missing.role == "master")
            _ = try await cluster.redis("master", "LPUSH", "list", "1")
            let list = try await cluster.http("app", .get("/v1/keys/list", after: token))[0]
            #expect(list.code == "wrong-type" && list.role == "master")
        }
    }

    @Test("of two replicas the one that has the write serves it")
    func otherReplica() async throws {
        try await withReplicaBehind(replicas: 2) { system, cluster, token in
            system.links[1].release()
            try await cluster.wait(until: "replica-2", has: "k", "new")
            for _ in 0..<20 {
                let answer = try await cluster.http("app", .get(Self.path, after: token, wait: "5s"))[0]
                #expect(answer.text == "new")
                #expect(answer.header("Served-By") == "\(system.replicas[1].endpoint)")
            }
        }
    }

    @Test("a token of a read stands for what it saw: no later read with it goes back in time")
    func readToken() async throws {
        try await withReplicaBehind(replicas: 2) { system, cluster, _ in
            system.links[1].release()
            try await cluster.wait(until: "replica-2", has: "k", "new")
            var seen: [String: String] = [:]
            for _ in 0..<20 {
                let answer = try await cluster.http(
                    "app", .init("GET", Self.path, headers: ["Replication-Token: want"]))[0]
                #expect(answer.status == 200 && answer.verdict == nil)
                seen[answer.text] = answer.token
            }
            let token = try #require(seen["new"], "both replicas are asked")
            for _ in 0..<20 {
                let answer = try await cluster.http(
                    "app", .get(Self.path, after: token, headers: ["Replication-Token: want"]))[0]
                #expect(answer.text == "new" && answer.token != nil)
            }
        }
    }

    @Test("a replica that stands still is left for the master when the time is over")
    func stopped() async throws {
        try await withReplicaBehind { _, cluster, token in
            try await cluster.pause("replica-1")
            let start = Stopwatch()
            let answer = try await cluster.http("app", .get(Self.path, after: token, wait: "400ms"))[0]
            let elapsed = start.undisturbed
            #expect(answer.text == "new" && answer.role == "master" && answer.verdict == "satisfied")
            #expect(elapsed < .milliseconds(1900), "before the replica's time-out: \(elapsed)")
            try await cluster.resume("replica-1")
        }
    }

    @Test("while no server answers, a read ends with its time to wait and the time-out of a command")
    func everybodyStopped() async throws {
        try await withReplicaBehind { _, cluster, token in
            try await cluster.pause("replica-1")
            try await cluster.pause("master")
            let start = Stopwatch()
            let answer = try await cluster.http("app", .get(Self.path, after: token, wait: "500ms"))[0]
            let elapsed = start.undisturbed
            #expect(answer.status == 504 || answer.status == 503, "\(answer.text)")
            #expect(elapsed < .milliseconds(3500), "\(elapsed)")
            try await cluster.resume("replica-1")
            try await cluster.resume("master")
        }
    }

    @Test("without a master a replica that has the write serves it, and one that has not is not believed")
    func masterGone() async throws {
        try await withReplicaBehind(replicas: 2) { system, cluster, token in
            system.links[1].release()
            try await cluster.wait(until: "replica-2", has: "k", "new")
            // The app loses the master; the replicas do not.
            system.masterName.retarget([])
            try await cluster.pause("master")
            try await cluster.wait(until: "the app has lost the master", of: "app") {
                let answer = try await cluster.http("app", .put("/v1/keys/other", "v"))[0]
                return Observation(answer.code == "redis-unavailable", else: "\(answer.status) \(answer.text)")
            }
            for wait in [nil, "200ms"] as [String?] {
                for _ in 0..<10 {
                    let answer = try await cluster.http("app", .get(Self.path, after: token, wait: wait))[0]
                    #expect(answer.text == "new" && answer.header("Served-By") == "\(system.replicas[1].endpoint)")
                }
            }
            try await cluster.kill("replica-2")
            try await cluster.wait(until: "the app has lost the replica, too", of: "app") {
                let answer = try await cluster.http("app", .get(Self.path, after: token))[0]
                #expect(answer.text != "old")
                return Observation(answer.code == "redis-unavailable", else: "\(answer.status) \(answer.text)")
            }
            let start = ContinuousClock.now
            let refused = try await cluster.http("app", .get(Self.path, after: token, wait: "300ms"))[0]
            #expect(refused.status == 503 && refused.code == "redis-unavailable")
            #expect(ContinuousClock.now - start >= .milliseconds(300), "the master may come back")
            #expect(try await cluster.http("app", .get(Self.path))[0].text == "old", "a plain read takes what there is")
            try await cluster.resume("master")
        }
    }

    @Test("a client that goes away is not waited for")
    func clientGone() async throws {
        try await withReplicaBehind { system, cluster, token in
            async let gone = Result<[LoopbackHTTP.Response], any Error>.of {
                try await LoopbackHTTP.exchange(
                    [.get(Self.path, after: token, wait: "10s")], with: system.app.endpoint, timeout: .milliseconds(500)
                )
            }
            try await cluster.wait(untilReadsAreRepeatedAt: "replica-1")
            let answer = await gone
            #expect(throws: LoopbackHTTP.Failure.self) { try answer.get() }
            try await cluster.wait(until: "no app asks the replica any more", of: "replica-1", within: .seconds(30)) {
                let before = try await cluster.calls(of: "ping", at: "replica-1")
                // Long enough for two more pauses, in which a read that waits asks again: a server's own work.
                for _ in 0..<50 { _ = try await cluster.redis("replica-1", "DBSIZE") }
                let after = try await cluster.calls(of: "ping", at: "replica-1")
                return Observation(after == before, else: "\(after - before) times")
            }
        }
    }

    @Test("many that wait share their questions, and all are served when the replica has caught up")
    func many() async throws {
        try await withReplicaBehind { system, cluster, token in
            let count = 64
            let fields = "Host: a\r\nReplication-After: \(token)\r\nReplication-Wait: 10s\r\n"
            let wire = (1...count).map { number in
                "GET \(Self.path) HTTP/1.1\r\n\(fields)\(number == count ? "Connection: close\r\n" : "")\r\n"
            }
            let before = try await cluster.info("replica-1", section: "commandstats")
            async let transcript = LoopbackHTTP.transcript(
                of: Array(wire.joined().utf8), with: system.app.endpoint, timeout: .seconds(12))
            try await cluster.wait(until: "all wait", of: "replica-1") {
                let now = try await cluster.info("replica-1", section: "commandstats")
                let asks = calls("ping", now) - calls("ping", before)
                let looks = calls("info", now) - calls("info", before)
                // Each of them looked once by itself before it began to wait.
                guard asks > 10 * count else { return .notYet("\(asks) questions") }
                #expect(looks - count < asks / 2, "\(looks) INFO for \(asks) questions")
                return .satisfied
            }
            system.links[0].release()
            let answers = try await transcript.split(separator: "HTTP/1.1 ")
            #expect(answers.count == count)
            for answer in answers {
                #expect(answer.hasPrefix("200") && answer.hasSuffix("new") && answer.contains("Served-Role: replica"))
            }
        }
    }

    @Test("tokens that are none are refused, and one of another history is the master's to answer: unknown")
    func unknownTokens() async throws {
        try await withReplicaBehind { _, cluster, token in
            for text in ["x", "", "want", "\(token)x"] {
                let answer = try await cluster.http("app", .get(Self.path, after: text))[0]
                #expect(answer.status == 400 && answer.code == "invalid-replication-token", "\(text)")
            }
            let other = try await cluster.http("app", .get(Self.path, after: String(repeating: "a", count: 40) + ":1"))[
                0]
            #expect(other.text == "new" && other.role == "master" && other.verdict == "unknown")
        }
    }
}

extension Result where Failure == any Error {
    fileprivate static func of(_ body: () async throws -> Success) async -> Self {
        do { return .success(try await body()) } catch { return .failure(error) }
    }
}

/// How often a command has been called, by `INFO commandstats`.
private func calls(_ command: String, _ stats: [String: String]) -> Int {
    stats["cmdstat_\(command)"].flatMap { Int($0.dropFirst("calls=".count).prefix { $0 != "," }) } ?? 0
}
