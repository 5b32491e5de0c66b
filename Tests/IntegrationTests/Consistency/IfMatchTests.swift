import Hiredis
import LocalTopology
import SystemPackage
import Testing

@Suite("Compare-and-swap by If-Match and If-None-Match")
struct IfMatchTests {
    private static let path = "/v1/keys/k"

    /// What is stored, what the request asks, and what becomes of it. `TAG` is the tag of what is stored.
    private struct Case {
        var stored: String?
        var headers: [String]
        var put: Int
        var delete: Int

        init(_ stored: String?, _ headers: [String], put: Int, delete: Int) {
            self.stored = stored
            self.headers = headers
            self.put = put
            self.delete = delete
        }
    }

    private static let cases: [Case] =
        ["old", "", String(repeating: "x", count: 512), String(repeating: "y", count: 513)]
        .flatMap { stored in
            [
                Case(stored, ["If-Match: TAG"], put: 204, delete: 204),
                Case(stored, ["If-Match: \"x\", TAG"], put: 204, delete: 204),
                Case(stored, ["If-Match: W/TAG"], put: 412, delete: 412),
                Case(stored, ["If-Match: \"00000000000000000000000000000000\""], put: 412, delete: 412),
                Case(stored, ["If-Match: \"x\""], put: 412, delete: 412),
                Case(stored, ["If-Match: *"], put: 204, delete: 204),
                Case(stored, ["If-None-Match: TAG"], put: 412, delete: 412),
                Case(stored, ["If-None-Match: W/TAG"], put: 412, delete: 412),
                Case(stored, ["If-None-Match: \"00000000000000000000000000000000\""], put: 204, delete: 204),
                Case(stored, ["If-None-Match: \"x\""], put: 204, delete: 204),
                Case(stored, ["If-None-Match: *"], put: 412, delete: 412),
                Case(
                    stored, ["If-Match: TAG", "If-None-Match: \"00000000000000000000000000000000\""], put: 204,
                    delete: 204),
                Case(stored, ["If-Match: *", "If-None-Match: TAG"], put: 412, delete: 412),
                Case(stored, ["If-Match: *", "If-None-Match: *"], put: 412, delete: 412),
            ]
        } + [
            Case(nil, ["If-Match: *"], put: 412, delete: 412),
            Case(nil, ["If-Match: \"00000000000000000000000000000000\""], put: 412, delete: 412),
            Case(nil, ["If-None-Match: *"], put: 201, delete: 404),
            Case(nil, ["If-None-Match: \"00000000000000000000000000000000\""], put: 201, delete: 404),
        ]
        + ["If-Match: x", "If-Match:", "If-None-Match: \"a", "If-Match: \"a\", *"].map {
            Case("old", [$0], put: 400, delete: 400)
        } + [
            Case("old", ["If-Match: TAG", "If-Match: \"x\""], put: 400, delete: 400),
            Case("old", ["If-None-Match: \"x\"", "If-None-Match: TAG"], put: 400, delete: 400),
        ]

    @Test(
        "writes where the condition holds and nowhere else, on every server, with a time to live and with acknowledgements",
        arguments: RedisServer.representatives)
    func conditions(server: String) async throws {
        let system = try DirectCluster(server: FilePath(server), replicaLines: [])
        try await withLocalCluster(system.spec) { cluster in
            for (number, test) in Self.cases.enumerated() {
                let query = ["", "?ttl=90s", "?replicas=1&within=1ms"][number % 3]
                for isPut in [true, false] {
                    let told = "\(test.headers) on \(test.stored.map { "\($0.utf8.count) bytes" } ?? "nothing")\(query)"
                    let headers = try await cluster.prepare(test.stored, test.headers)
                    var request = LoopbackHTTP.Request.put(Self.path + query, "new", headers: headers)
                    if !isPut {
                        request = LoopbackHTTP.Request(
                            "DELETE", Self.path + (query.hasPrefix("?ttl") ? "" : query), headers: headers)
                    }
                    let answer = try await cluster.http("app", request, timeout: .seconds(8))[0]
                    let status = isPut ? test.put : test.delete
                    #expect(answer.status == status, "\(request.method) \(told): \(answer.text)")
                    if status == 412 { #expect(answer.code == "precondition-failed") }
                    if status == 400 { #expect(answer.code == "unsupported-precondition") }
                    let stored = try await cluster.redis("master", "GET", "k")
                    let isDone = 200...204 ~= status
                    #expect(
                        stored.text == (isDone ? (isPut ? "new" : nil) : test.stored), "\(request.method) \(told)")
                    guard isDone else { continue }
                    #expect(answer.token != nil && answer.header("Answer-Incomplete") == nil, "\(told)")
                    #expect((answer.header("Replicas-Acknowledged") != nil) == query.contains("replicas"), "\(told)")
                    guard isPut else { continue }
                    guard case .integer(let left) = try await cluster.redis("master", "PTTL", "k") else { continue }
                    #expect(query.hasPrefix("?ttl") ? 80_000...90_000 ~= left : left == -1, "\(told): \(left)")
                }
            }
        }
    }

    @Test(
        "a look at the server's health that falls into a transaction is not part of it",
        arguments: RedisServer.representatives)
    func healthCheckMeanwhile(server: String) async throws {
        let system = try DirectCluster(server: FilePath(server), replicaLines: [])
        try await withLoopbackProxy(to: [system.master.endpoint]) { proxy in
            let app = DirectCluster.app(
                at: system.app.endpoint, master: proxy.endpoint, replicas: [], program: system.app.executable)
            try await withLocalCluster(ClusterSpec([system.master, app])) { cluster in
                let old = String(repeating: "y", count: 513)
                // The app observes once a second and waits two seconds for a reply: one observation a transaction.
                proxy.pauseReplies(to: Array("MULTI".utf8), byMilliseconds: 1400)
                for (round, query) in ["", "?replicas=1&within=1ms", ""].enumerated() {
                    let headers = try await cluster.prepare(old, ["If-Match: TAG"])
                    let answer = try await cluster.http(
                        "app", .put(Self.path + query, "new \(round)", headers: headers), timeout: .seconds(8))[0]
                    #expect(answer.status == 204, "\(answer.text)")
                    #expect(try await cluster.redis("master", "GET", "k").text == "new \(round)")
                }
                #expect(proxy.pauses == 3)
                // And the observations go on.
                let looks = try await cluster.calls(of: "info", at: "master")
                try await cluster.wait(until: "the master is asked again", of: "master") {
                    let now = try await cluster.calls(of: "info", at: "master")
                    return Observation(now >= looks + 6, else: "\(looks), \(now)")
                }
            }
        }
    }

    @Test(
        "a key of another type has no tag; a value that cannot be compared is refused for good",
        arguments: RedisServer.representatives)
    func others(server: String) async throws {
        let system = try DirectCluster(server: FilePath(server), replicaLines: [])
        try await withLocalCluster(system.spec) { cluster in
            let zeros = "\"00000000000000000000000000000000\""
            for (header, status) in [
                ("If-Match: \(zeros)", 412), ("If-None-Match: *", 412), ("If-Match: *", 204),
                ("If-None-Match: \(zeros)", 204),
            ] {
                _ = try await cluster.redis("master", [["DEL", "k"], ["RPUSH", "k", "1"]])
                let answer = try await cluster.http("app", .put(Self.path, "v", headers: [header]))[0]
                #expect(answer.status == status, "\(header): \(answer.text)")
                let type = try await cluster.redis("master", "TYPE", "k")
                #expect(type.text == (status == 412 ? "list" : "string"), "\(header)")
            }
            _ = try await cluster.redis("master", "SETRANGE", "k", "\(8 << 20)", "x")
            let answer = try await cluster.http("app", .put(Self.path, "v", headers: ["If-Match: \(zeros)"]))[0]
            #expect(answer.status == 409 && answer.code == "value-too-large-to-compare")
            #expect(try await cluster.redis("master", "STRLEN", "k") == .integer(Int64(8 << 20) + 1))
            // One that is as long as may be is compared.
            _ = try await cluster.redis("master", [["DEL", "k"], ["SETRANGE", "k", "\(8 << 20 - 1)", "x"]])
            let longest = try await cluster.http("app", .put(Self.path, "v", headers: ["If-Match: \(zeros)"]))[0]
            #expect(longest.status == 412, "\(longest.text)")
        }
    }

    @Test("reads are answered only if the value is the one that If-Match names")
    func reads() async throws {
        let system = try DirectCluster(replicaLines: [])
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.store("k", "v", on: [])
            let tag = try #require(try await cluster.http("app", .get(Self.path))[0].header("ETag"))
            for method in ["GET", "HEAD"] {
                for (headers, status) in [
                    (["If-Match: \(tag)"], 200), (["If-Match: \"x\", \(tag)"], 200), (["If-Match: *"], 200),
                    (["If-Match: W/\(tag)"], 412), (["If-Match: \"x\""], 412), (["If-Match: x"], 400),
                    (["If-Match: \(tag)", "If-Match: \"x\""], 400),
                    (["If-Match: \(tag)", "If-None-Match: \(tag)"], 304),
                    (["If-Match: \(tag)", "Accept: application/json"], 412),
                    (["If-Match: *", "Accept: application/json"], 200),
                    // Ignored as RFC 9110 has it: there is no date, and no range is served.
                    (["If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT"], 200),
                    (["If-Modified-Since: Thu, 01 Jan 2099 00:00:00 GMT"], 200),
                    (["Range: bytes=0-0", "If-Range: \"x\""], 200),
                ] {
                    let answer = try await cluster.http("app", .init(method, Self.path, headers: headers))[0]
                    #expect(answer.status == status, "\(method) \(headers): \(answer.text)")
                }
                let missing = try await cluster.http("app", .init(method, "/v1/keys/none", headers: ["If-Match: *"]))[0]
                #expect(missing.status == 404, "a precondition concerns an answer that would be one")
            }
            // No other path has a value to compare.
            for request in [
                LoopbackHTTP.Request("GET", "/get?key=k", headers: ["If-Match: \(tag)"]),
                .init("GET", "/v1/keys", headers: ["If-Match: *"]),
                .set(#"{"key":"k","value":"w"}"#, headers: ["Content-Type: application/json", "If-None-Match: *"]),
                .rawBatch(#"{"operations":[{"set":"k","value":"w"}]}"#, headers: ["If-Match: \(tag)"]),
                .rawBatch(#"{"operations":[{"set":"k","value":"w","if_match":"\#(tag.dropFirst().dropLast())"}]}"#),
            ] {
                let answer = try await cluster.http("app", request)[0]
                #expect(answer.status == 400, "\(request.path): \(answer.text)")
            }
            #expect(try await cluster.redis("master", "GET", "k").text == "v")
        }
    }

    @Test(
        "the script is the one that its digest names, and is loaded again where the server forgot it",
        arguments: RedisServer.representatives)
    func script(server: String) async throws {
        let system = try DirectCluster(server: FilePath(server), replicaLines: [])
        try await withLocalCluster(system.spec) { cluster in
            for round in 0..<3 {
                _ = try await cluster.redis("master", [["SCRIPT", "FLUSH"], ["CONFIG", "RESETSTAT"]])
                for attempt in 0..<3 {
                    let headers = try await cluster.prepare("old \(attempt)", ["If-Match: TAG"])
                    let answer = try await cluster.http("app", .put(Self.path, "new", headers: headers))[0]
                    #expect(answer.status == 204, "round \(round), \(attempt): \(answer.text)")
                }
                #expect(try await cluster.calls(of: "eval", at: "master") == 1, "sent whole once")
                #expect(try await cluster.calls(of: "evalsha", at: "master") >= 2)
                #expect(try await cluster.calls(of: "watch", at: "master") == 0)
            }
        }
    }

    @Test(
        "clients that count with it through two apps lose nothing", arguments: RedisServer.representatives,
        ["", "long"])
    func counter(server: String, kind: String) async throws {
        let system = try DirectCluster(server: FilePath(server), replicaLines: [], loops: 2)
        var second = system.app
        second.name = "app-2"
        second.environment["HOSTNAME"] = "app-2"
        second.endpoint = Endpoint(port: try Loopback.freePorts(1)[0])
        second.arguments = second.arguments.map { $0 == "\(system.app.endpoint.port)" ? "\(second.endpoint.port)" : $0 }
        second.readiness = .http(path: "/readyz", hostname: "app-2")
        // Beyond the script's limit a transaction compares.
        let padding = kind == "long" ? String(repeating: " ", count: 700) : ""
        try await withLocalCluster(ClusterSpec([system.master, system.app, second])) { [second] cluster in
            try await cluster.wait(untilServed: .set(#"{"key":"other","value":"v"}"#), by: "app-2")
            _ = try await cluster.redis("master", "SET", "k", "0" + padding)
            let clients = 6
            let increments = 15
            let conflicts = try await withThrowingTaskGroup { group in
                for client in 0..<clients {
                    let endpoint = client % 2 == 0 ? system.app.endpoint : second.endpoint
                    group.addTask {
                        try await Self.increment(increments, times: padding, at: endpoint)
                    }
                }
                return try await group.reduce(0, +)
            }
            let total = try await cluster.redis("master", "GET", "k").text
            #expect(total == "\(clients * increments)" + padding)
            #expect(conflicts > 0, "they met")
        }
    }

    /// - Returns: how often another client was first.
    private static func increment(_ count: Int, times padding: String, at endpoint: Endpoint) async throws -> Int {
        let session = try await LoopbackHTTP.Session(with: endpoint, timeout: .seconds(8))
        var conflicts = 0
        var done = 0
        while done < count {
            let read = try await session.ask(.get(path + "?max-lag=1ms"))
            try #require(read.status == 200, "\(read.status) \(read.text)")
            let tag = try #require(read.header("ETag"))
            let number = try #require(Int(read.text.prefix { $0 != " " }))
            let written = try await session.ask(.put(path, "\(number + 1)" + padding, headers: ["If-Match: \(tag)"]))
            switch written.status {
            case 204: done += 1
            case 412: conflicts += 1
            // Surely not applied, and said so.
            case 503 where written.code == "write-contended" || written.code == "redis-overloaded": conflicts += 1
            default: try #require(Bool(false), "\(written.status) \(written.text)")
            }
        }
        return conflicts
    }
}

extension LocalCluster {
    /// Has the key hold this, and puts its tag into the headers.
    fileprivate nonisolated func prepare(_ stored: String?, _ headers: [String]) async throws -> [String] {
        _ = try await redis("master", "DEL", "k")
        guard let stored else { return headers }
        _ = try await redis("master", "SET", "k", stored)
        let tag = try #require(try await http("app", .get("/v1/keys/k?max-lag=1ms"))[0].header("ETag"))
        return headers.map { header in
            header.hasSuffix("TAG") ? String(header.dropLast(3)) + tag : header
        }
    }
}
