import Hiredis
import LocalTopology
import SystemPackage
import Testing

/// Servers that redis-replica-init starts, each with Sentinel's word, and three real Sentinels.
///
/// The servers are `a`, the master at the beginning, `b` and `c`; the Sentinels `s1` to `s3`.
struct SentinelScene: Sendable {
    static let masterName = "kv"

    let server: FilePath
    let servers: [String: Endpoint]
    let sentinels: [Endpoint]
    /// Where the init finds the server under the name that an image gives it.
    private let programs: Scratch
    private let version: (name: String, value: String)

    /// The oldest server and the newest ones.
    static let servers: [String] = {
        let all = RedisServer.representatives
        return [all.first, all.last].compactMap(\.self)
    }()

    /// - Parameters:
    ///   - names: of the servers.
    ///   - sentinels: how many.
    init(_ server: FilePath, names: [String] = ["a", "b"], sentinels count: Int = 3) throws {
        self.server = server
        let program = try RedisServer(server.string)
        programs = try Scratch()
        try programs.program(program.name, server.string)
        version = program.variable
        let ports = try Loopback.freePorts(names.count + count)
        servers = Dictionary(uniqueKeysWithValues: zip(names, ports.prefix(names.count).map { Endpoint(port: $0) }))
        sentinels = ports.suffix(count).map { Endpoint(port: $0) }
    }

    var list: String { sentinels.map(\.description).joined(separator: ",") }

    /// A server with Sentinel's word.
    /// - Parameters:
    ///   - isMaster: by its variables.
    ///   - more: further variables; they win.
    func node(_ name: String, isMaster: Bool, more: [String: String] = [:], lines: [String] = []) throws -> NodeSpec {
        let endpoint = try #require(servers[name])
        var node = NodeSpec.redisThroughInit(
            name, program: try Programs.built("redis-replica-init"), at: endpoint,
            replicaOf: isMaster ? nil : servers["a"],
            configuration: .lines(["repl-diskless-sync-delay 0", "appendonly yes"] + lines))
        node.environment["PATH"] = programs["bin"]
        node.environment[version.name] = version.value
        node.environment["REDIS_SENTINEL_HOST"] = list
        node.environment["REDIS_SENTINEL_MASTER_NAME"] = Self.masterName
        node.environment["REDIS_GUARD_TIMEOUT"] = "8"
        node.environment["ALLOW_EMPTY_PASSWORD"] = "yes"
        node.environment.merge(more) { $1 }
        node.readiness = .answers
        return node
    }

    /// The path of redis-replica-sidecar.
    var sidecar: String { get throws { try Programs.built("redis-replica-sidecar").string } }

    /// All Sentinels, watching `a`.
    func sentinelNodes(
        downAfter: Duration = .milliseconds(500), failoverTimeout: Duration = .seconds(3), lines: [String] = []
    ) throws -> [NodeSpec] {
        let master = try #require(servers["a"])
        return sentinels.enumerated().map { index, endpoint in
            .sentinel(
                "s\(index + 1)", server: server, at: endpoint, watching: master, as: Self.masterName,
                downAfter: downAfter, failoverTimeout: failoverTimeout, lines: lines)
        }
    }
}

extension LocalCluster {
    /// The fields of `SENTINEL MASTER`.
    nonisolated func sentinelMaster(_ sentinel: String) async throws -> [String: String] {
        guard case .array(let values) = try await redis(sentinel, "SENTINEL", "MASTER", SentinelScene.masterName) else {
            return [:]
        }
        let texts = values.map { $0.text ?? "" }
        return stride(from: 0, to: texts.count - 1, by: 2).reduce(into: [:]) { $0[texts[$1]] = texts[$1 + 1] }
    }

    /// Waits until each Sentinel knows the others and all replicas, and sees no server down.
    nonisolated func wait(untilSentinels sentinels: [String], know replicas: Int) async throws {
        for sentinel in sentinels {
            try await wait(until: "\(sentinel) knows the others", of: sentinel, within: .seconds(40)) {
                let fields = try await self.sentinelMaster(sentinel)
                let isWhole =
                    fields["num-slaves"] == "\(replicas)" && fields["flags"] == "master"
                    && fields["num-other-sentinels"] == "\(sentinels.count - 1)"
                return Observation(isWhole, else: "\(fields)")
            }
        }
    }

    /// Waits until these Sentinels name a server.
    nonisolated func wait(untilSentinels sentinels: [String], name master: Endpoint) async throws {
        for sentinel in sentinels {
            try await wait(until: "\(sentinel) names \(master)", of: sentinel, within: .seconds(40)) {
                let reply = try await self.redis(
                    sentinel, "SENTINEL", "get-master-addr-by-name", SentinelScene.masterName)
                guard case .array(let words) = reply else { return .notYet("\(reply)") }
                return Observation(
                    words.map { $0.text ?? "" } == [master.host, "\(master.port)"], else: "\(reply)")
            }
        }
    }
}
