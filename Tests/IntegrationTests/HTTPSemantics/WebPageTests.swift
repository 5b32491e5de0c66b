import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

/// What pages of other origins have a browser do to an app without a token.
@Suite("Web pages beside the app")
struct WebPageTests {
    private static let body = Array(#"{"key":"k","value":"page"}"#.utf8)
    private static let batch = Array(#"{"operations":[{"set":"k","value":"page"}]}"#.utf8)

    private func withApp(
        _ settings: [String: String] = [:], _ body: (LocalCluster, Endpoint) async throws -> Void
    ) async throws {
        var environment = settings
        if environment["ALLOWED_HOSTS"] == nil { environment["ALLOWED_HOSTS"] = "" }
        let system = try DirectCluster(replicaLines: [], environment: environment)
        try await withLocalCluster(system.spec) { try await body($0, system.app.endpoint) }
    }

    private func expectNothingStored(_ cluster: LocalCluster, _ what: String) async throws {
        #expect(try await cluster.redis("master", "EXISTS", "k") == .integer(0), "\(what)")
    }

    @Test("no request that a browser sends for a foreign page writes, and curl's do")
    func requests() async throws {
        try await withApp { cluster, endpoint in
            let other = "Origin: http://evil.example"
            // fetch(…, {mode: 'no-cors'}) of a Blob, a string, a form, and of a sandboxed frame; then after a preflight.
            let refused: [(method: String, path: String, fields: [String], status: Int, code: String)] = [
                (
                    "POST", "/set", [other, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"], 403,
                    "foreign-origin"
                ),
                ("POST", "/set", [other], 403, "foreign-origin"),
                ("POST", "/set", [other, "Content-Type: text/plain;charset=UTF-8"], 403, "foreign-origin"),
                ("POST", "/set", [other, "Content-Type: application/json"], 403, "foreign-origin"),
                ("POST", "/set", [other, "Content-Type: application/x-www-form-urlencoded"], 403, "foreign-origin"),
                ("POST", "/set", ["Origin: null"], 403, "foreign-origin"),
                ("POST", "/set", ["Origin: http://localhost:\(endpoint.port)"], 403, "foreign-origin"),
                ("POST", "/set", ["Origin: http://\(endpoint.host)"], 403, "foreign-origin"),
                ("POST", "/v1/batch", [other], 403, "foreign-origin"),
                ("PUT", "/v1/keys/k", [other], 403, "foreign-origin"),
                ("PUT", "/v1/keys/k", [other, "Content-Type: application/octet-stream"], 403, "foreign-origin"),
                ("DELETE", "/v1/keys/k", [other], 403, "foreign-origin"),
                ("PUT", "/v1/keys/k", ["Sec-Fetch-Site: same-site"], 403, "foreign-origin"),
                // A browser that sends neither, if there is one.
                ("POST", "/set", [], 415, "unsupported-media-type"),
                ("POST", "/set", ["Content-Type: text/plain"], 415, "unsupported-media-type"),
                ("POST", "/set", ["Content-Type: text/plain; application/json"], 415, "unsupported-media-type"),
                ("POST", "/set", ["Content-Type: application/x-www-form-urlencoded"], 415, "unsupported-media-type"),
                ("POST", "/set", ["Content-Type: multipart/form-data; boundary=x"], 415, "unsupported-media-type"),
                (
                    "POST", "/set", ["Content-Type: application/json", "Content-Type: text/plain"], 415,
                    "unsupported-media-type"
                ),
                ("POST", "/v1/batch", [], 415, "unsupported-media-type"),
            ]
            for row in refused {
                let body = row.path == "/v1/batch" ? Self.batch : Self.body
                let request = LoopbackHTTP.Request(
                    row.method, row.path, headers: row.fields, body: row.method == "DELETE" ? [] : body)
                let answers = try await cluster.http("app", request, .get("/livez"))
                #expect(
                    answers[0].status == row.status && answers[0].code == row.code, "\(request): \(answers[0].text)")
                #expect(answers[1].status == 200, "the connection goes on")
                try await expectNothingStored(cluster, "\(request)")
            }
            let streamed = LoopbackHTTP.Request(
                "PUT", "/v1/keys/k", headers: [other], body: [UInt8](repeating: 0x61, count: 2 << 20))
            #expect(try await LoopbackHTTP.exchange([streamed], with: endpoint)[0].status == 403)
            try await expectNothingStored(cluster, "a long PUT")
            let own = "Origin: http://\(endpoint)"
            let taken: [(method: String, path: String, fields: [String])] = [
                ("POST", "/set", ["Content-Type: application/json"]), ("POST", "/set", [own]),
                ("POST", "/set", ["Sec-Fetch-Site: same-origin", "Origin: https://proxy.example"]),
                ("POST", "/v1/batch", ["Content-Type: Application/JSON; charset=utf-8", "Sec-Fetch-Site: none"]),
                ("PUT", "/v1/keys/k", []), ("PUT", "/v1/keys/k", ["Content-Type: application/x-www-form-urlencoded"]),
                ("PUT", "/v1/keys/k", ["Content-Type: application/octet-stream"]), ("PUT", "/v1/keys/k", [own]),
            ]
            for row in taken {
                let body = row.path == "/v1/batch" ? Self.batch : Self.body
                let request = LoopbackHTTP.Request(row.method, row.path, headers: row.fields, body: body)
                let answer = try await cluster.http("app", request)[0]
                #expect(200..<300 ~= answer.status, "\(request): \(answer.text)")
                #expect(try await cluster.http("app", .init("DELETE", "/v1/keys/k"))[0].status == 204)
            }
            #expect(try await cluster.http("app", .init("GET", "/livez", headers: [other]))[0].status == 200)
        }
        let named = "https://app.example.com"
        try await withApp(["CORS_ALLOWED_ORIGINS": named]) { cluster, _ in
            for (origin, status) in [(named, 200), ("https://evil.example", 403)] {
                let request = LoopbackHTTP.Request("POST", "/set", headers: ["Origin: \(origin)"], body: Self.body)
                let answer = try await cluster.http("app", request)[0]
                #expect(answer.status == status, "\(origin)")
            }
        }
    }

    @Test("a name that leads here and is not ours is refused, without a token on loopback alone")
    func rebinding() async throws {
        func status(_ endpoint: Endpoint, _ head: String) async throws -> String {
            let wire = Array("\(head)\r\nConnection: close\r\n\r\n".utf8)
            return try await LoopbackHTTP.transcript(of: wire, with: endpoint)
        }
        func request(_ host: String, _ path: String = "/livez") -> String { "GET \(path) HTTP/1.1\r\nHost: \(host)" }
        try await withApp { _, endpoint in
            for path in ["/", "/livez", "/readyz", "/metrics", "/v1/keys/k", "/v1/topology", "/nowhere", "*"] {
                let answer = try await status(endpoint, request("rebound.example:\(endpoint.port)", path))
                #expect(answer.hasPrefix("HTTP/1.1 403 ") && answer.contains("host-not-allowed"), "\(path): \(answer)")
            }
            let rebound = "rebound.example:\(endpoint.port)"
            let post = "POST /set HTTP/1.1\r\nHost: \(rebound)\r\nOrigin: http://\(rebound)\r\nContent-Length: 0"
            #expect(try await status(endpoint, post).hasPrefix("HTTP/1.1 403 "))
            #expect(try await status(endpoint, "OPTIONS /set HTTP/1.1\r\nHost: \(rebound)").hasPrefix("HTTP/1.1 403 "))
            // A later request of a connection is looked at as its first is.
            let both = "\(request("localhost"))\r\n\r\n\(request(rebound))"
            let answers = try await status(endpoint, both)
            #expect(answers.hasPrefix("HTTP/1.1 200 ") && answers.contains("HTTP/1.1 403 "), "\(answers)")
            for host in ["localhost", "127.0.0.1:\(endpoint.port)", "[::1]:1", "\(endpoint)", "LOCALHOST:9"] {
                #expect(try await status(endpoint, request(host)).hasPrefix("HTTP/1.1 200 "), "\(host)")
            }
        }
        for settings in [
            ["API_TOKEN": "0123456789abcdef"], ["ALLOWED_HOSTS": "other.example,Kv.example"], ["ALLOWED_HOSTS": "*"],
        ] {
            try await withApp(settings) { _, endpoint in
                let answer = try await status(endpoint, request("kv.example:8080"))
                #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(settings): \(answer)")
            }
        }
    }

    @Test("in Chromium: a foreign page and a rebound name write nothing and read nothing, our page does")
    func inABrowser() async throws {
        try await withApp { cluster, endpoint in
            let python = Scratch.root + "/.build-tools/venv/bin/python"
            try #require(access(python, X_OK) == 0, "run: scripts/install-dependencies test")
            let scratch = try Scratch()
            let run = try Spawned(
                python, [Scratch.root + "/scripts/web_page_check.py", "http://\(endpoint)"],
                environment: ["PATH": "/usr/bin:/bin", "HOME": scratch.path, "TMPDIR": scratch.path], in: scratch.path,
                log: scratch["page.log"])
            #expect(run.ended(within: 90) == .exited(0), "\(run.output)")
            #expect(run.output.contains("done"), "\(run.output)")
            let own = try await cluster.redis("master", "GET", "own")
            #expect(own.text == "own", "our own page may write")
            try await expectNothingStored(cluster, "the foreign page: \(run.output)")
        }
    }
}
