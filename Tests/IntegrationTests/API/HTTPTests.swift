import Hiredis
import LocalTopology
import Testing

/// One master, one replica and one app; what a client may do to them, over real sockets.
@Suite("HTTP, as clients speak it")
struct HTTPTests {
    private func withApp(
        _ body: (LocalCluster, Endpoint) async throws -> Void
    ) async throws {
        let system = try KeyValueCluster(replicas: 1, apps: 1)
        try await withLocalCluster(system.spec) { cluster in try await body(cluster, system.apps[0].endpoint) }
    }

    /// Sets a key and waits until the replica has it.
    private func set(_ cluster: LocalCluster, _ json: String, seenAs key: String) async throws -> LoopbackHTTP.Response
    {
        let answer = try await cluster.http("app-1", .set(json), timeout: .seconds(60))[0]
        try await cluster.wait(until: "the replica has the key") {
            let reply = try await cluster.redis("replica-1", "EXISTS", key)
            return Observation(reply == .integer(1), else: "\(reply)")
        }
        return answer
    }

    private static let set = "POST /set HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"

    @Test("bad requests get a stable code and a sentence, and the connection goes on")
    func badRequests() async throws {
        let cases: [(LoopbackHTTP.Request, status: Int, code: String)] = [
            (.get("/get"), 400, "missing-key"), (.get("/get?key="), 400, "empty-key"),
            (.get("/get?key=%zz"), 400, "invalid-percent-encoding"), (.get("/get?key=%ff"), 400, "key-not-text"),
            (.get("/get?key=nobody"), 404, "key-not-found"), (.get("/nope"), 404, "unknown-path"),
            (.get("/set"), 405, "method-not-allowed"), (.init("DELETE", "/get?key=a"), 405, "method-not-allowed"),
            (.init("POST", "/livez"), 405, "method-not-allowed"), (.set(""), 400, "invalid-json"),
            (.set("{}"), 400, "missing-member"), (.set(#"{"key":"k"}"#), 400, "missing-member"),
            (.set(#"{"key":"k","value":1}"#), 400, "member-not-text"),
            (.set(#"{"key":"","value":""}"#), 400, "empty-key"),
            (.set(#"{"key":"a","key":"a","value":""}"#), 400, "invalid-json"),
            (.set(#"{"key":"\ud800","value":""}"#), 400, "invalid-json"),
            (.set("key=k", headers: ["Content-Type: text/plain"]), 415, "unsupported-media-type"),
        ]
        try await withApp { cluster, endpoint in
            let answers = try await LoopbackHTTP.exchange(cases.map(\.0) + [.get("/livez")], with: endpoint)
            for (answer, expected) in zip(answers, cases) {
                #expect(answer.status == expected.status, "\(expected.0)")
                #expect(answer.code == expected.code, "\(expected.0): \(answer.text)")
            }
            #expect(answers.last?.status == 200, "one connection carried them all")
            #expect(answers[6].header("Allow") == "POST, OPTIONS")
            let accepted = try await cluster.http(
                "app-1", .set(#"{"key":"k","value":"v"}"#, headers: ["Sec-Fetch-Site: same-origin"]),
                .init(
                    "POST", "/set", headers: ["content-type: Application/JSON; charset=utf-8"],
                    body: Array(#"{"key":"k","value":"v"}"#.utf8)))
            #expect(accepted.map(\.status) == [200, 200], "no type from our page, and the type however it is spelled")
        }
    }

    @Test("keys and values survive byte for byte through JSON")
    func byteForByte() async throws {
        let pairs: [(key: String, json: String, query: String, value: [UInt8])] = [
            ("\"q\\", #""\"q\\""#, "%22q%5C", Array("\u{0}\u{1}\u{1f}\"\\/\r\n\t".utf8)),
            ("a b+c", #""a b+c""#, "a+b%2Bc", Array("é😀\u{2028}\u{10ffff}".utf8)),
            ("😀", #""\ud83d\ude00""#, "%F0%9F%98%80", []),
            ("big", #""big""#, "big", (0..<1_048_576).map { UInt8(ascii: " ") + UInt8($0 % 90) }),
            ("nul", #""nul""#, "nul", Array(repeating: 0, count: 1_048_576)),
        ]
        try await withApp { cluster, _ in
            for pair in pairs {
                let escaped = Self.escape(pair.value)
                let answer = try await set(cluster, #"{"key":\#(pair.json),"value":"\#(escaped)"}"#, seenAs: pair.key)
                #expect(answer.status == 200, "\(pair.key)")
                #expect(
                    answer.text.utf8.starts(
                        with: #"{"key":"\#(Self.escape(Array(pair.key.utf8)))","value":"\#(escaped)","#.utf8))
                let stored = try await cluster.redis("master", "GET", pair.key)
                #expect(stored == .bulk(pair.value), "\(pair.key)")
                let get = try await cluster.http("app-1", .get("/get?key=\(pair.query)"), timeout: .seconds(60))[0]
                let key = Self.escape(Array(pair.key.utf8))
                #expect(get.text.utf8.starts(with: #"{"key":"\#(key)","value":"get \#(key): \#(escaped)","#.utf8))
            }
        }
    }

    /// The shortest JSON for the bytes, as the answers write it.
    private static func escape(_ bytes: [UInt8]) -> String {
        var escaped = ""
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            switch scalar {
            case "\"": escaped += "\\\""
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\r": escaped += "\\r"
            case "\t": escaped += "\\t"
            case "\u{8}": escaped += "\\b"
            case "\u{c}": escaped += "\\f"
            case "\0"..<" ": escaped += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    @Test("values that Redis stores and JSON cannot express are reported, not garbled")
    func notText() async throws {
        try await withApp { cluster, endpoint in
            _ = try await cluster.redis("master", [["LPUSH", "list", "a"]])
            // \xff\x00, made by the server itself.
            _ = try await cluster.redis("master", "BITFIELD", "bytes", "SET", "u8", "0", "255", "SET", "u8", "8", "0")
            try await cluster.wait(until: "the replica has both") {
                let reply = try await cluster.redis("replica-1", "EXISTS", "bytes", "list")
                return Observation(reply == .integer(2), else: "\(reply)")
            }
            let answers = try await LoopbackHTTP.exchange(
                [.get("/get?key=bytes"), .get("/get?key=list")], with: endpoint)
            #expect(answers.map(\.status) == [406, 409])
            #expect(answers.map(\.code) == ["value-not-text", "wrong-type"])
        }
    }

    @Test("/v1/keys gives the value alone, as the bytes it is, for a key of any bytes")
    func valueAlone() async throws {
        try await withApp { cluster, endpoint in
            _ = try await cluster.redis(
                "master", [["LPUSH", "list", "a"], ["SET", "a/b c+%", "x"], ["SET", "empty", ""]])
            // \xff\x00, made by the server itself.
            _ = try await cluster.redis("master", "BITFIELD", "bytes", "SET", "u8", "0", "255", "SET", "u8", "8", "0")
            try await cluster.wait(until: "the replica has all") {
                let reply = try await cluster.redis("replica-1", "EXISTS", "bytes", "list", "a/b c+%", "empty")
                return Observation(reply == .integer(4), else: "\(reply)")
            }
            let answers = try await LoopbackHTTP.exchange(
                [
                    .get("/v1/keys/bytes"), .get("/v1/keys/a/b%20c+%25"), .get("/v1/keys/empty"),
                    .init("HEAD", "/v1/keys/bytes"), .get("/v1/keys/list"), .get("/v1/keys/nobody"),
                    .get("/v1/keys/"), .get("/v1/keys/%f"), .init("PATCH", "/v1/keys/bytes"), .get("/v1/key"),
                ], with: endpoint)
            #expect(answers.map(\.status) == [200, 200, 200, 200, 409, 404, 400, 400, 405, 404])
            #expect(answers[0].body == [0xFF, 0])
            #expect(answers[0].header("Content-Type") == "application/octet-stream")
            #expect(answers[1].text == "x")
            #expect(answers[2].body.isEmpty)
            #expect(answers[3].header("Content-Length") == "2", "HEAD tells what GET would give")
            #expect(
                answers[4...].map(\.code) == [
                    "wrong-type", "key-not-found", "empty-key", "invalid-percent-encoding", "method-not-allowed",
                    "unknown-path",
                ])
        }
    }

    @Test("more requests in one go than may wait for answers are all answered, though the client closes its side")
    func manyPipelined() async throws {
        try await withApp { cluster, endpoint in
            _ = try await set(cluster, #"{"key":"k","value":"v"}"#, seenAs: "k")
            let count = 1000
            let wire = (0..<count).map { "GET \($0 % 2 == 0 ? "/v1/keys/k" : "/livez") HTTP/1.1\r\nHost: a\r\n\r\n" }
                .joined()
            let transcript = try await LoopbackHTTP.transcript(of: Array(wire.utf8), closesOutput: true, with: endpoint)
            let answers = transcript.split(separator: "HTTP/1.1 200 OK\r\n")
            #expect(answers.count == count)
            for (index, answer) in answers.enumerated() {
                #expect(answer.hasSuffix(index % 2 == 0 ? "\r\n\r\nv" : "\r\n\r\nok"), "\(index): \(answer)")
            }
        }
    }

    @Test("pipelined requests are answered in order, fast after slow, master after replica")
    func pipelining() async throws {
        try await withApp { cluster, endpoint in
            _ = try await set(cluster, #"{"key":"k","value":"v"}"#, seenAs: "k")
            var wire = ""
            for index in 0..<50 {
                wire += "GET /get?key=k HTTP/1.1\r\nHost: a\r\n\r\nGET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
                let body = #"{"key":"n","value":"\#(index)"}"#
                wire += "\(Self.set)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
                wire += "HEAD /get?key=k HTTP/1.1\r\nHost: a\r\n\r\n"
            }
            wire += "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
            let transcript = try await LoopbackHTTP.transcript(of: Array(wire.utf8), with: endpoint)
            let answers = transcript.split(separator: "HTTP/1.1 ")
            #expect(answers.count == 201)
            for index in 0..<50 {
                #expect(answers[4 * index].contains("get k: v"))
                #expect(answers[4 * index + 1].hasSuffix("\r\n\r\nok"))
                #expect(answers[4 * index + 2].contains(#"{"key":"n","value":"\#(index)""#))
                #expect(answers[4 * index + 3].hasSuffix("\r\n\r\n"), "HEAD has no body")
            }
            #expect(answers[200].hasSuffix("You've hit <app-1>"), "what follows Connection: close is not answered")
        }
    }

    @Test("connections are kept and closed as the client says, and a half-closed one gets its answers")
    func persistence() async throws {
        try await withApp { cluster, endpoint in
            func transcript(_ text: String, closesOutput: Bool = false) async throws -> String {
                try await LoopbackHTTP.transcript(of: Array(text.utf8), closesOutput: closesOutput, with: endpoint)
            }
            #expect(try await transcript("GET /livez HTTP/1.0\r\n\r\n").contains("\r\nConnection: close\r\n"))
            let kept = try await transcript(
                "GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /livez HTTP/1.0\r\n\r\n")
            #expect(kept.contains("\r\nConnection: keep-alive\r\n"))
            #expect(kept.split(separator: "200 OK").count == 3)
            let upgrade = try await transcript(
                "GET /livez HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
                    + "GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            #expect(upgrade.split(separator: "200 OK").count == 3, "no upgrade is taken, and the connection goes on")
            let half = try await transcript(
                "GET /get?key=nobody HTTP/1.1\r\nHost: a\r\n\r\nGET /livez HTTP/1.1\r\nHost: a\r\n\r\n",
                closesOutput: true)
            #expect(half.contains("404 Not Found"))
            #expect(half.hasSuffix("\r\n\r\nok"))
        }
    }

    @Test("bodies are bounded, announced or not, and a client that asks first gets the answer at once")
    func bodies() async throws {
        try await withApp { cluster, endpoint in
            func transcript(_ text: String) async throws -> String {
                try await LoopbackHTTP.transcript(of: Array(text.utf8), with: endpoint)
            }
            let announced = try await transcript("\(Self.set)Content-Length: 8388609\r\n\r\n")
            #expect(announced.hasPrefix("HTTP/1.1 413 "))
            #expect(announced.contains("\r\nConnection: close\r\n"))
            let asked = try await transcript(
                "\(Self.set)Expect: 100-continue\r\nContent-Length: 8388609\r\n\r\n")
            #expect(asked.hasPrefix("HTTP/1.1 413 "))
            let chunk = "100000\r\n" + String(repeating: "x", count: 1_048_576) + "\r\n"
            let chunked = try await transcript(
                "\(Self.set)Transfer-Encoding: chunked\r\n\r\n"
                    + String(repeating: chunk, count: 9))
            #expect(chunked.hasPrefix("HTTP/1.1 413 "))
            let continued = try await transcript(
                "\(Self.set)Expect: 100-continue\r\nConnection: close\r\nContent-Length: 23\r\n\r\n"
                    + #"{"key":"k","value":"v"}"#)
            #expect(continued.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"))
            let pieces = try await transcript(
                "\(Self.set)Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                    + "a\r\n{\"key\":\"k\"\r\nd\r\n,\"value\":\"v\"}\r\n0\r\n\r\n")
            #expect(pieces.hasPrefix("HTTP/1.1 200 OK\r\n"))
        }
    }

    @Test("targets and header fields are bounded, and the process goes on")
    func heads() async throws {
        let system = try KeyValueCluster(apps: 1)
        var app = system.apps[0]
        app.readiness = .running
        try await withLocalCluster(ClusterSpec([app])) { cluster in
            try await cluster.wait(untilServed: .get("/livez"), by: "app-1")
            let endpoint = app.endpoint
            func answer(_ target: String, fields: [String]) async throws -> LoopbackHTTP.Response {
                try await LoopbackHTTP.exchange([.init("GET", target, headers: fields)], with: endpoint)[0]
            }
            func letters(_ count: Int) -> String { String(repeating: "a", count: count) }
            #expect(try await answer("/livez?" + letters(8_000), fields: []).status == 200)
            let long = try await answer("/livez?" + letters(8_192), fields: [])
            #expect(long.status == 414)
            #expect(long.code == "target-too-long")
            #expect(try await answer("/livez", fields: ["X: " + letters(16_000)]).status == 200)
            let cases = [
                ["X: " + letters(20_000)], Array(repeating: "X: " + letters(8_000), count: 9),
                Array(repeating: "X: a", count: 101),
            ]
            for fields in cases {
                let refused = try await answer("/livez", fields: fields)
                #expect(refused.status == 431)
                #expect(refused.code == "header-too-large")
                #expect(refused.header("Connection") == "close")
            }
        }
    }

    @Test(
        "what is not HTTP is answered 400 and closed, after the answers that are owed",
        arguments: [
            "NONSENSE\r\n\r\n", "GET\r\n\r\n", "GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
            "GET /livez HTTP/1.1\r\n\r\n",
            "POST /set HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
            "POST /set HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        ])
    func notHTTP(wire: String) async throws {
        let system = try KeyValueCluster(apps: 1)
        var app = system.apps[0]
        app.readiness = .running
        try await withLocalCluster(ClusterSpec([app])) { cluster in
            try await cluster.wait(untilServed: .get("/livez"), by: "app-1")
            let transcript = try await LoopbackHTTP.transcript(
                of: Array(("GET / HTTP/1.1\r\nHost: a\r\n\r\n" + wire).utf8), with: app.endpoint)
            #expect(transcript.contains("You've hit <app-1>HTTP/1.1 400 Bad Request\r\n"), "\(transcript)")
            #expect(transcript.contains("malformed-request"))
            #expect(try await cluster.http("app-1", .get("/livez"))[0].status == 200)
        }
    }
}

@Suite("KVApp hostname")
struct HostnameTests {
    @Test("answers any request on any path with its name, and logs who asked")
    func anyRequest() async throws {
        let endpoint = Endpoint(port: try Loopback.freePorts(1)[0])
        let node = NodeSpec(
            name: "host", executable: try Programs.built("KVApp"),
            arguments: ["hostname", "--host", endpoint.host, "--port", "\(endpoint.port)"],
            environment: ["HOSTNAME": "node-hostname-1", "DRAIN_DELAY_SECONDS": "0"], endpoint: endpoint,
            readiness: .running, isRedis: false)
        try await withLocalCluster(ClusterSpec([node])) { cluster in
            try await cluster.wait(untilServed: .get("/"), by: "host")
            let answers = try await cluster.http(
                "host", .get("/any/path?x=1"), .init("POST", "/set", body: Array("anything".utf8)), .init("DELETE", "/")
            )
            for answer in answers {
                #expect(answer.status == 200)
                #expect(answer.text == "You've hit <node-hostname-1>")
            }
            #expect(try await cluster.log(of: "host").contains(#""message":"received request from 127.0.0.1"}"# + "\n"))
        }
    }

    @Test(
        "a wrong option, a taken port and a bad variable end it with a line that names the cure",
        arguments: [
            (["--port", "70000"], [:], Int32(64), "0…65535"),
            (["--port", "{port}"], [:], 69, "choose another port by --port or PORT"),
            ([], ["PORT": "http"], 78, "PORT is 'http'; give it a port"),
        ])
    func mistakes(arguments: [String], environment: [String: String], code: Int32, cure: String) async throws {
        let ports = try Loopback.freePorts(2)
        let holder = NodeSpec.redis("holder", server: try Harness.redisServer, at: Endpoint(port: ports[0]))
        let node = NodeSpec(
            name: "host", executable: try Programs.built("KVApp"),
            arguments: ["hostname", "--host", "127.0.0.1"] + arguments.map { $0 == "{port}" ? "\(ports[0])" : $0 },
            environment: environment, endpoint: Endpoint(port: ports[1]), readiness: .running, isRedis: false)
        try await withLocalCluster(ClusterSpec([holder])) { _ in
            try await withLocalCluster(ClusterSpec([node])) { cluster in
                let ending = try await cluster.waitUntilEnded("host")
                let log = try await cluster.log(of: "host")
                #expect(ending == .exited(code: code))
                #expect(log.contains(cure), "\(log)")
            }
        }
    }
}
