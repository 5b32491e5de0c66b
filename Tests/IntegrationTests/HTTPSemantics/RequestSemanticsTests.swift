import Hiredis
import LocalTopology
import Testing

/// What proxies, browsers and careful clients rely on, over real sockets: one master and one app.
@Suite("HTTP, as proxies and browsers rely on it")
struct RequestSemanticsTests {
    private func withApp(
        _ environment: [String: String] = [:], _ body: (LocalCluster, Endpoint) async throws -> Void
    ) async throws {
        let system = try DirectCluster(replicaLines: [], environment: environment)
        try await withLocalCluster(system.spec) { cluster in try await body(cluster, system.app.endpoint) }
    }

    /// Every path, and what Allow says of it.
    private static let paths = [
        ("/v1/keys/k", "GET, HEAD, PUT, DELETE, OPTIONS"), ("/v1/keys", "GET, HEAD, OPTIONS"),
        ("/v1/batch", "POST, OPTIONS"), ("/v1/demo", "GET, HEAD, OPTIONS"), ("/v1/topology", "GET, HEAD, OPTIONS"),
        ("/v1/topology/events", "GET, HEAD, OPTIONS"), ("/set", "POST, OPTIONS"), ("/get", "GET, HEAD, OPTIONS"),
        ("/", "GET, HEAD, OPTIONS"), ("/livez", "GET, HEAD, OPTIONS"), ("/readyz", "GET, HEAD, OPTIONS"),
        ("/metrics", "GET, HEAD, OPTIONS"), ("/openapi.json", "GET, HEAD, OPTIONS"),
    ]

    @Test("OPTIONS tells what a path takes, without a token; so does the refusal of every other method")
    func options() async throws {
        try await withApp(["API_TOKEN": "0123456789abcdef"]) { cluster, endpoint in
            for (path, allowed) in Self.paths {
                let answers = try await LoopbackHTTP.exchange(
                    ["OPTIONS", "PATCH", "TRACE"].map {
                        .init($0, path, headers: ["Authorization: Bearer 0123456789abcdef"])
                    } + [.init("OPTIONS", path)], with: endpoint)
                #expect(answers.map(\.status) == [204, 405, 405, 204], "\(path)")
                for answer in answers {
                    #expect(answer.header("Allow") == allowed, "\(path)")
                    #expect(answer.header("Access-Control-Allow-Methods") == nil)
                }
            }
            let others = try await LoopbackHTTP.exchange(
                [
                    .init("OPTIONS", "*"), .init("OPTIONS", "/nowhere"), .init("PROPFIND", "/livez"),
                    .init("get", "/livez"),
                ],
                with: endpoint)
            #expect(others.map(\.status) == [204, 404, 405, 405])
            #expect(others[0].header("Allow") == "GET, HEAD, POST, PUT, DELETE, OPTIONS")
            #expect(
                others[2].header("Allow") == "GET, HEAD, OPTIONS" && others[3].header("Allow") == "GET, HEAD, OPTIONS")
            let tunnel = try await LoopbackHTTP.transcript(
                of: Array("CONNECT example.com:443 HTTP/1.1\r\nHost: a\r\n\r\n".utf8), with: endpoint)
            #expect(tunnel.hasPrefix("HTTP/1.1 501 Not Implemented\r\n") && tunnel.contains("unsupported-method"))
            #expect(!(try await cluster.log(of: "app")).contains("answered 501"), "the app did not fail")
        }
    }

    @Test("HEAD tells what GET would, for every path")
    func heads() async throws {
        try await withApp { cluster, endpoint in
            _ = try await cluster.http("app", .set(#"{"key":"k","value":"v"}"#))
            for path in Self.paths.filter({ $0.1.hasPrefix("GET") }).map(\.0) where path != "/v1/topology/events" {
                let path = path == "/get" || path == "/v1/demo" ? path + "?key=k" : path
                let get = try await LoopbackHTTP.exchange([.get(path)], with: endpoint)[0]
                let head = try await LoopbackHTTP.exchange([.init("HEAD", path)], with: endpoint)[0]
                #expect(get.status == 200 && head.status == 200 && head.body.isEmpty, "\(path)")
                for name in ["Content-Type", "Cache-Control", "Vary", "ETag"] {
                    #expect(head.header(name) == get.header(name), "\(path): \(name)")
                }
            }
        }
    }

    @Test("every answer says what a cache may do with it, and what it depends on")
    func caching() async throws {
        try await withApp { cluster, endpoint in
            _ = try await cluster.http("app", .set(#"{"key":"k","value":"v"}"#))
            let tag = try #require(try await cluster.http("app", .get("/v1/keys/k"))[0].header("ETag"))
            let kept: [LoopbackHTTP.Request] = [
                .get("/v1/keys/k"), .init("GET", "/v1/keys/k", headers: ["Accept: application/json"]),
                .init("GET", "/v1/keys/k", headers: ["If-None-Match: \(tag)"]), .get("/v1/keys/k?max-lag=1s"),
                .get("/openapi.json"),
            ]
            let notKept: [LoopbackHTTP.Request] = [
                .get("/get?key=k"), .set(#"{"key":"k","value":"v"}"#), .init("PUT", "/v1/keys/k", body: [0x76]),
                .init("GET", "/v1/keys/k", headers: ["Replication-Token: want"]), .get("/v1/keys/none"),
                .get("/v1/keys/k?tll=1"), .get("/v1/keys"), .get("/v1/topology"), .get("/"), .get("/livez"),
                .get("/readyz"),
                .get("/metrics"), .get("/nowhere"), .init("OPTIONS", "/"), .init("DELETE", "/v1/keys/none"),
                .init("GET", "/", headers: ["Accept: text/html"]), .get("/v1/demo?key=k"),
            ]
            for (requests, value) in [(kept, "private, no-cache, max-age=0"), (notKept, "no-store, max-age=0")] {
                for request in requests {
                    let answer = try await cluster.http("app", request)[0]
                    #expect(answer.header("Cache-Control") == value, "\(request)")
                    let vary = "Accept, Authorization, Replication-After, Replication-Token, Replication-Wait"
                    #expect(answer.header("Vary") == vary, "\(request)")
                    #expect(answer.headers.filter { $0.hasPrefix("Vary:") || $0.hasPrefix("Cache-C") }.count == 2)
                }
            }
            let token = try #require(
                try await cluster.http("app", .init("PUT", "/v1/keys/k", body: [0x76]))[0].header("Replication-Token"))
            let after = try await cluster.http(
                "app", .init("GET", "/v1/keys/k", headers: ["Replication-After: \(token)", "If-None-Match: \(tag)"]))[0]
            #expect(after.status == 304 && after.header("Cache-Control") == "no-store, max-age=0")
            let document = try await cluster.http("app", .get("/openapi.json"))[0]
            let documentTag = try #require(document.header("ETag"))
            let known = try await cluster.http(
                "app", .init("GET", "/openapi.json", headers: ["If-None-Match: \(documentTag)"]))[0]
            #expect(known.status == 304 && known.header("ETag") == documentTag)
            let events = try await cluster.http("app", .init("HEAD", "/v1/topology/events"))[0]
            #expect(events.header("Cache-Control")?.hasPrefix("no-transform, no-store") == true)
            #expect(events.header("X-Accel-Buffering") == "no")
        }
    }

    @Test("an unknown, misplaced or repeated parameter stops a request before anything is done")
    func parameters() async throws {
        try await withApp { cluster, endpoint in
            let refused: [(LoopbackHTTP.Request, code: String, words: String)] = [
                (.init("PUT", "/v1/keys/k?tll=5s", body: [0x76]), "unknown-parameter", "did you mean ttl?"),
                (.init("PUT", "/v1/keys/k?max-lag=5s", body: [0x76]), "unsupported-consistency", ""),
                (
                    .init("PUT", "/v1/keys/k?ttl=5s&ttl=6s", body: [0x76]), "repeated-parameter",
                    "ttl comes more than once"
                ),
                (.get("/v1/keys/k?ttl=5s"), "unknown-parameter", "ttl is for PUT alone"),
                (.init("DELETE", "/v1/keys/k?ttl=5s"), "unknown-parameter", "ttl is for PUT alone"),
                (.get("/v1/keys?lmit=5"), "unknown-parameter", "did you mean limit?"),
                (.get("/v1/topology?x=1"), "unknown-parameter", "takes none"),
                (.get("/v1/topology/events?x=1"), "unknown-parameter", "takes none"),
                (.get("/v1/demo?key=k&kye=k"), "unknown-parameter", "did you mean key?"),
                (
                    .init(
                        "POST", "/v1/batch?x=1", headers: ["Content-Type: application/json"],
                        body: Array(#"{"operations":[{"get":"k"}]}"#.utf8)),
                    "unknown-parameter", ""
                ),
                (.get("/v1/keys/k?%0d%0aEvil:1=2"), "unknown-parameter", "A parameter of the query is not known"),
                (.get("/v1/keys/k?%zz=2"), "invalid-percent-encoding", ""),
            ]
            let answers = try await LoopbackHTTP.exchange(refused.map(\.0), with: endpoint)
            for (answer, expected) in zip(answers, refused) {
                #expect(answer.status == 400 && answer.code == expected.code, "\(expected.0): \(answer.text)")
                #expect(answer.text.contains(expected.words), "\(answer.text)")
                #expect(!answer.text.contains("Evil"))
            }
            #expect(try await cluster.redis("master", "EXISTS", "k") == .integer(0))
            let taken = try await LoopbackHTTP.exchange(
                [
                    .init("PUT", "/v1/keys/k?&ttl=5s&", body: [0x76]), .get("/get?key=k&x=1&key=l"), .get("/?x=1"),
                    .get("/livez?x"), .get("/readyz?a=1&a=2"), .get("/metrics?name=x"),
                ], with: endpoint)
            #expect(taken.map(\.status) == [201, 200, 200, 200, 200, 200])
        }
    }

    @Test("a body that is a part of a value, or encoded, is not stored as if it were the value")
    func bodies() async throws {
        try await withApp { cluster, endpoint in
            let refused: [([String], String, Int)] = [
                (["Content-Range: bytes 2-3/4"], "unsupported-content-range", 400),
                (["Content-Range: "], "unsupported-content-range", 400),
                (["Content-Encoding: gzip"], "unsupported-content-encoding", 415),
                (["Content-Encoding: identity", "Content-Encoding: br"], "unsupported-content-encoding", 415),
            ]
            for (fields, code, status) in refused {
                for (method, path) in [("PUT", "/v1/keys/k"), ("POST", "/set"), ("POST", "/v1/batch")] {
                    let headers = fields + (method == "POST" ? ["Content-Type: application/json"] : [])
                    let request = LoopbackHTTP.Request(method, path, headers: headers, body: Array("tail".utf8))
                    let answers = try await LoopbackHTTP.exchange([request, .get("/livez")], with: endpoint)
                    #expect(answers[0].status == status && answers[0].code == code, "\(request): \(answers[0].text)")
                    #expect(answers[0].header("Accept-Encoding") == (status == 415 ? "identity" : nil))
                    #expect(answers[1].status == 200, "the connection goes on")
                }
            }
            #expect(try await cluster.redis("master", "EXISTS", "k") == .integer(0))
            let plain = LoopbackHTTP.Request(
                "PUT", "/v1/keys/k", headers: ["Content-Encoding: identity"], body: Array("all".utf8))
            #expect(try await cluster.http("app", plain)[0].status == 201)
            let coded =
                "PUT /v1/keys/l HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
            let answer = try await LoopbackHTTP.transcript(of: Array(coded.utf8), with: endpoint)
            #expect(answer.hasPrefix("HTTP/1.1 501 Not Implemented\r\n"))
            #expect(answer.contains("unknown-transfer-coding") && answer.contains("\r\nConnection: close\r\n"))
            #expect(try await cluster.redis("master", "EXISTS", "l") == .integer(0))
        }
    }

    @Test("who asks before sending a body is answered at its turn, also behind another request")
    func expectations() async throws {
        try await withApp { cluster, endpoint in
            let get = "GET /v1/keys/none HTTP/1.1\r\nHost: a\r\n\r\n"
            let put = "PUT /v1/keys/k HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
            for count in [0, 1, 3] {
                let socket = try LoadSocket(to: endpoint)
                try Self.send(String(repeating: get, count: count) + put, over: socket)
                let before = try Self.receive(from: socket, until: "100 Continue\r\n\r\n")
                #expect(before.ranges(of: "HTTP/1.1 404 ").count == count)
                #expect(before.hasSuffix("HTTP/1.1 100 Continue\r\n\r\n"))
                try Self.send("value" + get, over: socket)
                let after = try Self.receive(from: socket, until: "key-not-found")
                #expect(after.hasPrefix("HTTP/1.1 20"), "\(after)")
                #expect(!after.contains("100 Continue"))
            }
            // A refusal that the head alone decides comes at once, without waiting for the body.
            let misspelled = put.replacing("/k ", with: "/k?tll=1s ")
            for wire in [misspelled, get + misspelled] {
                let text = try await LoopbackHTTP.transcript(of: Array(wire.utf8), with: endpoint)
                #expect(text.contains("unknown-parameter") && !text.contains("100 Continue"), "\(text)")
            }
            let unknown = put.replacing("100-continue", with: "a-miracle")
            let text = try await LoopbackHTTP.transcript(of: Array(unknown.utf8), with: endpoint)
            #expect(text.hasPrefix("HTTP/1.1 417 Expectation Failed\r\n") && text.contains("expectation-failed"))
            let answers = try await LoopbackHTTP.exchange(
                [.init("GET", "/livez", headers: ["Expect: a-miracle"]), .get("/livez")], with: endpoint)
            #expect(answers.map(\.status) == [417, 200])
        }
    }

    private static func send(_ text: String, over socket: LoadSocket) throws {
        var bytes = Array(text.utf8)
        while !bytes.isEmpty { try socket.send(&bytes) }
    }

    private static func receive(from socket: LoadSocket, until end: String) throws -> String {
        let deadline = ContinuousClock.now + .seconds(10)
        var text = ""
        while !text.contains(end) {
            try #require(ContinuousClock.now < deadline, "\(text)")
            socket.waitForBytes(until: deadline)
            switch socket.receive() {
            case .bytes(let bytes): text += String(decoding: bytes, as: UTF8.self)
            case .nothing: break
            case .end(let reason): try #require(text.contains(end), "\(reason): \(text)")
            }
        }
        return text
    }

    @Test("pages of the origins that are named may read the answers, and no others; by default none")
    func origins() async throws {
        let named = "https://app.example.com"
        func ask(_ endpoint: Endpoint, _ method: String, _ path: String, origin: String, _ fields: [String] = [])
            async throws -> LoopbackHTTP.Response
        {
            try await LoopbackHTTP.exchange(
                [.init(method, path, headers: ["Origin: \(origin)"] + fields)], with: endpoint)[0]
        }
        try await withApp { _, endpoint in
            let answer = try await ask(endpoint, "GET", "/livez", origin: named)
            #expect(answer.header("Access-Control-Allow-Origin") == nil)
            #expect(answer.header("Vary")?.contains("Origin") == false)
        }
        let settings = ["CORS_ALLOWED_ORIGINS": "\(named),http://localhost:5173", "API_TOKEN": "0123456789abcdef"]
        try await withApp(settings) { _, endpoint in
            let request = [
                "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: authorization,if-none-match",
            ]
            for origin in [named, "http://localhost:5173"] {
                let preflight = try await ask(endpoint, "OPTIONS", "/v1/keys/k", origin: origin, request)
                #expect(preflight.status == 204)
                #expect(preflight.header("Access-Control-Allow-Origin") == origin)
                #expect(preflight.header("Access-Control-Allow-Methods") == "GET, HEAD, PUT, DELETE, OPTIONS")
                #expect(preflight.header("Access-Control-Allow-Headers")?.contains("Authorization") == true)
                #expect(preflight.header("Access-Control-Allow-Headers")?.contains("If-None-Match") == true)
                #expect(preflight.header("Access-Control-Max-Age") == "600")
                let token = ["Authorization: Bearer 0123456789abcdef"]
                for (path, status, fields) in [
                    ("/v1/keys/none", 404, token), ("/v1/keys/none", 401, []), ("/livez", 200, []),
                ] {
                    let answer = try await ask(endpoint, "GET", path, origin: origin, fields)
                    #expect(answer.status == status)
                    #expect(answer.header("Access-Control-Allow-Origin") == origin, "also of an error: \(path)")
                    #expect(answer.header("Access-Control-Expose-Headers")?.contains("Replication-Token") == true)
                    #expect(answer.header("Access-Control-Allow-Credentials") == nil)
                    #expect(answer.header("Vary")?.hasSuffix(", Origin") == true)
                }
            }
            for origin in [
                "https://evil.example.com", "https://app.example.com.evil", "null", "", "*", "HTTPS://APP.EXAMPLE.COM",
            ] {
                for method in ["GET", "OPTIONS"] {
                    let answer = try await ask(endpoint, method, "/livez", origin: origin, request)
                    #expect(!answer.headers.contains { $0.hasPrefix("Access-Control-") }, "\(origin)")
                    #expect(answer.header("Vary")?.hasSuffix(", Origin") == true)
                }
            }
            let plain = try await LoopbackHTTP.exchange([.get("/livez")], with: endpoint)[0]
            #expect(plain.header("Vary")?.hasSuffix(", Origin") == true)
        }
        try await withApp(["CORS_ALLOWED_ORIGINS": "*"]) { _, endpoint in
            for origin in [named, "null"] {
                let answer = try await ask(endpoint, "GET", "/livez", origin: origin)
                #expect(answer.header("Access-Control-Allow-Origin") == "*")
            }
        }
    }
}
