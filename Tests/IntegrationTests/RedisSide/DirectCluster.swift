import Hiredis
import LocalTopology
import SystemPackage
import Testing

/// A master, replicas and one app, the servers started directly: each may be configured and hurt by itself.
struct DirectCluster {
    let master: NodeSpec
    let replicas: [NodeSpec]
    let app: NodeSpec

    /// - Parameters:
    ///   - replicaLines: further redis.conf lines, for each replica its own.
    ///   - environment: the app's settings besides the servers' addresses.
    ///   - loops: the app's event loops, each with connections of its own: with one, what /readyz says holds for the next request.
    init(
        server: FilePath? = nil, masterLines: [String] = [], replicaLines: [[String]] = [[], []],
        environment: [String: String] = [:], loops: Int = 1
    ) throws {
        let server = try server ?? Harness.redisServer
        let ports = try Loopback.freePorts(replicaLines.count + 2)
        let masterEndpoint = Endpoint(port: ports[0])
        master = .redis("master", server: server, at: masterEndpoint, lines: masterLines)
        replicas = replicaLines.enumerated().map { index, lines in
            .redis(
                "replica-\(index + 1)", server: server,
                at: Endpoint(host: "127.0.0.\(index + 2)", port: ports[index + 1]), replicaOf: masterEndpoint,
                lines: lines)
        }
        app = Self.app(
            at: Endpoint(port: ports[replicaLines.count + 1]), master: masterEndpoint,
            replicas: replicas.map(\.endpoint), program: try Programs.built("KVApp"), environment: environment,
            loops: loops)
    }

    static func app(
        at endpoint: Endpoint, master: Endpoint, replicas: [Endpoint], program: FilePath,
        environment: [String: String] = [:], loops: Int = 1
    ) -> NodeSpec {
        var app = NodeSpec.app(
            "app", program: program, at: endpoint, podIP: "127.0.0.11", master: master, replicas: replicas)
        app.arguments += ["--event-loops", "\(loops)"]
        // Tests that write their requests themselves call every host so.
        app.environment["ALLOWED_HOSTS"] = "a"
        app.environment.merge(environment) { $1 }
        return app
    }

    var spec: ClusterSpec { ClusterSpec([master] + replicas + [app]) }
}

extension LocalCluster {
    /// Sets a key through the app and waits until every replica has it.
    ///
    /// An app is ready with a replica alone: the master may not be connected yet.
    nonisolated func store(_ key: String, _ value: String, on replicas: [NodeSpec]) async throws {
        try await wait(until: "the app takes \(key)", of: "app") {
            let answer = try await self.http("app", .set(#"{"key":"\#(key)","value":"\#(value)"}"#))[0]
            #expect(answer.status == 200 || answer.code == "redis-unavailable", "\(answer.text)")
            return Observation(answer.status == 200, else: answer.text)
        }
        for replica in replicas {
            try await wait(until: "\(replica.name) has \(key)", of: replica.name) {
                let reply = try await self.redis(replica.name, "GET", key)
                return Observation(reply.text == value, else: "\(reply)")
            }
        }
    }

    /// What the app says of the servers.
    nonisolated func readiness() async throws -> LoopbackHTTP.Response { try await http("app", .get("/readyz"))[0] }

    nonisolated func wait(untilReadinessSays text: String, within limit: Duration = .seconds(30)) async throws {
        try await wait(until: "/readyz says \(text)", of: "app", within: limit) {
            let body = try await self.readiness().text
            return Observation(body.contains(text), else: body)
        }
    }

    /// Waits until the app says of this many servers that they are up.
    nonisolated func wait(untilServersUp count: Int, within limit: Duration = .seconds(30)) async throws {
        try await wait(until: "\(count) servers are up to the app", of: "app", within: limit) {
            let body = try await self.readiness().text
            return Observation(body.split(separator: #""state":"up""#).count == count + 1, else: body)
        }
    }

    /// How often a Redis node has answered with an error of this code, from 6.2.
    nonisolated func errors(_ code: String, of name: String) async throws -> Int {
        let field = try await info(name, section: "errorstats")["errorstat_\(code)"]
        return field.flatMap { Int($0.dropFirst("count=".count)) } ?? 0
    }
}
