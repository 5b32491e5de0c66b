import Hiredis
import LocalTopology
import Testing

@Suite("Replication-After, Replication-Wait, Replication-Token and max-lag on every path")
struct ConsistencyOnEveryPathTests {
    private static let read = #"{"operations":[{"get":"k"},{"get":"none"}]}"#

    /// The reads that can be asked for it, each with what its answer holds once it knows the write.
    private static let reads: [(request: LoopbackHTTP.Request, fresh: String)] = [
        (.get("/v1/keys/k"), "new"), (.get("/v1/demo?key=k"), "new"), (.get("/get?key=k"), #""value":"get k: new""#),
        (.rawBatch(read), #"{"status":200,"value":"new"}"#), (.get("/v1/keys?prefix=k"), #"{"key":"k"}"#),
    ]

    private static func with(_ headers: [String], _ request: LoopbackHTTP.Request) -> LoopbackHTTP.Request {
        var request = request
        request.headers += headers
        return request
    }

    private static func with(query: String, _ request: LoopbackHTTP.Request) -> LoopbackHTTP.Request {
        var request = request
        request.path += (request.path.contains("?") ? "&" : "?") + query
        return request
    }

    @Test("each read waits for a replica that knows the write, or asks the master, and says what it proved")
    func after() async throws {
        try await ConsistencyCluster.run { system, cluster in
            system.links[0].hold()
            let token = try await cluster.put("k", "new")
            for (request, fresh) in Self.reads {
                let plain = try await cluster.http("app", request)[0]
                #expect(!plain.text.contains(fresh) && plain.verdict == nil, "the replica is behind: \(request.path)")
                let after = Self.with(["Replication-After: \(token)"], request)
                let answer = try await cluster.http("app", after)[0]
                #expect(answer.status == 200 && answer.text.contains(fresh), "\(request.path): \(answer.text)")
                #expect(answer.role == "master" && answer.verdict == "satisfied", "\(request.path)")
                let lag = try await cluster.http("app", Self.with(query: "max-lag=1ms", request))[0]
                #expect(lag.status == 200 && lag.text.contains(fresh) && lag.role == "master", "\(request.path)")
            }
            // One that may wait is answered by the replica, once that has it.
            for (number, (request, fresh)) in Self.reads.enumerated() {
                system.links[0].hold()
                let token = try await cluster.put("k", "new")
                let wait = Self.with(["Replication-After: \(token)", "Replication-Wait: 8s"], request)
                async let answer = cluster.http("app", wait, timeout: .seconds(10))[0]
                try await cluster.wait(untilReadsAreRepeatedAt: "replica-1")
                system.links[0].release()
                let known = try await answer
                #expect(known.status == 200 && known.text.contains(fresh), "\(number): \(known.text)")
                #expect(known.role == "replica" && known.verdict == "satisfied", "\(request.path)")
            }
        }
    }

    @Test("each read gives a token of what it saw where it is wanted, and each write does anyway")
    func tokens() async throws {
        try await ConsistencyCluster.run { _, cluster in
            let written = try await cluster.put("k", "new")
            try await cluster.wait(until: "replica-1", has: "k", "new")
            for (request, fresh) in Self.reads {
                #expect(try await cluster.http("app", request)[0].token == nil, "\(request.path)")
                let answer = try await cluster.http("app", Self.with(["Replication-Token: want"], request))[0]
                #expect(answer.status == 200 && answer.text.contains(fresh), "\(request.path): \(answer.text)")
                #expect(answer.token?.prefix(41) == written.prefix(41), "\(request.path): \(answer.headers)")
                let both = Self.with(["Replication-Token: want", "Replication-After: \(written)"], request)
                let proven = try await cluster.http("app", both)[0]
                #expect(proven.token != nil && proven.verdict == "satisfied", "\(request.path)")
            }
            for write in [
                LoopbackHTTP.Request.set(#"{"key":"k","value":"w"}"#), .put("/v1/keys/k", "w"), .delete("/v1/keys/k"),
                .rawBatch(#"{"operations":[{"set":"k","value":"w"}]}"#),
            ] {
                for headers in [[], ["Replication-Token: want"]] {
                    _ = try await cluster.put("k", "new")
                    let answer = try await cluster.http("app", Self.with(headers, write))[0]
                    #expect(answer.status < 300 && answer.token != nil, "\(write.path): \(answer.headers)")
                }
                let odd = try await cluster.http("app", Self.with(["Replication-Token: give"], write))[0]
                #expect(odd.status == 400 && odd.code == "invalid-token-request", "\(write.path)")
            }
            // A read after it knows it.
            let set = try await cluster.http("app", .set(#"{"key":"k","value":"set"}"#))[0]
            let after = try await cluster.http(
                "app", .get("/v1/keys/k", after: try #require(set.token), wait: "5s"))[0]
            #expect(after.text == "set" && after.verdict == "satisfied")
        }
    }

    @Test("what cannot be met is refused, on every path, and changes nothing")
    func refusals() async throws {
        try await ConsistencyCluster.run { _, cluster in
            let token = try await cluster.put("k", "v")
            for write in [
                LoopbackHTTP.Request.set(#"{"key":"k","value":"w"}"#), .put("/v1/keys/k", "w"), .delete("/v1/keys/k"),
                .rawBatch(#"{"operations":[{"get":"k"},{"set":"k","value":"w"}]}"#),
            ] {
                let requests = [
                    Self.with(["Replication-After: \(token)"], write), Self.with(query: "max-lag=1s", write),
                    Self.with(["Replication-After: \(token)", "Replication-Wait: 1s"], write),
                ]
                for request in requests {
                    let answer = try await cluster.http("app", request)[0]
                    #expect(
                        answer.status == 400 && answer.code == "unsupported-consistency", "\(request): \(answer.text)")
                }
                let wait = try await cluster.http("app", Self.with(["Replication-Wait: 1s"], write))[0]
                #expect(wait.status == 400, "\(write.path): \(wait.text)")
            }
            #expect(try await cluster.redis("master", "GET", "k").text == "v")
            for path in ["/", "/livez", "/readyz", "/metrics", "/openapi.json", "/v1/topology"] {
                for header in [
                    "Replication-After: \(token)", "Replication-Wait: 1s", "Replication-Token: x", "If-Match: *",
                ] {
                    let answer = try await cluster.http("app", Self.with([header], .get(path)))[0]
                    #expect(answer.status == 400, "\(path) \(header)")
                }
                #expect(try await cluster.http("app", .get(path))[0].status == 200)
            }
            for (request, _) in Self.reads {
                for (header, code) in [
                    ("Replication-After: x", "invalid-replication-token"),
                    ("Replication-Token: x", "invalid-token-request"),
                    ("Replication-Wait: 1s", "missing-parameter"),
                ] {
                    let answer = try await cluster.http("app", Self.with([header], request))[0]
                    #expect(answer.status == 400 && answer.code == code, "\(request.path) \(header): \(answer.text)")
                }
                let lag = try await cluster.http("app", Self.with(query: "max-lag=soon", request))[0]
                #expect(lag.code == "invalid-duration", "\(request.path)")
            }
        }
    }

    @Test("a walk over the keys begins at a server that knows the write, and goes on there or nowhere")
    func walk() async throws {
        try await ConsistencyCluster.run { system, cluster in
            _ = try await cluster.redis("master", (0..<60).map { ["SET", "key-\($0)", "v"] })
            try await cluster.wait(untilReplicasOf: "master", are: 1)
            // Two walks: the first from the replica, the second from the master.
            for isBehind in [false, true] {
                if isBehind { system.links[0].hold() }
                let token = try await cluster.put("key-0", "\(isBehind)")
                if !isBehind { try await cluster.wait(untilReplicasOf: "master", are: 1) }
                var keys: Set<String> = []
                var roles: Set<String> = []
                var path = "/v1/keys?limit=10"
                repeat {
                    let page = try await cluster.http(
                        "app", .get(path, after: token, wait: isBehind ? nil : "5s"))[0]
                    try #require(page.status == 200, "\(page.text)")
                    #expect(page.verdict == "satisfied")
                    roles.insert(page.role ?? "none")
                    keys.formUnion(
                        page.text.split(separator: #""key":""#).dropFirst().map { String($0.prefix { $0 != "\"" }) })
                    let cursor = page.text.string(after: #""cursor":""#)
                    path = cursor.map { "/v1/keys?limit=10&cursor=\($0)" } ?? ""
                } while !path.isEmpty
                #expect(keys.count == 60)
                #expect(roles == [isBehind ? "master" : "replica"])
            }
            // The replica's own cursor cannot go on for a write that the replica does not have.
            let first = try await cluster.http("app", .get("/v1/keys?limit=10"))[0]
            #expect(first.role == "replica")
            let cursor = try #require(first.text.string(after: #""cursor":""#))
            let token = try await cluster.put("key-0", "newer")
            for request in [
                LoopbackHTTP.Request.get("/v1/keys?limit=10&cursor=\(cursor)", after: token),
                .get("/v1/keys?limit=10&cursor=\(cursor)", after: token, wait: "100ms"),
                .get("/v1/keys?limit=10&cursor=\(cursor)&max-lag=1ms"),
            ] {
                let answer = try await cluster.http("app", request)[0]
                #expect(answer.status == 410 && answer.code == "cursor-gone", "\(answer.status) \(answer.text)")
            }
            #expect(try await cluster.http("app", .get("/v1/keys?limit=10&cursor=\(cursor)"))[0].status == 200)
        }
    }
}
