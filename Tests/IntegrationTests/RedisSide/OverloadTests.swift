import LocalTopology
import Testing

@Suite("Commands in flight are bounded")
struct OverloadTests {
    @Test(
        "over the bound requests are answered 503 at once, and served again when the server answers",
        arguments: [
            LoopbackHTTP.Request.get("/get?key=k"), .set(#"{"key":"k","value":"v"}"#),
        ])
    func bound(request: LoopbackHTTP.Request) async throws {
        let system = try DirectCluster(replicaLines: [], environment: ["REDIS_MAX_IN_FLIGHT": "16"])
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.store("k", "v", on: [])
            try await cluster.pause("master")
            let fields = (["Host: a"] + request.headers).map { "\($0)\r\n" }.joined()
            let head = "\(request.method) \(request.path) HTTP/1.1\r\n\(fields)"
            let length = "Content-Length: \(request.body.count)\r\n"
            let body = "\r\n" + String(decoding: request.body, as: UTF8.self)
            let wire = Array(
                (String(repeating: head + length + body, count: 7) + head + "Connection: close\r\n" + length + body)
                    .utf8)
            // As many on each connection as a new client may have under way.
            async let transcripts = Self.transcripts(of: wire, connections: 8, with: system.app.endpoint)
            // The first of them wait for two seconds.
            try await cluster.wait(until: "commands wait in the stopped master's sockets", within: .seconds(2)) {
                let waiting = try Self.unreadBytes(at: system.master.endpoint)
                return Observation(waiting >= 8 * 27, else: "\(waiting) bytes")
            }
            let start = Stopwatch()
            let refused = try await cluster.http("app", request)[0]
            #expect(start.undisturbed < .milliseconds(500))
            #expect(refused.status == 503)
            #expect(refused.code == "redis-overloaded")
            #expect(refused.header("Retry-After") == "1")

            let codes = try await transcripts.flatMap { transcript in
                transcript.split(separator: "HTTP/1.1 ").map { String($0).string(after: #""code":""#) ?? "" }
            }
            #expect(codes.count == 64)
            let waited = codes.count { $0 == "redis-timeout" || $0 == "write-outcome-unknown" }
            // A health check may take the place of one.
            #expect(8...16 ~= waited, "\(waited)")
            #expect(codes.count { $0 == "redis-overloaded" } == 64 - waited, "\(codes)")
            try await cluster.resume("master")
            try await cluster.wait(untilServed: request)
        }
    }

    private static func transcripts(
        of wire: [UInt8], connections: Int, with endpoint: Endpoint
    ) async throws -> [String] {
        try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<connections {
                group.addTask { try await LoopbackHTTP.transcript(of: wire, with: endpoint) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    /// What connections have brought and the server has not read: the kernel's own count (proc(5), `/proc/net/tcp`).
    private static func unreadBytes(at endpoint: Endpoint) throws -> Int {
        let port = String(endpoint.port, radix: 16, uppercase: true)
        let table = String(decoding: try Scratch.read("/proc/net/tcp"), as: UTF8.self)
        return table.split(separator: "\n").dropFirst().reduce(0) { sum, line in
            // sl, local address, remote address, state, tx_queue:rx_queue, …; state 01 is ESTABLISHED.
            let fields = line.split(separator: " ")
            guard fields.count > 4, fields[1].hasSuffix(":\(port)"), fields[3] == "01" else { return sum }
            return sum + (Int(fields[4].drop { $0 != ":" }.dropFirst(), radix: 16) ?? 0)
        }
    }
}
