import Hiredis
import LocalTopology
import Testing

@Suite("Writes that wait for replicas")
struct AcknowledgementTests {
    private func acknowledged(_ answer: LoopbackHTTP.Response) -> Int? {
        answer.header("Replicas-Acknowledged").flatMap { Int($0) }
    }

    @Test("both replicas acknowledge a PUT and a DELETE; without the question nothing is said")
    func both() async throws {
        try await ConsistencyCluster.run(replicas: 2) { _, cluster in
            let requests: [(LoopbackHTTP.Request, Int)] = [
                (.put("/v1/keys/k?replicas=2&within=5s", "v"), 201), (.put("/v1/keys/k?replicas=1", "w"), 204),
                (.delete("/v1/keys/k?replicas=2&within=5s"), 204), (.delete("/v1/keys/k?replicas=2&within=5s"), 404),
            ]
            for (request, status) in requests {
                let answer = try await cluster.http("app", request, timeout: .seconds(8))[0]
                #expect(answer.status == status)
                #expect(try #require(acknowledged(answer)) >= (request.path.contains("replicas=2") ? 2 : 1))
                #expect(answer.token != nil && answer.role == "master")
            }
            let kept = LoopbackHTTP.Request.put("/v1/keys/n?replicas=2&within=5s", "v", headers: ["If-None-Match: *"])
            let creation = try await cluster.http("app", kept, kept)
            #expect(creation.map(\.status) == [201, 412])
            #expect(acknowledged(try await cluster.http("app", .put("/v1/keys/k", "v"))[0]) == nil)
        }
    }

    @Test("where one is behind the write is applied all the same, is answered in time, and says how many have it")
    func oneBehind() async throws {
        try await ConsistencyCluster.run(replicas: 2) { system, cluster in
            system.links[0].hold()
            for milliseconds in [1, 200, 600] {
                let start = Stopwatch()
                let answer = try await cluster.http(
                    "app", .put("/v1/keys/k?replicas=2&within=\(milliseconds)ms", "\(milliseconds)"))[0]
                let elapsed = start.elapsed
                #expect(answer.status == 201 || answer.status == 204)
                #expect(try #require(acknowledged(answer)) < 2)
                #expect(try await cluster.redis("master", "GET", "k").text == "\(milliseconds)")
                #expect(elapsed >= .milliseconds(milliseconds), "\(elapsed)")
                #expect(start.undisturbed < .milliseconds(milliseconds + 1500), "\(elapsed)")
            }
            // Longer than a command may take, and no connection is given up for it.
            let start = ContinuousClock.now
            let slow = try await cluster.http(
                "app", .put("/v1/keys/k?replicas=2&within=3s", "v"), timeout: .seconds(8))[0]
            #expect(slow.status == 204 && acknowledged(slow) == 1)
            #expect(ContinuousClock.now - start >= .seconds(3))
        }
    }

    @Test("writes that wait hold up neither reads nor other writes")
    func others() async throws {
        try await ConsistencyCluster.run { system, cluster in
            system.links[0].hold()
            let wire = (0..<4).map { number in
                "PUT /v1/keys/slow-\(number)?replicas=1&within=3s HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
                    + (number == 3 ? "Connection: close\r\n" : "") + "\r\nv"
            }
            async let transcript = LoopbackHTTP.transcript(
                of: Array(wire.joined().utf8), with: system.app.endpoint, timeout: .seconds(10))
            try await cluster.wait(until: "four writes wait", of: "master") {
                let blocked = try await cluster.info("master", section: "clients")["blocked_clients"]
                return Observation(blocked == "4", else: blocked ?? "?")
            }
            for _ in 0..<10 {
                let start = Stopwatch()
                #expect(try await cluster.http("app", .put("/v1/keys/fast", "v"))[0].status < 300)
                #expect(try await cluster.http("app", .get("/get?key=none"))[0].status == 404)
                #expect(start.undisturbed < .seconds(1))
            }
            let answers = try await transcript.split(separator: "HTTP/1.1 ")
            #expect(answers.count == 4)
            for answer in answers {
                #expect(answer.hasPrefix("201") && answer.contains("Replicas-Acknowledged: 0\r\n"), "\(answer)")
            }
        }
    }

    @Test("as many wait as there is room for, further ones are refused at once, and none of those is applied")
    func bound() async throws {
        try await ConsistencyCluster.run { system, cluster in
            system.links[0].hold()
            let count = 120
            let codes = try await withThrowingTaskGroup { group in
                for client in 0..<3 {
                    group.addTask {
                        let wire = (0..<count).map { number in
                            "PUT /v1/keys/\(client)-\(number)?replicas=1&within=1s HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
                                + (number == count - 1 ? "Connection: close\r\n" : "") + "\r\nv"
                        }
                        return try await LoopbackHTTP.transcript(
                            of: Array(wire.joined().utf8), with: system.app.endpoint, timeout: .seconds(15))
                    }
                }
                var codes: [String: Int] = [:]
                for try await transcript in group {
                    for answer in transcript.split(separator: "HTTP/1.1 ") {
                        let text = String(answer)
                        codes[text.string(after: #""code":""#) ?? String(text.prefix(3)), default: 0] += 1
                    }
                }
                return codes
            }
            #expect(codes.values.reduce(0, +) == 3 * count, "\(codes)")
            // Some may find no connection in time on a busy machine, and are not applied either.
            #expect(Set(codes.keys).subtracting(["redis-unavailable"]) == ["201", "redis-overloaded"], "\(codes)")
            #expect(try #require(codes["redis-overloaded"]) >= 3 * count - 260, "\(codes)")
            #expect(try await cluster.redis("master", "DBSIZE") == .integer(Int64(codes["201"] ?? 0)))
            #expect(try await cluster.http("app", .put("/v1/keys/k", "v"))[0].status == 201)
        }
    }

    @Test("a write that a demoted master refuses waits for the new one")
    func failOver() async throws {
        try await ConsistencyCluster.run { system, cluster in
            let path = "/v1/keys/k?replicas=1&within=1ms"
            #expect(try await cluster.http("app", .put(path, "v"))[0].status == 201)
            let new = system.replicas[0].endpoint
            system.masterName.retarget([new])
            try await cluster.promote("replica-1")
            _ = try await cluster.redis("master", "REPLICAOF", new.host, "\(new.port)")
            for _ in 0..<20 {
                let answer = try await cluster.http("app", .put(path, "w"))[0]
                let isFine = answer.status == 204 && answer.header("Replicas-Acknowledged") != nil
                #expect(
                    isFine || answer.code == "redis-read-only" || answer.code == "redis-unavailable", "\(answer.text)")
            }
            try await cluster.wait(until: "writes are taken by the new master", of: "app") {
                let answer = try await cluster.http("app", .put(path, "x"))[0]
                let value = try await cluster.redis("replica-1", "GET", "k").text
                return Observation(answer.status == 204 && value == "x", else: "\(answer.status) \(answer.text)")
            }
        }
    }

    @Test("a stopped master is reported in time")
    func stopped() async throws {
        try await ConsistencyCluster.run { _, cluster in
            #expect(try await cluster.http("app", .put("/v1/keys/k?replicas=1", "v"))[0].status == 201)
            try await cluster.pause("master")
            let start = Stopwatch()
            let answer = try await cluster.http(
                "app", .put("/v1/keys/k?replicas=1&within=500ms", "v"), timeout: .seconds(8))[0]
            #expect(answer.status == 504 && answer.code == "write-outcome-unknown", "\(answer.text)")
            #expect(start.undisturbed < .seconds(4))
            try await cluster.resume("master")
            try await cluster.wait(until: "writes are acknowledged again", of: "app") {
                let answer = try await cluster.http("app", .put("/v1/keys/k?replicas=1", "v"))[0]
                return Observation(
                    answer.status == 204 && answer.header("Replicas-Acknowledged") == "1", else: "\(answer.text)")
            }
        }
    }
}
