import Hiredis
import LocalTopology
import Testing

@Suite("Listing keys by /v1/keys")
struct ListTests {
    @Test("a walk over ten thousand keys finds each of them, from one server, whichever event loop is asked")
    func walk() async throws {
        let system = try DirectCluster(loops: 2)
        try await withLocalCluster(system.spec) { cluster in
            let keys = Set((0..<10_000).map { "key:\($0)" })
            try await fill(cluster, system.replicas, keys.map { Array($0.utf8) })
            for limit in [10, 1000] {
                var found: Set<String> = []
                var servers: Set<String> = []
                var cursor: String? = ""
                while let here = cursor {
                    // A new connection each time, so that both event loops are asked.
                    let page = try await page(cluster, "limit=\(limit)&cursor=\(here)")
                    found.formUnion(page.keys)
                    servers.insert(page.server)
                    cursor = page.cursor
                    try #require(!page.keys.isEmpty || cursor == nil, "a page of all keys is not empty")
                    #expect(page.keys.count < limit + 100, "\(page.keys.count) keys for \(limit)")
                }
                #expect(found == keys)
                #expect(servers.count == 1, "\(servers)")
            }
            var beginnings: Set<String> = []
            for _ in 0..<16 { beginnings.insert(try await page(cluster, "limit=1").server) }
            #expect(beginnings.count == 2, "walks begin on both replicas: \(beginnings)")
        }
    }

    @Test("few keys among many are found without hundreds of empty pages; HEAD and an empty list are answered")
    func sparse() async throws {
        let system = try DirectCluster(replicaLines: [[]])
        try await withLocalCluster(system.spec) { cluster in
            let many = (0..<10_000).map { Array("key:\($0)".utf8) }
            try await fill(cluster, system.replicas, many + [Array("rare".utf8)])
            var found: [String] = []
            var pages = 0
            var cursor: String? = ""
            while let here = cursor {
                let page = try await page(cluster, "prefix=ra&limit=100&cursor=\(here)")
                pages += 1
                found += page.keys
                cursor = page.cursor
            }
            #expect(Set(found) == ["rare"])
            #expect(pages <= 30, "a hundred SCANs, ten a page: \(pages)")
            let answers = try await cluster.http(
                "app", .get("/v1/keys?prefix=nobody&limit=1000"), .init("HEAD", "/v1/keys?limit=1000"))
            #expect(answers.map(\.status) == [200, 200])
            #expect(answers[0].text.hasPrefix(#"{"keys":[],"cursor":"#))
            #expect(answers[1].body.isEmpty)
        }
    }

    @Test("a prefix is taken for what it is, glob characters and bytes that are no text included")
    func prefixes() async throws {
        let system = try DirectCluster(replicaLines: [[]])
        try await withLocalCluster(system.spec) { cluster in
            let names = ["a*b", "a*bc", "axb", "a?b", "a[b]c", "ab", "a\\b", "a^b", "a-b", "a", "a b", "a\"b"]
            let escaped = names.map { $0 == "a\\b" ? #"a\\b"# : $0 == "a\"b" ? #"a\"b"# : $0 }
            let bytes: [[UInt8]] = [[0xFF, 0], [0xFF, 0, 1], [0xFF, 2]]
            try await fill(cluster, system.replicas, names.map { Array($0.utf8) } + bytes)
            let cases: [(prefix: String, found: Set<String>)] = [
                ("a", Set(escaped)), ("", Set(escaped + ["/wA=", "/wAB", "/wI="])), ("a*", ["a*b", "a*bc"]),
                ("a%3F", ["a?b"]),
                ("a[b]", ["a[b]c"]), ("a[", ["a[b]c"]), ("a\\", [#"a\\b"#]), ("a^", ["a^b"]), ("a-", ["a-b"]),
                ("*", []),
                ("?", []), ("[a]", []), ("a%20", ["a b"]), ("a+", ["a b"]), ("%ff%00", ["/wA=", "/wAB"]),
                ("%ff", ["/wA=", "/wAB", "/wI="]),
                ("a%22", [#"a\"b"#]),
            ]
            for (prefix, found) in cases {
                let page = try await page(cluster, "prefix=\(prefix)&limit=1000")
                #expect(Set(page.keys) == found, "\(prefix)")
                #expect(page.cursor == nil)
            }
        }
    }

    @Test("a cursor whose server is gone, restarted or unknown gets 410, a malformed one 400")
    func cursors() async throws {
        let system = try DirectCluster(replicaLines: [[]])
        try await withLocalCluster(system.spec) { cluster in
            try await fill(cluster, system.replicas, (0..<1000).map { Array("key:\($0)".utf8) })
            let cursor = try #require(try await page(cluster, "limit=1").cursor)
            try await cluster.kill("replica-1")
            try await cluster.wait(untilReadinessSays: "cannot be reached")
            let gone = try await cluster.http("app", .get("/v1/keys?cursor=\(cursor)"))[0]
            #expect(gone.status == 410 && gone.code == "cursor-gone", "\(gone.text)")
            // The master serves walks then.
            let other = try await page(cluster, "limit=1")
            #expect(other.server == "\(system.master.endpoint)")
            try await cluster.start("replica-1")
            try await cluster.wait(until: "walks begin on the replica again", of: "app") {
                let page = try await page(cluster, "limit=1")
                return Observation(page.server == "\(system.replicas[0].endpoint)", else: page.server)
            }
            let restarted = try await cluster.http("app", .get("/v1/keys?cursor=\(cursor)"))[0]
            #expect(restarted.status == 410, "another process, though at the same address")
            let onMaster = try await page(cluster, "limit=1000&cursor=\(try #require(other.cursor))")
            #expect(onMaster.server == "\(system.master.endpoint)", "this one's server is still there")
            let cases = [
                ("cursor=x", 400, "invalid-cursor"), ("cursor=17", 400, "invalid-cursor"),
                ("cursor=\(String(repeating: "0", count: 40))-1", 410, "cursor-gone"),
                ("limit=0", 400, "invalid-number"),
                ("limit=1001", 400, "invalid-number"), ("prefix=%f", 400, "invalid-percent-encoding"),
            ]
            let answers = try await LoopbackHTTP.exchange(
                cases.map { .get("/v1/keys?\($0.0)") }, with: system.app.endpoint)
            #expect(answers.map(\.status) == cases.map(\.1))
            #expect(answers.map(\.code) == cases.map(\.2))
        }
    }

    private struct Page {
        /// As they stand in the JSON: escaped, or in Base64.
        var keys: [String]
        var cursor: String?
        var server: String
    }

    private func page(_ cluster: LocalCluster, _ query: String) async throws -> Page {
        let answer = try await cluster.http("app", .get("/v1/keys?\(query)"))[0]
        try #require(answer.status == 200, "\(answer.text)")
        let parts = answer.text.split(separator: "],\"cursor\":")
        try #require(parts.count == 2 && parts[0].hasPrefix("{\"keys\":["), "\(answer.text)")
        let keys = parts[0].dropFirst("{\"keys\":[".count).split(separator: "},{").map { member in
            let text = member.split(separator: "\":\"", maxSplits: 1)[1]
            return String(text.prefix(text.count - (text.hasSuffix("}") ? 2 : 1)))
        }
        return Page(
            keys: keys, cursor: parts[1] == "null}" ? nil : String(parts[1].dropFirst().dropLast(2)),
            server: try #require(answer.header("Served-By")))
    }

    private func fill(_ cluster: LocalCluster, _ replicas: [NodeSpec], _ keys: [[UInt8]]) async throws {
        let value = Array("v".utf8)
        for start in stride(from: 0, to: keys.count, by: 1000) {
            let part = keys[start..<min(start + 1000, keys.count)]
            try await cluster.command("master", [[Array("MSET".utf8)] + part.flatMap { [$0, value] }])
        }
        for replica in replicas {
            try await cluster.wait(until: "\(replica.name) has all keys") {
                let size = try await cluster.redis(replica.name, "DBSIZE")
                return Observation(size == .integer(Int64(keys.count)), else: "\(size)")
            }
        }
    }
}
