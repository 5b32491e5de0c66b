import Hiredis
import LocalTopology
import Testing

@Suite("Writing keys by /v1/keys/{key}")
struct KeyWriteTests {
    @Test("PUT creates with 201 and replaces with 204; the value is the body, its tag and a growing token come back")
    func put() async throws {
        try await ConsistencyCluster.run { system, cluster in
            let all = Array(UInt8.min...UInt8.max)
            let values: [[UInt8]] = [[], [0], all, Array(repeating: 7, count: 3 << 20), Array("v".utf8)]
            var offsets: [Int64] = []
            for (index, value) in values.enumerated() {
                let request = LoopbackHTTP.Request(
                    "PUT", "/v1/keys/dir/%00k?",
                    headers: ["Content-Type: text/whatever"] + (value.isEmpty ? ["Content-Length: 0"] : []), body: value
                )
                let answer = try await cluster.http("app", request)[0]
                #expect(answer.status == (index == 0 ? 201 : 204))
                #expect(answer.body.isEmpty)
                #expect(answer.role == "master" && answer.header("Served-By") == "\(system.masterName.endpoint)")
                let token = try #require(answer.token).split(separator: ":")
                #expect(token[0] == (try await cluster.info("master")["master_replid"] ?? ""))
                offsets.append(try #require(Int64(token[1])))
                let read = try await cluster.http(
                    "app", .get("/v1/keys/dir/%00k", after: token.joined(separator: ":"), wait: "5s"))[0]
                #expect(read.status == 200 && read.body == value && read.verdict == "satisfied")
                #expect(read.header("ETag") != nil && read.header("ETag") == answer.header("ETag"))
            }
            #expect(offsets == offsets.sorted() && Set(offsets).count == offsets.count)
        }
    }

    @Test("a client that asks first sends its body; one that sends too much is refused")
    func bodies() async throws {
        try await ConsistencyCluster.run { system, cluster in
            let head = "PUT /v1/keys/k HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
            var answer = try await LoopbackHTTP.transcript(
                of: Array((head + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello").utf8),
                with: system.app.endpoint)
            #expect(answer.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n"))
            answer = try await LoopbackHTTP.transcript(
                of: Array((head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").utf8),
                with: system.app.endpoint)
            #expect(answer.hasPrefix("HTTP/1.1 204 No Content\r\n"))
            #expect(try await cluster.redis("master", "GET", "k").text == "abcde")
            answer = try await LoopbackHTTP.transcript(
                of: Array((head + "Expect: 100-continue\r\nContent-Length: \(8 << 20 + 1)\r\n\r\n").utf8),
                with: system.app.endpoint)
            #expect(answer.hasPrefix("HTTP/1.1 413 ") && answer.contains("body-too-large"))
        }
    }

    @Test("?ttl= has a key expire, and a PUT without it has it stay")
    func timeToLive() async throws {
        try await ConsistencyCluster.run { _, cluster in
            for (query, range) in [("ttl=30s", 29_000...30_000), ("ttl=500000ms", 499_000...500_000), ("", -1 ... -1)] {
                let answer = try await cluster.http("app", .put("/v1/keys/k?\(query)", "v"))[0]
                #expect(answer.status == 201 || answer.status == 204)
                guard case .integer(let left) = try await cluster.redis("master", "PTTL", "k") else {
                    Issue.record("no time to live")
                    continue
                }
                #expect(range ~= Int(left), "\(query): \(left)")
            }
            _ = try await cluster.http("app", .put("/v1/keys/short?ttl=1ms", "v"))
            try await cluster.wait(until: "the key is gone", of: "master") {
                let reply = try await cluster.redis("master", "EXISTS", "short")
                return Observation(reply == .integer(0), else: "\(reply)")
            }
            // A key that expires is absent for If-None-Match: *.
            let answer = try await cluster.http(
                "app", .put("/v1/keys/short", "w", headers: ["If-None-Match: *"]))[0]
            #expect(answer.status == 201)
        }
    }

    @Test("If-None-Match: * creates, and leaves what is there as it is")
    func creation() async throws {
        try await ConsistencyCluster.run { _, cluster in
            let create = LoopbackHTTP.Request.put("/v1/keys/k", "first", headers: ["If-None-Match: *"])
            let second = LoopbackHTTP.Request.put("/v1/keys/k", "second", headers: ["If-None-Match: *"])
            let answers = try await cluster.http("app", create, second, second)
            #expect(answers.map(\.status) == [201, 412, 412])
            #expect(answers[0].header("ETag") != nil)
            #expect(answers[1].code == "precondition-failed" && answers[1].token != nil)
            #expect(try await cluster.redis("master", "GET", "k").text == "first")
            for field in ["x", "W/*", "", "*, *"] {
                let refused = try await cluster.http(
                    "app", .put("/v1/keys/other", "v", headers: ["If-None-Match: \(field)"]))[0]
                #expect(refused.status == 400 && refused.code == "unsupported-precondition", "\(field)")
            }
            #expect(try await cluster.redis("master", "EXISTS", "other") == .integer(0))
        }
    }

    @Test("DELETE takes away a key of any type with 204, tells 404 of one that is not there, and both have a token")
    func delete() async throws {
        try await ConsistencyCluster.run { _, cluster in
            _ = try await cluster.redis("master", [["SET", "k", "v"], ["LPUSH", "list", "1"]])
            for key in ["k", "list"] {
                let answers = try await cluster.http("app", .delete("/v1/keys/\(key)"), .delete("/v1/keys/\(key)"))
                #expect(answers.map(\.status) == [204, 404])
                #expect(answers[0].body.isEmpty && answers[1].code == "key-not-found")
                #expect(answers.allSatisfy { $0.token != nil && $0.role == "master" })
                let token = try #require(answers[0].token)
                let read = try await cluster.http("app", .get("/v1/keys/\(key)", after: token, wait: "5s"))[0]
                #expect(read.status == 404 && read.verdict == "satisfied" && read.role == "replica")
            }
            // A PUT replaces a value of any type.
            _ = try await cluster.redis("master", "LPUSH", "list", "1")
            #expect(try await cluster.http("app", .put("/v1/keys/list", "v"))[0].status == 204)
            #expect(try await cluster.redis("master", "GET", "list").text == "v")
        }
    }

    @Test("what makes no sense is refused before anything is written")
    func refusals() async throws {
        try await ConsistencyCluster.run { _, cluster in
            let cases = [
                ("ttl=1", "invalid-duration"), ("ttl=0s", "invalid-duration"), ("ttl=%zz", "invalid-percent-encoding"),
                ("replicas=0", "invalid-number"), ("replicas=1&within=1h", "invalid-duration"),
                ("within=1s", "missing-parameter"),
            ]
            for (query, code) in cases {
                let answer = try await cluster.http("app", .put("/v1/keys/k?\(query)", "v"))[0]
                #expect(answer.status == 400 && answer.code == code, "\(query): \(answer.text)")
            }
            #expect(try await cluster.http("app", .put("/v1/keys/", "v"))[0].code == "empty-key")
            let post = try await cluster.http("app", .init("POST", "/v1/keys/k"))[0]
            #expect(post.status == 405 && post.header("Allow") == "GET, HEAD, PUT, DELETE, OPTIONS")
            #expect(try await cluster.redis("master", "DBSIZE") == .integer(0))
        }
    }
}
