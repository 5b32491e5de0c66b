import Hiredis
import LocalTopology
import Testing

/// A master, replicas that hear it by way of proxies, and one app of one event loop that asks the servers themselves.
struct ConsistencyCluster {
    let master: NodeSpec
    let replicas: [NodeSpec]
    let app: NodeSpec
    /// Between the master and each replica.
    let links: [LoopbackProxy]
    /// Where the app finds the master.
    let masterName: LoopbackProxy

    /// Starts it, hands it to the body, and stops it however the body ends.
    static func run(
        replicas count: Int = 1, environment: [String: String] = [:],
        _ body: (ConsistencyCluster, LocalCluster) async throws -> Void
    ) async throws {
        let system = try ConsistencyCluster(replicas: count, environment: environment)
        defer { for proxy in system.links + [system.masterName] { proxy.stop() } }
        try await withLocalCluster(ClusterSpec([system.master] + system.replicas + [system.app])) { cluster in
            try await cluster.wait(untilReplicasOf: "master", are: count)
            // It is ready with one of them.
            try await cluster.wait(untilServersUp: count + 1)
            try await body(system, cluster)
        }
    }

    private init(replicas count: Int, environment: [String: String]) throws {
        let server = try Harness.redisServer
        // The proxies take their ports first: what is free then stays so until the servers start.
        let links = try (0..<count).map { _ in try LoopbackProxy(to: []) }
        masterName = try LoopbackProxy(to: [])
        let ports = try Loopback.freePorts(2)
        let masterEndpoint = Endpoint(port: ports[0])
        for proxy in links + [masterName] { proxy.retarget([masterEndpoint]) }
        self.links = links
        // Its pings would move offsets no less than writes do.
        master = .redis("master", server: server, at: masterEndpoint, lines: ["repl-ping-replica-period 3600"])
        replicas = try links.enumerated().map { index, link in
            let host = "127.0.0.\(index + 2)"
            return .redis(
                "replica-\(index + 1)", server: server,
                at: Endpoint(host: host, port: try Loopback.freePorts(1, host: host)[0]), replicaOf: link.endpoint,
                lines: ["repl-timeout 3600", "repl-diskless-sync-delay 0"])
        }
        app = DirectCluster.app(
            at: Endpoint(port: ports[1]), master: masterName.endpoint, replicas: replicas.map(\.endpoint),
            program: try Programs.built("KVApp"), environment: environment)
    }
}

extension LoopbackHTTP.Request {
    static func put(_ path: String, _ value: String, headers: [String] = []) -> LoopbackHTTP.Request {
        LoopbackHTTP.Request("PUT", path, headers: headers, body: Array(value.utf8))
    }

    static func delete(_ path: String) -> LoopbackHTTP.Request { LoopbackHTTP.Request("DELETE", path) }

    /// A read that has to know a write.
    static func get(_ path: String, after token: String, wait: String? = nil, headers: [String] = [])
        -> LoopbackHTTP.Request
    {
        LoopbackHTTP.Request(
            "GET", path,
            headers: ["Replication-After: \(token)"] + (wait.map { ["Replication-Wait: \($0)"] } ?? []) + headers)
    }
}

extension LoopbackHTTP.Response {
    var token: String? { header("Replication-Token") }
    var verdict: String? { header("Replication-Verdict") }
    var role: String? { header("Served-Role") }
}

extension LocalCluster {
    /// Writes through the app.
    ///
    /// - Returns: the token of the write.
    nonisolated func put(_ key: String, _ value: String) async throws -> String {
        let answer = try await http("app", .put("/v1/keys/\(key)", value))[0]
        try #require(answer.status == 201 || answer.status == 204, "\(answer.status) \(answer.text)")
        return try #require(answer.token)
    }

    /// How often a server has been sent a command.
    nonisolated func calls(of command: String, at name: String) async throws -> Int {
        let field = try await info(name, section: "commandstats")["cmdstat_\(command)"]
        return field.flatMap { Int($0.dropFirst("calls=".count).prefix { $0 != "," }) } ?? 0
    }

    /// Waits until the app's reads wait for a replica: it asks them again and again.
    nonisolated func wait(untilReadsAreRepeatedAt name: String) async throws {
        let before = try await calls(of: "ping", at: name)
        try await wait(until: "\(name) is asked again and again", of: name) {
            let now = try await self.calls(of: "ping", at: name)
            return Observation(now >= before + 3, else: "\(now - before) times")
        }
    }

    nonisolated func wait(until name: String, has key: String, _ value: String) async throws {
        try await wait(until: "\(name) has \(key)", of: name) {
            let reply = try await self.redis(name, "GET", key)
            return Observation(reply.text == value, else: "\(reply)")
        }
    }

    nonisolated func promote(_ name: String) async throws {
        let reply = try await redis(name, "REPLICAOF", "NO", "ONE")
        try #require(reply.text == "OK", "\(reply)")
    }
}
