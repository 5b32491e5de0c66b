import Hiredis
import LocalTopology
import Testing

/// The connection to the master is cut between a write and its reply, at every place of the reply that decides something.
@Suite("The answer to a write whose reply is cut")
struct WriteOutcomeTests {
    /// A write of key `cut`, and what has to be there before it.
    struct Write: Sendable, CustomTestStringConvertible {
        var name: String
        var stored: String?
        var request: LoopbackHTTP.Request
        var after: String?

        var testDescription: String { name }
    }

    private static let path = "/v1/keys/cut"
    private static let batch = #"{"operations":[{"set":"cut","value":"new"},{"delete":"cut2"},{"get":"cut"}]}"#
    /// SipHash of `old`, as GET tells it; asked of the app, so that it is not written down twice.
    private static let tagPlace = "TAG"

    static let writes: [Write] = [
        .init(name: "PUT", request: .put(path, "new"), after: "new"),
        .init(name: "PUT over a value", stored: "old", request: .put(path, "new"), after: "new"),
        .init(name: "PUT ?ttl", request: .put(path + "?ttl=100s", "new"), after: "new"),
        .init(name: "PUT ?replicas", request: .put(path + "?replicas=1&within=1s", "new"), after: "new"),
        .init(name: "PUT If-None-Match: *", request: .put(path, "new", headers: ["If-None-Match: *"]), after: "new"),
        .init(
            name: "PUT If-None-Match: * over a value", stored: "old",
            request: .put(path, "new", headers: ["If-None-Match: *"]), after: "old"),
        .init(
            name: "PUT If-Match: *", stored: "old", request: .put(path, "new", headers: ["If-Match: *"]), after: "new"),
        .init(
            name: "PUT If-Match", stored: "old", request: .put(path, "new", headers: ["If-Match: \(tagPlace)"]),
            after: "new"),
        .init(
            name: "PUT If-Match ?replicas", stored: "old",
            request: .put(path + "?replicas=1", "new", headers: ["If-Match: \(tagPlace)"]), after: "new"),
        .init(name: "DELETE", stored: "old", request: .delete(path), after: nil),
        .init(name: "DELETE ?replicas", stored: "old", request: .delete(path + "?replicas=1&within=1s"), after: nil),
        .init(name: "/set", request: .set(#"{"key":"cut","value":"new"}"#), after: "new"),
        .init(name: "batch", request: .rawBatch(batch), after: "new"),
    ]

    @Test(
        "sent and not answered is 504 write-outcome-unknown without Retry-After, whichever write it is",
        arguments: [true, false])
    func lost(isCarriedOut: Bool) async throws {
        try await ConsistencyCluster.run { system, cluster in
            try await cluster.loadScript()
            for write in Self.writes {
                let request = try await cluster.prepare(write)
                system.masterName.cutReplies(
                    .init(marker: Array("cut".utf8), limit: 1, isBeforeTarget: !isCarriedOut))
                let answer = try await cluster.http("app", request, timeout: .seconds(8))[0]
                #expect(system.masterName.cuts == 1, "\(write.name)")
                #expect(answer.status == 504 && answer.code == "write-outcome-unknown", "\(write.name): \(answer.text)")
                #expect(answer.header("Retry-After") == nil && answer.token == nil)
                #expect(answer.text.contains("max-lag=1ms") && answer.text.contains("If-None-Match"))
                system.masterName.cutReplies(nil)
                let stored = try await cluster.redis("master", "GET", "cut")
                #expect(stored.text == (isCarriedOut ? write.after : write.stored), "\(write.name)")
                try await cluster.wait(untilServed: .set(#"{"key":"other","value":"v"}"#))
            }
        }
    }

    @Test("the reply to the write itself decides, even if later replies are missing")
    func partlyAnswered() async throws {
        /// The write's name, how much of the reply passes, the status, and what the answer says that it lacks.
        let cases: [(String, Int, Int, String?)] = [
            ("PUT", 4, 504, nil), ("PUT", 8, 504, nil), ("PUT", 9, 201, "replication-token"),
            ("PUT", 20, 201, "replication-token"), ("PUT over a value", 9, 204, "replication-token"),
            ("PUT ?ttl", 9, 201, "replication-token"),
            ("PUT ?replicas", 9, 201, "replication-token, replicas-acknowledged"),
            ("PUT ?replicas", 13, 201, "replication-token"),
            ("PUT If-None-Match: *", 5, 201, "replication-token"),
            ("PUT If-None-Match: * over a value", 5, 412, nil),
            ("PUT If-Match: *", 5, 204, "replication-token"),
            ("PUT If-Match", 4, 204, "replication-token"), ("PUT If-Match", 3, 504, nil),
            ("DELETE", 4, 204, "replication-token"),
            ("DELETE ?replicas", 4, 204, "replication-token, replicas-acknowledged"),
            ("/set", 5, 200, "replication-token, redis-replication"), ("/set", 4, 504, nil),
            ("batch", 4, 504, nil), ("batch", 5, 200, "replication-token"), ("batch", 9, 200, "replication-token"),
            ("batch", 18, 200, "replication-token"),
        ]
        try await ConsistencyCluster.run { system, cluster in
            try await cluster.loadScript()
            for (name, bytes, status, missing) in cases {
                let write = try #require(Self.writes.first { $0.name == name })
                let request = try await cluster.prepare(write)
                system.masterName.cutReplies(.init(marker: Array("cut".utf8), passingBytes: bytes, limit: 1))
                let answer = try await cluster.http("app", request, timeout: .seconds(8))[0]
                #expect(answer.status == status, "\(name) after \(bytes) bytes: \(answer.status) \(answer.text)")
                #expect(answer.header("Answer-Incomplete") == missing, "\(name) after \(bytes) bytes")
                #expect(answer.token == nil && answer.header("Retry-After") == nil)
                if name == "batch", status == 200 {
                    let results = [
                        5:
                            #"[{"status":204},{"status":504,"code":"write-outcome-unknown"},{"status":503,"code":"redis-unavailable"}]"#,
                        9:
                            #"[{"status":204},{"status":404,"code":"key-not-found"},{"status":503,"code":"redis-unavailable"}]"#,
                        18: #"[{"status":204},{"status":404,"code":"key-not-found"},{"status":200,"value":"new"}]"#,
                    ]
                    #expect(answer.text == #"{"results":"# + (results[bytes] ?? "") + "}")
                }
                if name == "/set", status == 200 {
                    #expect(answer.text.contains(#""value":"new","redis_replication":"","action":"SET""#))
                }
                system.masterName.cutReplies(nil)
                try await cluster.wait(untilServed: .set(#"{"key":"other","value":"v"}"#))
            }
        }
    }

    @Test("a script that the server does not know, and a connection that is lost behind that reply, is not applied")
    func unknownScript() async throws {
        try await ConsistencyCluster.run { system, cluster in
            let name = "PUT If-Match"
            let write = try #require(Self.writes.first { $0.name == name })
            do {
                let request = try await cluster.prepare(write)
                _ = try await cluster.redis("master", "SCRIPT", "FLUSH")
                // -NOSCRIPT … passes, and what is behind it does not.
                system.masterName.cutReplies(
                    .init(marker: Array("EVALSHA".utf8), passingBytes: 48, ending: [], limit: 1))
                let answer = try await cluster.http("app", request, timeout: .seconds(8))[0]
                #expect(system.masterName.cuts == 1)
                // Refused, or sent again and carried out.
                #expect([503, 204].contains(answer.status), "\(name): \(answer.status) \(answer.text)")
                if answer.status == 503 { #expect(answer.header("Retry-After") != nil) }
                system.masterName.cutReplies(nil)
                let stored = try await cluster.redis("master", "GET", "cut")
                #expect(stored.text == (answer.status == 204 ? write.after : write.stored), "\(name)")
                try await cluster.wait(untilServed: .set(#"{"key":"other","value":"v"}"#))
            }
        }
    }

    @Test(
        "an unusable reply before the write's own leaves the outcome unknown; after it, the write is applied"
    )
    func unusable() async throws {
        let cases: [(String, Int, String, Int)] = [
            ("PUT", 4, ":5\r\n", 504), ("PUT", 4, "+QUEUED\r\n", 504), ("PUT", 4, "HTTP/1.1 400 Bad Request\r\n", 504),
            ("PUT", 9, ":5\r\n", 201), ("PUT", 9, "HTTP/1.1 400 Bad Request\r\n", 201),
            ("PUT", 9, "-NOPERM x\r\n", 201),
            ("PUT", 9, "$5\r\nhello\r\n", 201), ("PUT", 4, "-upstream failure\r\n+OK\r\n", 504),
            ("PUT ?replicas", 9, "+OK\r\n", 201), ("PUT If-Match", 0, ":7\r\n", 504),
            ("PUT If-Match", 0, "+OK\r\n", 504),
            ("DELETE", 0, "+OK\r\n", 504), ("DELETE", 4, "+OK\r\n", 204), ("/set", 0, ":1\r\n", 504),
            ("/set", 5, ":1\r\n", 200), ("batch", 0, ":1\r\n", 504), ("batch", 5, "+OK\r\n", 200),
        ]
        try await ConsistencyCluster.run { system, cluster in
            try await cluster.loadScript()
            for (name, bytes, ending, status) in cases {
                let write = try #require(Self.writes.first { $0.name == name })
                let request = try await cluster.prepare(write)
                system.masterName.cutReplies(
                    .init(marker: Array("cut".utf8), passingBytes: bytes, ending: Array(ending.utf8), limit: 1))
                let answer = try await cluster.http("app", request, timeout: .seconds(8))[0]
                #expect(
                    answer.status == status, "\(name), \(bytes) bytes and \(ending): \(answer.status) \(answer.text)")
                #expect((answer.code == "write-outcome-unknown") == (status == 504), "\(name): \(answer.text)")
                #expect((answer.header("Answer-Incomplete") != nil) == (status != 504) && answer.token == nil)
                #expect(try await cluster.redis("master", "GET", "cut").text == write.after)
                system.masterName.cutReplies(nil)
                try await cluster.wait(untilServed: .set(#"{"key":"other","value":"v"}"#))
            }
        }
    }

    @Test("in a transaction what goes before the write was not the write, and a cut EXEC is not known")
    func transaction() async throws {
        try await ConsistencyCluster.run { system, cluster in
            let old = String(repeating: "o", count: 2000)
            for (marker, status, code, isApplied) in [
                ("WATCH", 503, "redis-unavailable", false), ("EXEC", 504, "write-outcome-unknown", true),
            ] {
                _ = try await cluster.http("app", .put(Self.path, old))
                let tag = try #require(
                    try await cluster.http("app", .get(Self.path + "?max-lag=1ms"))[0].header("ETag"))
                system.masterName.cutReplies(.init(marker: Array(marker.utf8), limit: 1))
                let answer = try await cluster.http(
                    "app", .put(Self.path, "new", headers: ["If-Match: \(tag)"]), timeout: .seconds(8))[0]
                #expect(answer.status == status && answer.code == code, "\(marker): \(answer.text)")
                #expect((answer.header("Retry-After") != nil) == (status == 503))
                #expect(system.masterName.cuts == 1)
                system.masterName.cutReplies(nil)
                #expect(try await cluster.redis("master", "GET", "cut").text == (isApplied ? "new" : old))
                try await cluster.wait(untilServed: .set(#"{"key":"other","value":"v"}"#))
            }
        }
    }

    @Test("a master that stands still leaves a write unknown; one that is gone leaves it surely not applied")
    func silence() async throws {
        try await ConsistencyCluster.run { _, cluster in
            try await cluster.wait(untilServed: .set(#"{"key":"other","value":"v"}"#))
            try await cluster.pause("master")
            for request in [
                LoopbackHTTP.Request.put(Self.path, "new"), .delete(Self.path), .rawBatch(Self.batch),
                .set(#"{"key":"cut","value":"new"}"#),
            ] {
                let answer = try await cluster.http("app", request, timeout: .seconds(8))[0]
                let isUnknown = answer.status == 504 && answer.code == "write-outcome-unknown"
                // Once the app has given the connection up, nothing is sent.
                let isRefused = answer.status == 503 && answer.header("Retry-After") == "1"
                #expect(isUnknown || isRefused, "\(answer.status) \(answer.text)")
            }
            try await cluster.resume("master")
            try await cluster.wait(untilServed: .set(#"{"key":"other","value":"v"}"#))
            try await cluster.kill("master")
            try await cluster.wait(until: "the app knows that the master is gone", of: "app") {
                let answer = try await cluster.http("app", .put(Self.path, "new"))[0]
                return Observation(answer.status == 503 && answer.code == "redis-unavailable", else: answer.text)
            }
            for write in Self.writes where !write.request.headers.contains(where: { $0.hasSuffix(Self.tagPlace) }) {
                let answer = try await cluster.http("app", write.request, timeout: .seconds(8))[0]
                #expect(answer.status == 503 && answer.code == "redis-unavailable", "\(write.name): \(answer.text)")
                #expect(answer.header("Retry-After") == "1")
            }
        }
    }

    @Test("a reply that came while the app stood still is read before a deadline counts", arguments: [false, true])
    func appStoodStill(waitsForReplicas: Bool) async throws {
        try await ConsistencyCluster.run { system, cluster in
            let name = waitsForReplicas ? "PUT ?replicas" : "PUT"
            let write = try #require(Self.writes.first { $0.name == name })
            let request = try await cluster.prepare(write)
            let before = system.masterName.pauses
            // So that the app stands still before the reply comes, and the reply comes while it does.
            system.masterName.pauseReplies(to: Array("cut".utf8), byMilliseconds: 1000)
            async let answers = cluster.http("app", request, timeout: .seconds(20))
            try await cluster.wait(until: "the write is carried out", of: "master") {
                Observation(system.masterName.pauses > before, else: "no reply yet")
            }
            try await cluster.pause("app")
            let end = ContinuousClock.now + .seconds(5)
            try await cluster.wait(until: "the app has stood still for five seconds", of: "master") {
                Observation(ContinuousClock.now > end, else: "not yet")
            }
            try await cluster.resume("app")
            let answer = try await answers[0]
            #expect(answer.status == 201, "\(name): \(answer.status) \(answer.text)")
        }
    }
}

extension LocalCluster {
    /// Has the script be known to the server: else the first reply to it says that it is not.
    fileprivate nonisolated func loadScript() async throws {
        let known = try #require(WriteOutcomeTests.writes.first { $0.name == "PUT If-Match" })
        try #require(try await http("app", try await prepare(known))[0].status == 204)
    }

    /// Has the key be as the write wants to find it.
    fileprivate nonisolated func prepare(_ write: WriteOutcomeTests.Write) async throws -> LoopbackHTTP.Request {
        _ = try await redis("master", "DEL", "cut", "cut2")
        guard let stored = write.stored else { return write.request }
        _ = try await redis("master", "SET", "cut", stored)
        let tag = try #require(try await http("app", .get("/v1/keys/cut?max-lag=1ms"))[0].header("ETag"))
        var request = write.request
        request.headers = request.headers.map { $0 == "If-Match: TAG" ? "If-Match: \(tag)" : $0 }
        return request
    }
}

extension LoopbackHTTP.Request {
    static func rawBatch(_ json: String, headers: [String] = []) -> LoopbackHTTP.Request {
        LoopbackHTTP.Request(
            "POST", "/v1/batch", headers: ["Content-Type: application/json"] + headers, body: Array(json.utf8))
    }
}
