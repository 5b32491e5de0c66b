import LocalTopology
import Testing

@Suite("Requests can be followed")
struct RequestTracingTests {
    @Test func `every answer has an id: the client's, or a new one`() async throws {
        let system = try DirectCluster(replicaLines: [])
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.store("k", "v", on: [])
            let given = "a-client's-own/1"
            let requests: [LoopbackHTTP.Request] = [
                .get("/v1/keys/k"), .get("/get?key=k"), .get("/v1/keys/none"), .get("/"), .get("/readyz"),
                .get("/nowhere"), .set(#"{"key":"k","value":"v"}"#), .set("{}"), .init("HEAD", "/v1/keys/k"),
            ]
            let answers = try await LoopbackHTTP.exchange(requests, with: system.app.endpoint)
            let ids = answers.compactMap { $0.header("X-Request-Id") }
            #expect(Set(ids).count == requests.count, "\(ids)")
            #expect(ids.allSatisfy { $0.count == 16 && $0.utf8.allSatisfy(Self.isHexadecimal) }, "\(ids)")
            for request in requests {
                var request = request
                request.headers.append("X-Request-ID: \(given)")
                let answer = try await cluster.http("app", request)[0]
                #expect(answer.headers.filter { $0.hasPrefix("X-Request-Id:") } == ["X-Request-Id: \(given)"])
            }
            for unusable in ["a b", #"a"b"#, #"a\b"#, String(repeating: "x", count: 129)] {
                let answer = try await cluster.http(
                    "app", .init("GET", "/v1/keys/k", headers: ["X-Request-Id: \(unusable)"]))[0]
                #expect(answer.header("X-Request-Id")?.count == 16, "\(unusable)")
            }
            let refused = try await LoopbackHTTP.transcript(of: Array("what?\r\n\r\n".utf8), with: system.app.endpoint)
            #expect(refused.contains("\r\nX-Request-Id: "), "\(refused)")
        }
    }

    @Test func `answers that failed are logged, with what they are called and without the key, ten a second`()
        async throws
    {
        let system = try DirectCluster(replicaLines: [])
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.kill("master")
            try await cluster.wait(untilReadinessSays: "\"ready\":false")
            let trace = "0af7651916cd43dd8448eb211c80319c"
            let request = LoopbackHTTP.Request(
                "GET", "/v1/keys/private",
                headers: ["X-Request-Id: first", "traceparent: 00-\(trace)-b7ad6b7169203331-01"])
            let answers = try await LoopbackHTTP.exchange(
                Array(repeating: request, count: 40), with: system.app.endpoint)
            #expect(answers.allSatisfy { $0.status == 503 })
            try await cluster.wait(until: "what was left out is counted", of: "app") {
                let log = try await cluster.log(of: "app")
                return Observation(log.contains("more answers failed"), else: log)
            }
            let log = try await cluster.log(of: "app")
            let lines = log.split(separator: "\n").filter {
                $0.contains("answered 503") && $0.contains(#""request_id":"first""#)
            }
            // They may have come in two seconds.
            #expect(1...20 ~= lines.count, "\(log)")
            for field in [
                #""trace_id":"\#(trace)""#, #""span_id":"b7ad6b7169203331""#, #""method":"GET""#,
                #""route":"/v1/keys/{key}""#, #""status":503,"#, #""duration_ms":"#,
            ] {
                #expect(lines.allSatisfy { $0.contains(field) }, "\(field): \(lines)")
            }
            #expect(!log.contains("private"))
        }
    }

    @Test func `one answer in so many is logged, with the server that gave it`() async throws {
        let system = try DirectCluster(replicaLines: [], environment: ["ACCESS_LOG_SAMPLE": "3"])
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.store("k", "v", on: [])
            let before = try await lines(cluster).count
            _ = try await LoopbackHTTP.exchange(
                Array(repeating: .get("/v1/keys/k"), count: 30), with: system.app.endpoint)
            let lines = try await lines(cluster)
            #expect(lines.count - before == 10)
            let line = try #require(lines.last)
            for field in [
                #""served_by":"\#(system.master.endpoint)""#, #""status":200}"#, #""bytes":1,"#,
                #""route":"/v1/keys/{key}""#, #""request_id":""#,
            ] {
                #expect(line.contains(field), "\(line)")
            }
            #expect(!line.contains("trace_id"))
        }
    }

    private func lines(_ cluster: LocalCluster) async throws -> [Substring] {
        try await cluster.log(of: "app").split(separator: "\n").filter { $0.contains("answered 200") }
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte
    }
}
