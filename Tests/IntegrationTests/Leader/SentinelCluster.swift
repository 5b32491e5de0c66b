import Hiredis
import LocalTopology
import SystemPackage
import Testing

/// Three servers, three Sentinels that watch the first one, and an app that knows the Sentinels alone.
struct SentinelCluster {
    static let masterName = "kv"

    let nodes: [NodeSpec]
    let sentinels: [NodeSpec]
    let app: NodeSpec

    /// - Parameters:
    ///   - lines: further lines of each Sentinel's file.
    ///   - nodeLines: further redis.conf lines of every server.
    init(
        server: FilePath? = nil, lines: [String] = [], nodeLines: [String] = [], environment: [String: String] = [:],
        downAfter: Duration = .milliseconds(500)
    ) throws {
        let server = try server ?? Harness.redisServer
        let ports = try Loopback.freePorts(7)
        let places = (0..<3).map { Endpoint(host: "127.0.0.\($0 + 1)", port: ports[$0]) }
        nodes = places.enumerated().map { index, endpoint in
            .redis(
                "node-\(index)", server: server, at: endpoint, replicaOf: index == 0 ? nil : places[0],
                lines: ["appendonly yes", "repl-diskless-sync-delay 0"] + nodeLines)
        }
        sentinels = (0..<3).map { index in
            let endpoint = Endpoint(host: "127.0.0.2\(index)", port: ports[3 + index])
            // From 6.2 on it would announce the address that it reaches the others from.
            let announced = ["sentinel announce-ip \(endpoint.host)", "sentinel announce-port \(endpoint.port)"]
            return .sentinel(
                "sentinel-\(index)", server: server, at: endpoint, watching: places[0], as: Self.masterName,
                downAfter: downAfter, lines: announced + lines)
        }
        var app = DirectCluster.app(
            at: Endpoint(port: ports[6]), master: Endpoint(port: 1), replicas: [],
            program: try Programs.built("KVApp"),
            environment: [
                "REDIS_SENTINEL_HOST": sentinels.map(\.endpoint.description).joined(separator: ","),
                "REDIS_SENTINEL_MASTER_NAME": Self.masterName,
            ], loops: 2)
        for name in ["REDIS_MASTER_SERVICE_HOST", "REDIS_MASTER_SERVICE_PORT", "REDIS_SLAVE_ENDPOINTS"] {
            app.environment[name] = nil
        }
        app.environment.merge(environment) { $1 }
        app.readiness = .http(path: "/livez")
        self.app = app
    }

    /// The same servers and Sentinels, and an app that knows more.
    init(like system: SentinelCluster, environment: [String: String]) throws {
        nodes = system.nodes
        sentinels = system.sentinels
        var app = system.app
        app.environment.merge(environment) { $1 }
        self.app = app
    }

    /// The line of Sentinel's file that the document gives for a user of its own.
    static func documentedUser(password: String) throws -> String {
        let document = String(decoding: try Scratch.read("\(Scratch.root)/docs/failover.md"), as: UTF8.self)
        let line = try #require(document.split(separator: "\n").first { $0.hasPrefix("user follower ") })
        return String(line).replacing("PASSWORD", with: password)
    }

    var spec: ClusterSpec { ClusterSpec(nodes + sentinels + [app]) }
}

extension LocalCluster {
    /// Waits until every Sentinel knows the two others and both replicas, and the app all servers.
    nonisolated func settle(_ system: SentinelCluster, leader: Int = 0) async throws {
        for sentinel in system.sentinels {
            try await wait(until: "\(sentinel.name) knows all", of: sentinel.name, within: .seconds(30)) {
                let reply = try await self.redis(sentinel.name, "SENTINEL", "MASTER", SentinelCluster.masterName)
                guard case .array(let fields) = reply else { return Observation(false, else: "\(reply)") }
                let texts = fields.map { $0.text ?? "" }
                func value(_ name: String) -> String { texts.firstIndex(of: name).map { texts[$0 + 1] } ?? "" }
                let isReady =
                    value("num-slaves") == "2" && value("num-other-sentinels") == "2" && value("flags") == "master"
                return Observation(isReady, else: "\(texts)")
            }
        }
        try await wait(untilLeads: system.nodes[leader].endpoint, servers: 3)
        try await wait(until: "the app hears all Sentinels", of: "app") {
            let metrics = try await self.http("app", .get("/metrics"))[0].text
            return Observation(metrics.sentinelsUp == 3, else: metrics)
        }
    }

    nonisolated func sentinelFailover(at sentinel: String) async throws -> BlockingReply {
        try await redis(sentinel, "SENTINEL", "FAILOVER", SentinelCluster.masterName)
    }
}

extension String {
    /// How many Sentinels answer, by `/metrics`.
    var sentinelsUp: Int {
        split(separator: "\n").count { $0.hasPrefix("kvapp_sentinel_up{") && $0.hasSuffix(" 1") }
    }
}
