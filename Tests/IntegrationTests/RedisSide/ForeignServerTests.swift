import Hiredis
import LocalTopology
import SystemPackage
import Testing

/// What stands at the master's address is no redis-server that can be used. Of TLS at the wrong port ``TLSTests`` tell.
@Suite("A server that is none is named for what it is")
struct ForeignServerTests {
    /// Starts the nodes and an app whose master is at the endpoint; the cause has to be in /readyz and in the log.
    private func expect(
        _ words: String, at endpoint: Endpoint, among nodes: [NodeSpec] = [], environment: [String: String] = [:],
        prepared commands: [[String]] = []
    ) async throws {
        var app = DirectCluster.app(
            at: Endpoint(port: try Loopback.freePorts(1)[0]), master: endpoint, replicas: [],
            program: try Programs.built("KVApp"), environment: environment)
        app.readiness = .running
        try await withLocalCluster(ClusterSpec(nodes + [app]), starts: false) { cluster in
            for node in nodes { try await cluster.start(node.name) }
            if let node = nodes.first, !commands.isEmpty { _ = try await cluster.redis(node.name, commands) }
            try await cluster.start("app")
            try await cluster.wait(untilServed: .get("/livez"))
            try await cluster.wait(untilReadinessSays: words)
            #expect(try await cluster.log(of: "app").contains(words))
            let answers = try await cluster.http("app", .get("/get?key=k"), .set(#"{"key":"k","value":"v"}"#))
            #expect(answers.map(\.status) == [503, 503])
        }
    }

    private func free() throws -> Endpoint { Endpoint(port: try Loopback.freePorts(1)[0]) }

    @Test("an HTTP server")
    func http() async throws {
        var other = DirectCluster.app(
            at: try free(), master: try free(), replicas: [], program: try Programs.built("KVApp"))
        other.name = "other"
        other.readiness = .running
        try await expect("answers in HTTP", at: other.endpoint, among: [other])
    }

    @Test("a Sentinel, and a server in cluster mode", arguments: RedisServer.representatives)
    func modes(server: String) async throws {
        let sentinel = try SentinelTests.sentinel(.init(server), watching: try free())
        try await expect("is a Sentinel", at: sentinel.endpoint, among: [sentinel])
        let member = NodeSpec.redis("member", server: .init(server), at: try free(), lines: ["cluster-enabled yes"])
        try await expect("is in cluster mode", at: member.endpoint, among: [member])
    }

    @Test("one that greets as a POP3 server does")
    func pop3() async throws {
        let server = NodeSpec.redis("server", server: try Harness.redisServer, at: try free())
        try await withLoopbackProxy(to: [server.endpoint]) { proxy in
            proxy.setGreeting(Array("+OK POP3 server ready\r\n".utf8))
            try await expect("POP3", at: proxy.endpoint, among: [server])
        }
    }

    @Test("one that has as many clients as it takes", arguments: RedisServer.representatives)
    func fullServer(server: String) async throws {
        let full = NodeSpec.redis("full", server: .init(server), at: try free())
        var app = DirectCluster.app(
            at: try free(), master: full.endpoint, replicas: [], program: try Programs.built("KVApp"))
        app.readiness = .running
        try await withLocalCluster(ClusterSpec([full, app]), starts: false) { cluster in
            try await cluster.start("full")
            let client = try LoadSocket(to: full.endpoint)
            var ping = Array("PING\r\n".utf8)
            try client.send(&ping)
            client.waitForBytes(until: .now + .seconds(5))
            #expect(try await cluster.redis("full", "CONFIG", "SET", "maxclients", "1").text == "OK")
            try await cluster.start("app")
            try await cluster.wait(untilServed: .get("/livez"))
            try await cluster.wait(untilReadinessSays: "raise maxclients")
            #expect(try await cluster.log(of: "app").contains("raise maxclients"))
            // By the client that is there: the app would take its place before another one gets it.
            _ = client.receive()
            var more = Array("CONFIG SET maxclients 100\r\n".utf8)
            try client.send(&more)
            client.waitForBytes(until: .now + .seconds(30))
            try await cluster.wait(untilServed: .set(#"{"key":"k","value":"v"}"#))
        }
    }
}
