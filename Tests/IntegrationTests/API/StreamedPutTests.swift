import Glibc
import Hiredis
import LocalTopology
import Testing

@Suite("Long values are passed on as they come")
struct StreamedPutTests {
    private static let length = 24 << 20
    private static let environment = ["MAX_BODY_MIB": "64"]

    private func put(
        _ query: String = "", length: Int = length, headers: [String] = [], key: String = "long"
    ) -> LoopbackHTTP.Request {
        .init(
            "PUT", "/v1/keys/\(key)\(query)", headers: headers,
            body: (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31) })
    }

    private func length(of key: String, on name: String, _ cluster: LocalCluster) async throws -> String {
        "\(try await cluster.redis(name, "STRLEN", key))"
    }

    @Test("and stored whole, with their tag, time to live and acknowledgement, in little memory")
    func stored() async throws {
        let system = try DirectCluster(replicaLines: [[]], environment: Self.environment)
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.store("k", "v", on: system.replicas)
            let process = try await cluster.processIdentifier(of: "app")
            let before = try ClientMemoryTests.mebibytes("VmHWM", of: process)
            let created = try await cluster.http("app", put("?ttl=3600s&replicas=1&within=5s"))[0]
            #expect(created.status == 201, "\(created.text)")
            #expect(created.header("Replicas-Acknowledged") == "1")
            let token = try #require(created.header("Replication-Token"))
            let tag = try #require(created.header("ETag"))
            let replaced = try await cluster.http("app", put())[0]
            #expect(replaced.status == 204)
            #expect(replaced.header("ETag") == tag)
            let after = try ClientMemoryTests.mebibytes("VmHWM", of: process)
            #expect(after - before < 16, "\(before) MiB before, \(after) after")
            #expect(try await length(of: "long", on: "master", cluster).contains("\(Self.length)"))
            let fields = ["If-None-Match: \(tag)", "Replication-After: \(token)"]
            let read = try await cluster.http("app", .init("GET", "/v1/keys/long", headers: fields))[0]
            #expect(read.status == 304, "the tag is that of the value")
        }
    }

    @Test("and refused before they come, where that is known: 413, 412, 411")
    func refused() async throws {
        let system = try DirectCluster(replicaLines: [], environment: Self.environment)
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.store("k", "v", on: [])
            func head(_ fields: String) -> [UInt8] {
                Array("PUT /v1/keys/k HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\(fields)\r\n".utf8)
            }
            let tooLong = try await LoopbackHTTP.transcript(
                of: head("Content-Length: \((64 << 20) + 1)\r\n"), with: system.app.endpoint)
            #expect(tooLong.hasPrefix("HTTP/1.1 413 ") && tooLong.contains("67108864"))
            let existing = try await LoopbackHTTP.transcript(
                of: head("Content-Length: 2000000\r\nIf-None-Match: *\r\n"), with: system.app.endpoint)
            #expect(existing.hasPrefix("HTTP/1.1 412 "), "\(existing.prefix(200))")
            var chunked = Array("PUT /v1/keys/k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
            chunked += Array("900000\r\n".utf8) + [UInt8](repeating: 0x61, count: 0x80_0001)
            let unknown = try await LoopbackHTTP.transcript(of: chunked, with: system.app.endpoint)
            #expect(unknown.hasPrefix("HTTP/1.1 411 ") && unknown.contains("length-required"))
            #expect(try await cluster.redis("master", "GET", "k").text == "v")
        }
    }

    @Test("and change nothing where the client leaves, or Redis has no memory for them")
    func given() async throws {
        let system = try DirectCluster(
            masterLines: ["maxmemory 20mb"], replicaLines: [], environment: Self.environment)
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.store("long", "v", on: [])
            do {
                let socket = try LoadSocket(to: system.app.endpoint)
                var bytes = Array(
                    "PUT /v1/keys/long HTTP/1.1\r\nHost: a\r\nContent-Length: \(Self.length)\r\n\r\n".utf8)
                bytes += [UInt8](repeating: 0x61, count: 1 << 20)
                let deadline = ContinuousClock.now + .seconds(10)
                while !bytes.isEmpty, .now < deadline { try socket.send(&bytes) }
                #expect(bytes.isEmpty)
            }
            try await cluster.wait(until: "the connection to Redis is gone", of: "master") {
                let clients = try await cluster.info("master", section: "clients")["connected_clients"] ?? ""
                return Observation(Int(clients) ?? 99 <= 4, else: "\(clients) clients")
            }
            #expect(try await cluster.redis("master", "GET", "long").text == "v")
            let refused = try await cluster.http("app", put())[0]
            #expect(refused.status == 507, "\(refused.text)")
            #expect(refused.code == "redis-out-of-memory")
            #expect(try await cluster.redis("master", "GET", "long").text == "v")
            #expect(try await cluster.http("app", .get("/v1/keys/long"))[0].text == "v")
        }
    }
}
