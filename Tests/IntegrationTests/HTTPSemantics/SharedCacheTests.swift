import LocalTopology
import SystemPackage
import Testing

/// Real caches in front of one app, as their packages configure them, and Varnish with a rule that ends its built-in ones.
@Suite("Behind a cache that many share")
struct SharedCacheTests {
    private let system: DirectCluster
    private let caches: [NodeSpec]

    init() throws {
        // Without a replica a read is never behind: what is old is the cache's doing.
        system = try DirectCluster(replicaLines: [])
        let app = system.app.endpoint
        let ports = try Loopback.freePorts(3).map { Endpoint(port: $0) }
        let nginx = try Programs.installed("nginx", package: "nginx-light")
        let varnish = try Programs.installed("varnishd", package: "varnish")
        // The node's configuration is always called redis.conf.
        let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \($0);" }
        caches = [
            NodeSpec(
                name: "nginx", executable: nginx,
                arguments: ["-p", "{directory}", "-e", "{directory}/error.log", "-c", "{directory}/redis.conf"],
                configuration: .lines(
                    ["daemon off; master_process off; pid nginx.pid; events {} http { access_log off;"] + paths + [
                        "proxy_cache_path cache keys_zone=keys:1m;", "server { listen \(ports[0]);",
                        "location / { proxy_pass http://\(app); proxy_cache keys; proxy_cache_valid any 1h;",
                        "proxy_cache_use_stale error timeout updating;",
                        // With a cache nginx keeps it to itself, also where the answer may not be stored.
                        "proxy_set_header If-None-Match $http_if_none_match; } } }",
                    ]), endpoint: ports[0], readiness: .running, isRedis: false),
            Self.varnish("varnish", varnish, at: ports[1], for: app, hasOwnEnd: false),
            Self.varnish("varnish-own", varnish, at: ports[2], for: app, hasOwnEnd: true),
        ]
    }

    private static func varnish(
        _ name: String, _ program: FilePath, at endpoint: Endpoint, for app: Endpoint, hasOwnEnd: Bool
    ) -> NodeSpec {
        let backend = "backend default { .host = \"\(app.host)\"; .port = \"\(app.port)\"; }"
        let end = hasOwnEnd ? ["sub vcl_backend_response { return (deliver); }"] : []
        return NodeSpec(
            name: name, executable: program,
            arguments: [
                "-F", "-j", "none", "-n", "{directory}/varnish", "-a", "\(endpoint)", "-f", "{directory}/redis.conf",
                "-s",
                "malloc,16m",
            ],
            configuration: .lines(["vcl 4.1;", backend] + end), endpoint: endpoint, readiness: .running, isRedis: false)
    }

    private func withCaches(_ body: (LocalCluster, NodeSpec) async throws -> Void) async throws {
        try await withLocalCluster(ClusterSpec(system.spec.nodes + caches)) { cluster in
            for cache in caches {
                try await cluster.wait(untilServed: .get("/livez"), by: cache.name, within: .seconds(30))
                try await body(cluster, cache)
            }
        }
    }

    @Test("what was written is read, regardless of earlier reads, in either form")
    func neverOld() async throws {
        try await withCaches { cluster, cache in
            let path = "/v1/keys/\(cache.name)"
            let read: [LoopbackHTTP.Request] = [
                .get(path), .init("GET", path, headers: ["Accept: application/json"]), .init("HEAD", path), .get(path),
            ]
            #expect(try await LoopbackHTTP.exchange(read, with: cache.endpoint).map(\.status) == [404, 404, 404, 404])
            for count in 1...5 {
                let value = "value \(count)"
                let answers = try await LoopbackHTTP.exchange(
                    [.init("PUT", path, body: Array(value.utf8))] + read + [.get("/get?key=\(cache.name)")],
                    with: cache.endpoint)
                #expect(answers[0].status == (count == 1 ? 201 : 204), "\(cache.name)")
                #expect(answers[1].text == value, "\(cache.name)")
                #expect(answers[2].text.contains("\"value\":\"\(value)\""), "\(cache.name)")
                #expect(answers[3].header("ETag") == answers[1].header("ETag"), "\(cache.name)")
                #expect(answers[5].text.contains(": \(value)\""), "\(cache.name)")
            }
            let gone = try await LoopbackHTTP.exchange([.init("DELETE", path)] + read, with: cache.endpoint)
            #expect(gone.map(\.status) == [204, 404, 404, 404, 404], "\(cache.name)")
        }
    }

    @Test("each read proves its token again, and no verdict is reused")
    func verdicts() async throws {
        try await withCaches { cluster, cache in
            let path = "/v1/keys/\(cache.name)"
            for value in ["one", "two", "three"] {
                let write = try await cluster.http(cache.name, .init("PUT", path, body: Array(value.utf8)))[0]
                let token = try #require(write.header("Replication-Token"))
                let after = LoopbackHTTP.Request("GET", path, headers: ["Replication-After: \(token)"])
                let want = LoopbackHTTP.Request("GET", path, headers: ["Replication-Token: want"])
                let answers = try await cluster.http(cache.name, after, after, want, want, .get(path), after)
                #expect(answers.allSatisfy { $0.text == value }, "\(cache.name): \(answers.map(\.text))")
                let hasVerdict = answers.map { $0.header("Replication-Verdict") == "satisfied" }
                #expect(hasVerdict == [true, true, false, false, false, true], "\(cache.name)")
                #expect(
                    answers.map { $0.header("Replication-Token") != nil } == [false, false, true, true, false, false])
                Self.expectAllFromApp([write] + answers, cache.name)
            }
        }
    }

    @Test("no observation is reused for the next one")
    func nothingReplayed() async throws {
        let requests: [LoopbackHTTP.Request] = [
            .get("/"), .get("/readyz"), .get("/livez"), .get("/metrics"), .get("/v1/topology"), .get("/v1/keys"),
            .get("/openapi.json"), .get("/v1/keys/none"), .get("/nowhere"), .get("/v1/keys/k?tll=5s"),
            .get("/get?key=none"),
            .init("GET", "/", headers: ["Accept: text/html"]), .init("HEAD", "/openapi.json"),
        ]
        try await withCaches { cluster, cache in
            for request in requests {
                // One connection each: a demo read or an error may end it.
                let answers = try await cluster.http(cache.name, request, request)
                Self.expectAllFromApp(answers, "\(cache.name): \(request.path)")
            }
        }
    }

    @Test("what a client has is not sent again, until it has changed")
    func revalidation() async throws {
        try await withCaches { cluster, cache in
            let path = "/v1/keys/\(cache.name)"
            for (put, other) in [("one", "two"), ("two", "one")] {
                _ = try await cluster.http(cache.name, .init("PUT", path, body: Array(put.utf8)))
                let tag = try #require(try await cluster.http(cache.name, .get(path))[0].header("ETag"))
                let asking = LoopbackHTTP.Request("GET", path, headers: ["If-None-Match: \(tag)"])
                #expect(
                    try await cluster.http(cache.name, asking, asking).map(\.status) == [304, 304], "\(cache.name)")
                let write = LoopbackHTTP.Request("PUT", path, body: Array(other.utf8))
                let changed = try await cluster.http(cache.name, write, asking)[1]
                #expect(changed.status == 200 && changed.text == other, "\(cache.name)")
            }
            let create = LoopbackHTTP.Request("PUT", path, headers: ["If-None-Match: *"], body: Array("three".utf8))
            #expect(try await cluster.http(cache.name, create)[0].status == 412, "\(cache.name)")
        }
    }

    /// The app gives each answer its own number.
    private static func expectAllFromApp(_ answers: [LoopbackHTTP.Response], _ what: String) {
        let numbers = answers.compactMap { $0.header("X-Request-Id") }
        #expect(numbers.count == answers.count && Set(numbers).count == answers.count, "\(what): \(numbers)")
    }
}
