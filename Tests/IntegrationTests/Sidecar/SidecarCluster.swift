import Hiredis
import LocalTopology
import SystemPackage
import Testing

extension NodeSpec {
    /// A sidecar on a replica's host, at port 9121.
    /// - Parameters:
    ///   - environment: further variables; they win.
    static func sidecar(
        _ name: String = "sidecar", on host: TestNetwork.Host, master: String = "redis-master",
        environment: [String: String] = [:]
    ) throws -> NodeSpec {
        let own = [
            "REDIS_MASTER_HOST": master,
            "REDIS_MASTER_RECORD_FILE": "{directory}/../\(host.name).record",
            "SIDECAR_REDIS": "\(host.address):6379",
            "SIDECAR_HOST": host.address,
            "LOG_LEVEL": "debug",
        ]
        return NodeSpec(
            name: name, executable: try Programs.built("redis-replica-sidecar"),
            environment: own.merging(environment) { $1 }, endpoint: host.endpoint(9121), readiness: .running,
            isRedis: false
        ).running(on: host)
    }
}

extension LocalCluster {
    /// A member of the sidecar's /status, as it is written there; objects and arrays are not looked for.
    nonisolated func status(_ member: String, of name: String = "sidecar") async throws -> String {
        var answer = try await http(name, .get("/status"))[0]
        // On a busy machine it may still read its files.
        let end = ContinuousClock.now + .seconds(20)
        while answer.status == 503, ContinuousClock.now < end { answer = try await http(name, .get("/status"))[0] }
        let text = answer.text
        let lines = text.split(separator: "\n").map { $0.drop { $0 == " " } }
        let line = try #require(lines.first { $0.hasPrefix("\"\(member)\": ") }, "\(text)")
        let value = line.dropFirst(member.utf8.count + 4)
        return String(value.last == "," ? value.dropLast() : value).replacing("\"", with: "")
    }

    /// The value of a sidecar's metric.
    nonisolated func metric(_ sample: String, of name: String = "sidecar") async throws -> Int {
        let text = try await http(name, .get("/metrics"))[0].text
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(sample + " ") }, "\(sample): \(text)")
        return try #require(Int(line.dropFirst(sample.utf8.count + 1)))
    }

    /// How often the sidecar has changed the master.
    nonisolated func changes(of name: String = "sidecar") async throws -> Int {
        let prefix = "redis_replica_sidecar_changes_total"
        let follows = try await metric(prefix + "{move=\"follow\"}", of: name)
        return follows + (try await metric(prefix + "{move=\"reconnect\"}", of: name))
    }

    nonisolated func wait(
        untilStateIs state: String, of name: String = "sidecar", within limit: Duration = .seconds(30)
    ) async throws {
        try await wait(until: "the state is \(state)", of: name, within: limit) {
            let seen = try await self.status("state", of: name)
            return Observation(seen == state, else: "\(seen): \(try await self.status("reason", of: name))")
        }
    }

    /// Waits until a server holds a value.
    nonisolated func wait(
        until name: String, holds value: String, at key: String = "k", within limit: Duration = .seconds(30)
    ) async throws {
        try await wait(until: "\(name) holds \(value)", of: name, within: limit) {
            let reply = try await self.redis(name, "GET", key)
            return Observation(reply.text == value, else: "\(reply)")
        }
    }

    /// Waits until a replica's link is up and leads to this master, recognized by its id.
    nonisolated func wait(
        until replica: String, isLinkedTo master: String, within limit: Duration = .seconds(30)
    ) async throws {
        try await wait(until: "\(replica) is linked to \(master)", of: replica, within: limit) {
            let ours = try await self.info(replica)
            let theirs = try await self.info(master)
            let isLinked =
                ours["master_link_status"] == "up" && ours["master_replid"] == theirs["master_replid"]
            return Observation(isLinked, else: "\(ours["master_link_status"] ?? "?")")
        }
    }
}

/// Two masters and a replica with its sidecar; the name `redis-master` leads to the first.
///
/// `b` begins as a replica of `a`, so that it has the same history when it is promoted.
struct SidecarScene: Sendable {
    let network: TestNetwork
    let a: TestNetwork.Host
    let b: TestNetwork.Host
    let host: TestNetwork.Host
    let cluster: LocalCluster
    /// The server's program, to tell the versions apart.
    let server: String

    /// From a change to a link that is up: 3 s on an idle machine, and half of that again where five versions are tested beside
    /// each other.
    let patience: Duration = .milliseconds(4500)

    /// Where the name leads from now on.
    func lead(_ name: String = "redis-master", to hosts: TestNetwork.Host...) throws {
        try network.setNames([name: hosts.map(\.address)], on: host)
    }

    /// Makes `b` a master with `a`'s history, as a manual fail-over does.
    func promoteB() async throws { _ = try await cluster.redis("b", "REPLICAOF", "NO", "ONE") }
}

/// Tests every version beside each other: most of a test is waiting.
func onEveryServer(_ body: @escaping @Sendable (_ path: String) async throws -> Void) async throws {
    try await withThrowingTaskGroup { group in
        for path in RedisServer.paths {
            group.addTask {
                do { try await body(path) } catch { throw ServerFailure(path: path, error: error) }
            }
        }
        try await group.waitForAll()
    }
}

private struct ServerFailure: Error, CustomStringConvertible {
    let path: String
    let error: any Error

    var description: String { "on \(path): \(error)" }
}

/// - Parameters:
///   - environment: of the sidecar.
///   - lines: of all servers.
///   - isSibling: whether `b` begins as a replica of `a`, or as an independent master.
func withSidecarScene(
    _ path: String? = nil, environment: [String: String] = [:], lines: [String] = [], isSibling: Bool = true,
    _ body: (SidecarScene) async throws -> Void
) async throws {
    let server = try path.map { FilePath($0) } ?? Harness.redisServer
    try await withTestNetwork { network in
        let a = try await network.addHost("a")
        let b = try await network.addHost("b")
        let host = try await network.addHost("replica")
        try network.setNames(["redis-master": [a.address]], on: host)
        let spec = ClusterSpec([
            .redis(server: server, on: a, lines: lines),
            isSibling
                ? .replica(server: server, on: b, of: a.address, lines: lines)
                : .redis(server: server, on: b, lines: lines),
            .replica(server: server, on: host, of: "redis-master", lines: lines),
            try .sidecar(on: host, environment: environment),
        ])
        try await withLocalCluster(spec) { cluster in
            _ = try await cluster.redis("a", "SET", "k", "of a")
            if !isSibling { _ = try await cluster.redis("b", "SET", "k", "of b") }
            for name in isSibling ? ["b", "replica"] : ["replica"] {
                try await cluster.wait(until: name, holds: "of a")
            }
            try await cluster.wait(untilStateIs: "in-step")
            try await body(
                SidecarScene(
                    network: network, a: a, b: b, host: host, cluster: cluster,
                    server: server.lastComponent?.string ?? ""))
        }
    }
}
