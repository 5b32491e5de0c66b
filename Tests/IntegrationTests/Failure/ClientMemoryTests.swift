import Glibc
import LocalTopology
import Testing

@Suite("Memory for clients is bounded")
struct ClientMemoryTests {
    /// Clients that ask for a value and take nothing of it.
    struct Crowd: Sendable, CustomTestStringConvertible {
        let clients: Int
        let valueBytes: Int

        var testDescription: String { "\(clients) clients, \(valueBytes) bytes" }
    }

    @Test(
        "clients that read nothing cost no more than the budget, others are served beside them, and memory goes back",
        arguments: [
            Crowd(clients: 200, valueBytes: 300 << 10), Crowd(clients: 2000, valueBytes: 1 << 20 - 1),
        ])
    func crowd(crowd: Crowd) async throws {
        let system = try DirectCluster(environment: ["MEMORY_BUDGET_MIB": "32"], loops: 2)
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.store("small", "v", on: system.replicas)
            _ = try await cluster.redis("master", "SETRANGE", "large", "\(crowd.valueBytes - 1)", "x")
            for replica in system.replicas {
                try await cluster.wait(until: "\(replica.name) has the value", of: replica.name, within: .seconds(20)) {
                    let reply = try await cluster.redis(replica.name, "STRLEN", "large")
                    return Observation("\(reply)".contains("\(crowd.valueBytes)"), else: "\(reply)")
                }
            }
            let process = try await cluster.processIdentifier(of: "app")
            let before = try Self.mebibytes("VmRSS", of: process)
            var sockets: [LoadSocket] = []
            for _ in 0..<crowd.clients {
                let socket = try LoadSocket(to: system.app.endpoint)
                var request = Array("GET /v1/keys/large HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
                try socket.send(&request)
                sockets.append(socket)
            }
            try await cluster.wait(until: "all replies have come", of: "app", within: .seconds(60)) {
                for _ in 0..<10 {
                    let answer = try await cluster.http("app", .get("/v1/keys/small"))[0]
                    #expect(answer.code != "overloaded", "small answers are given over the budget too")
                }
                let metrics = try Exposition(try await cluster.http("app", .get("/metrics"))[0].text)
                let waiting = metrics.value("kvapp_http_requests_in_flight") ?? -1
                return Observation(waiting == 1, else: "\(waiting) requests wait")
            }
            let peak = try Self.mebibytes("VmHWM", of: process)
            print("\(crowd.testDescription): \(before) MiB before, \(peak) MiB at the most")
            #expect(peak < 96)
            sockets.removeAll()
            try await cluster.wait(until: "memory has gone back", of: "app", within: .seconds(20)) {
                let now = try Self.mebibytes("VmRSS", of: process)
                return Observation(now < 64, else: "\(now) MiB")
            }
            try await cluster.wait(untilServed: .get("/v1/keys/small"))
        }
    }

    @Test(
        "pipelined requests are answered no faster than the client takes the answers",
        arguments: ["/", "/metrics", "/v1/topology", "/openapi.json", "/readyz"])
    func pipelined(path: String) async throws {
        let system = try DirectCluster(replicaLines: [], environment: ["MEMORY_BUDGET_MIB": "48"], loops: 2)
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilServed: .get("/livez"), by: "app")
            let process = try await cluster.processIdentifier(of: "app")
            let request = "GET \(path) HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n"
            var sockets: [LoadSocket] = []
            for _ in 0..<64 {
                let socket = try LoadSocket(to: system.app.endpoint)
                var requests = Array(String(repeating: request, count: 1000).utf8)
                try socket.send(&requests)
                sockets.append(socket)
            }
            // Answered in turns of the event loops: those that come now are answered behind all of them.
            for _ in 0..<20 {
                #expect(try await cluster.http("app", .get("/livez"), timeout: .seconds(30))[0].status == 200)
            }
            let peak = try Self.mebibytes("VmHWM", of: process)
            #expect(peak < 96, "\(sockets.count) connections")
        }
    }

    /// A line of proc(5)'s `status`.
    static func mebibytes(_ name: String, of process: Int32) throws -> Int {
        let text = String(decoding: try Scratch.read("/proc/\(process)/status"), as: UTF8.self)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("\(name):") })
        let kibibytes = try #require(line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) })
        return kibibytes / 1024
    }
}
