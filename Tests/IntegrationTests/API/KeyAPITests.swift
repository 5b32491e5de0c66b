import Hiredis
import LocalTopology
import Testing

/// One master, one replica and one app with one event loop.
@Suite("Reading keys by /v1/keys/{key}")
struct KeyAPITests {
    private func withApp(_ body: (LocalCluster, Endpoint) async throws -> Void) async throws {
        let system = try DirectCluster(replicaLines: [[]])
        try await withLocalCluster(system.spec) { cluster in try await body(cluster, system.app.endpoint) }
    }

    @Test("values and keys of every byte come back, with a tag that is the hash that openssl finds")
    func everyByte() async throws {
        try await withApp { cluster, endpoint in
            let all = Array(UInt8.min...UInt8.max)
            // Every length around the words of the hash; the last holds every byte.
            let values =
                (0...100).map { length in (0..<length).map { UInt8(truncatingIfNeeded: $0 * 7 + length) } } + [all]
            let keys = values.indices.map { Array("dir//\($0)/".utf8) + ($0 == 101 ? all : []) }
            try await cluster.command("master", zip(keys, values).map { [Array("SET".utf8), $0, $1] })
            try await cluster.wait(until: "the replica has all keys") {
                let size = try await cluster.redis("replica-1", "DBSIZE")
                return Observation(size == .integer(Int64(keys.count)), else: "\(size)")
            }
            let answers = try await LoopbackHTTP.exchange(keys.map { .get("/v1/keys/\(encode($0))") }, with: endpoint)
            let scratch = try Scratch()
            for (answer, value) in zip(answers, values) {
                #expect(answer.status == 200)
                #expect(answer.body == value)
                #expect(answer.header("Vary")?.contains("Accept") == true)
                #expect(answer.header("ETag") == "\"\(try hash(of: value, in: scratch))\"", "\(value.count)")
            }
            let heads = try await LoopbackHTTP.exchange(
                keys.map { .init("HEAD", "/v1/keys/\(encode($0))") }, with: endpoint)
            for (head, answer) in zip(heads, answers) {
                #expect(head.status == 200 && head.body.isEmpty)
                let names = ["ETag", "Vary", "Content-Length", "Content-Type", "Served-By", "Served-Role"]
                #expect(names.map(head.header) == names.map(answer.header))
            }
        }
    }

    @Test("what the client has is not sent again: 304, with the tag and no body, and the connection goes on")
    func notModified() async throws {
        try await withApp { cluster, endpoint in
            try await cluster.store("k", "v", on: [cluster.spec.nodes[1]])
            let path = "/v1/keys/k"
            let tag = try #require(try await cluster.http("app", .get(path))[0].header("ETag"))
            let matching = [tag, "W/\(tag)", "*", "\"a,b\", \(tag)"]
            let others = ["\"x\"", String(tag.dropFirst().dropLast()), "W/*", "", "\(tag) \(tag)"]
            for method in ["GET", "HEAD"] {
                for accept in ["*/*", "application/json"] {
                    let answers = try await LoopbackHTTP.exchange(
                        (matching + others).map {
                            .init(method, path, headers: ["If-None-Match: \($0)", "Accept: \(accept)"])
                        } + [.get(path)], with: endpoint)
                    let statuses = matching.map { _ in 304 } + others.map { _ in 200 } + [200]
                    #expect(answers.map(\.status) == statuses)
                    for answer in answers.prefix(matching.count) {
                        #expect(answer.header("ETag") == (accept == "*/*" ? tag : "W/\(tag)"))
                        #expect(answer.header("Vary")?.contains("Accept") == true)
                        #expect(answer.header("Content-Length") == nil)
                    }
                    #expect(answers.last?.text == "v")
                }
            }
            _ = try await cluster.redis("master", "SET", "k", "w")
            try await cluster.wait(until: "the replica has the new value", of: "app") {
                let answer = try await cluster.http("app", .init("GET", path, headers: ["If-None-Match: \(tag)"]))[0]
                return Observation(answer.text == "w" && answer.header("ETag") != tag, else: "\(answer.status)")
            }
            let missing = try await cluster.http("app", .init("GET", "/v1/keys/none", headers: ["If-None-Match: *"]))[0]
            #expect(missing.status == 404 && missing.header("ETag") == nil)
        }
    }

    @Test("with Accept: application/json the value is a document, in Base64 where it is not UTF-8")
    func documents() async throws {
        try await withApp { cluster, endpoint in
            let set = Array("SET".utf8)
            try await cluster.command(
                "master",
                [
                    [set, Array("text".utf8), Array("\"é\n".utf8)], [set, [0xFF, 0], [0, 0xFF, 0xFE]],
                    [set, Array("none".utf8), []],
                    [set, Array("short".utf8), [0x31], Array("PX".utf8), Array("600000".utf8)],
                    [Array("LPUSH".utf8), Array("list".utf8), [0x31]],
                ])
            try await cluster.wait(until: "the replica has all") {
                let size = try await cluster.redis("replica-1", "DBSIZE")
                return Observation(size == .integer(5), else: "\(size)")
            }
            let keys = ["text", "%ff%00", "none", "short", "list", "nobody"]
            let answers = try await LoopbackHTTP.exchange(
                keys.map { .init("GET", "/v1/keys/\($0)", headers: ["Accept: application/json"]) }, with: endpoint)
            #expect(answers.map(\.status) == [200, 200, 200, 200, 409, 404])
            let tags = try await LoopbackHTTP.exchange(keys.map { .get("/v1/keys/\($0)") }, with: endpoint)
                .map { $0.header("ETag") ?? "" }
            #expect(answers[0].text == #"{"key":"text","value":"\"é\n","etag":\#(tags[0]),"ttl_ms":null}"#)
            #expect(
                answers[1].text == #"{"key_base64":"/wA=","value_base64":"AP/+","etag":\#(tags[1]),"ttl_ms":null}"#)
            #expect(answers[2].text == #"{"key":"none","value":"","etag":\#(tags[2]),"ttl_ms":null}"#)
            let beginning = #"{"key":"short","value":"1","etag":\#(tags[3]),"ttl_ms":"#
            #expect(answers[3].text.hasPrefix(beginning))
            let left = try #require(Int(answers[3].text.dropFirst(beginning.count).dropLast()))
            #expect(1...600_000 ~= left)
            #expect(answers[4].code == "wrong-type" && answers[5].code == "key-not-found")
            for (answer, tag) in zip(answers, tags).prefix(4) {
                #expect(answer.header("Content-Type") == "application/json")
                #expect(answer.header("Vary")?.contains("Accept") == true)
                #expect(answer.header("ETag") == "W/\(tag)")
                #expect(answer.header("Served-Role") == "replica")
            }
            let head = try await cluster.http(
                "app", .init("HEAD", "/v1/keys/text", headers: ["Accept: application/json"]))[0]
            #expect(head.status == 200 && head.body.isEmpty)
            #expect(head.header("Content-Length") == "\(answers[0].body.count)")
        }
    }

    @Test("Accept chooses between both forms, and one that allows neither is refused")
    func accept() async throws {
        try await withApp { cluster, endpoint in
            try await cluster.store("k", "v", on: [cluster.spec.nodes[1]])
            let cases = [
                ("*/*", 200, "application/octet-stream"), ("application/json", 200, "application/json"),
                ("application/json;q=0.4, application/octet-stream;q=0.5", 200, "application/octet-stream"),
                ("application/json, */*", 200, "application/json"), ("text/html", 406, "application/problem+json"),
            ]
            let answers = try await LoopbackHTTP.exchange(
                cases.map { .init("GET", "/v1/keys/k", headers: ["Accept: \($0.0)"]) }, with: endpoint)
            #expect(answers.map(\.status) == cases.map(\.1))
            #expect(answers.map { $0.header("Content-Type") } == cases.map(\.2))
            #expect(answers[4].code == "not-acceptable")
        }
    }

    private func hash(of value: [UInt8], in scratch: Scratch) throws -> String {
        try scratch.write("value", value)
        let key = "redis-replicakit".utf8.map { String($0, radix: 16) }.joined()
        let process = try Spawned(
            "/usr/bin/openssl",
            ["mac", "-macopt", "hexkey:\(key)", "-macopt", "size:16", "-in", scratch["value"], "SIPHASH"],
            in: scratch.path, log: scratch["openssl.log"])
        try #require(process.ended() == .exited(0), "\(process.output)")
        return process.output.filter { !$0.isWhitespace }.lowercased()
    }
}

/// Bytes as they are written in a target.
func encode(_ bytes: [UInt8]) -> String {
    bytes.map { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"):
            String(UnicodeScalar(byte))
        default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
    }.joined()
}

extension LocalCluster {
    /// Sends commands of any bytes, and expects no error.
    nonisolated func command(_ name: String, _ commands: [[[UInt8]]]) async throws {
        let endpoint = try #require(spec.nodes.first { $0.name == name }?.endpoint)
        var connection = try BlockingConnection(host: endpoint.host, port: endpoint.port, timeout: .seconds(5))
        for command in commands {
            let reply = try connection.command(command)
            try #require(reply.errorText == nil, "\(reply)")
        }
    }
}
