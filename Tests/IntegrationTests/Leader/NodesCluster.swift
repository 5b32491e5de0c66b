import Hiredis
import LocalTopology
import SystemPackage
import Testing

/// Three nodes, of which the first one leads at first, and an app that knows all of them, and no master.
struct NodesCluster {
    let nodes: [NodeSpec]
    let app: NodeSpec

    /// - Parameters:
    ///   - lines: further redis.conf lines of every node.
    ///   - loops: the app's event loops.
    init(
        server: FilePath? = nil, lines: [String] = [], environment: [String: String] = [:],
        loops: Int = 2, program: FilePath? = nil
    ) throws {
        let server = try server ?? Harness.redisServer
        let ports = try Loopback.freePorts(4)
        let endpoints = (0..<3).map { Endpoint(host: "127.0.0.\($0 + 1)", port: ports[$0]) }
        nodes = endpoints.enumerated().map { index, endpoint in
            .redis(
                "node-\(index)", server: server, at: endpoint, replicaOf: index == 0 ? nil : endpoints[0],
                lines: ["appendonly yes", "repl-diskless-sync-delay 0"] + lines)
        }
        app = Self.app(
            at: Endpoint(port: ports[3]), nodes: endpoints, program: try program ?? Programs.built("KVApp"),
            environment: environment, loops: loops)
    }

    static func app(
        at endpoint: Endpoint, nodes: [Endpoint], program: FilePath, environment: [String: String] = [:],
        loops: Int = 2
    ) -> NodeSpec {
        var app = DirectCluster.app(
            at: endpoint, master: Endpoint(port: 1), replicas: [], program: program,
            environment: ["REDIS_NODES": nodes.map { "\($0)" }.joined(separator: ",")], loops: loops)
        app.environment.merge(environment) { $1 }
        return app
    }

    var spec: ClusterSpec { ClusterSpec(nodes + [app]) }
}

extension LocalCluster {
    nonisolated func putValue(_ key: String, _ value: String, query: String = "") async throws -> LoopbackHTTP.Response
    {
        try await http("app", LoopbackHTTP.Request("PUT", "/v1/keys/\(key)\(query)", body: Array(value.utf8)))[0]
    }

    nonisolated func getValue(
        _ key: String, after token: String? = nil
    ) async throws -> LoopbackHTTP.Response {
        let headers = token.map { ["Replication-After: \($0)"] } ?? []
        return try await http("app", LoopbackHTTP.Request("GET", "/v1/keys/\(key)", headers: headers))[0]
    }

    /// Waits until the app has found a leader, and the others replicate from it.
    ///
    /// - Parameter servers: how many nodes have to be up, and in step with it.
    nonisolated func wait(untilLeads endpoint: Endpoint, servers: Int? = nil) async throws {
        try await wait(untilReadinessSays: #""master":{"endpoint":"\#(endpoint)","state":"up""#)
        if let servers { try await wait(untilServersUp: servers) }
    }

    /// A planned change, driven from outside: writes stand still until the next leader has all of them.
    nonisolated func handOver(from old: NodeSpec, to new: NodeSpec, other: NodeSpec) async throws {
        let pause = try await redis(old.name, "CLIENT", "PAUSE", "20000", "WRITE")
        if pause.text != "OK" { _ = try await redis(old.name, "CONFIG", "SET", "min-replicas-to-write", "2147483647") }
        try await wait(until: "\(new.name) has all that was written", of: new.name) {
            let written = try await self.info(old.name, section: "replication")["master_repl_offset"]
            let applied = try await self.info(new.name, section: "replication")["slave_repl_offset"]
            return Observation(written != nil && written == applied, else: "\(applied ?? "") of \(written ?? "")")
        }
        _ = try await redis(new.name, "REPLICAOF", "NO", "ONE")
        for follower in [old, other] {
            _ = try await redis(follower.name, "REPLICAOF", new.endpoint.host, "\(new.endpoint.port)")
        }
        _ = try await redis(old.name, "CLIENT", "UNPAUSE")
    }

    /// Makes a replica the leader, and has the others follow it.
    nonisolated func promote(_ node: NodeSpec, followers: [NodeSpec] = []) async throws {
        _ = try await redis(node.name, "REPLICAOF", "NO", "ONE")
        for follower in followers {
            _ = try await redis(follower.name, "REPLICAOF", node.endpoint.host, "\(node.endpoint.port)")
        }
    }
}
