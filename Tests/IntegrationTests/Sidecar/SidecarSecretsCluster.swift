import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

/// A master and a replica that ask for passwords, started by redis-replica-init, and a sidecar for each: `master-sidecar`,
/// `replica-sidecar`. The Secret of each pod is its own, so that one may change before the other.
struct SidecarSecretsCluster {
    let master: MountedSecret
    let replica: MountedSecret
    let spec: ClusterSpec
    private let programs: Scratch

    /// - Parameters:
    ///   - environment: of the sidecars.
    ///   - lines: of the servers' configurations.
    init(
        server: String? = nil, password: [UInt8], overlapSeconds: Int, environment: [String: String] = [:],
        lines: [String] = []
    ) throws {
        let server = try server ?? Harness.redisServer.string
        programs = try Scratch()
        try programs.program("redis-server", server)
        master = try MountedSecret(password: password)
        replica = try MountedSecret(password: password)
        let ports = try Loopback.freePorts(4)
        let masterEndpoint = Endpoint(port: ports[0])
        var nodes: [NodeSpec] = []
        for (name, secret, endpoint) in [
            ("master", master, masterEndpoint), ("replica", replica, Endpoint(host: "127.0.0.2", port: ports[1])),
        ] {
            var node = NodeSpec.redisThroughInit(
                name, program: try Programs.built("redis-replica-init"), at: endpoint,
                replicaOf: name == "master" ? nil : masterEndpoint,
                configuration: .lines(["save \"\"", "repl-diskless-sync-delay 0"] + lines))
            node.environment["REDIS_PASSWORD_FILE"] = secret["password"]
            node.environment["REDIS_MASTER_PASSWORD_FILE"] = secret["password"]
            // It asks for a password, which the readiness of nodes has none for.
            node.readiness = .running
            // A server in a home directory cannot be executed by the user redis.
            node.isRedis = server.hasPrefix("/usr/")
            node.environment["PATH"] = programs["bin"]
            node.environment["SKIP_DROP_PRIVS"] = node.isRedis ? "" : "1"
            node.environment["REDIS_MASTER_RECORD_FILE"] = "{directory}/record"
            var sidecar = NodeSpec.sidecar(
                "\(name)-sidecar", program: try Programs.built("redis-replica-sidecar"),
                at: Endpoint(host: endpoint.host, port: ports[name == "master" ? 2 : 3]), beside: node)
            sidecar.environment["SIDECAR_PASSWORD_OVERLAP_SECONDS"] = "\(overlapSeconds)"
            sidecar.environment.merge(environment) { $1 }
            // Of a master it is ready at once, of a replica when that is.
            sidecar.readiness = .running
            nodes += [node, sidecar]
        }
        spec = ClusterSpec(nodes)
    }

    func exchange(_ password: [UInt8]) throws {
        for secret in [master, replica] { try secret.exchange(["password": password]) }
    }
}

extension LocalCluster {
    /// Whether a server accepts a password.
    nonisolated func takes(_ password: [UInt8], _ name: String) async throws -> Bool {
        try await asked(name, password: nil, [Array("AUTH".utf8), password]).text == "OK"
    }

    /// Sends a command behind a password.
    nonisolated func asked(_ name: String, password: [UInt8]?, _ words: [[UInt8]]) async throws -> BlockingReply {
        let endpoint = try #require(spec.nodes.first { $0.name == name }).endpoint
        return try await Background.run {
            var connection = try BlockingConnection(host: endpoint.host, port: endpoint.port, timeout: .seconds(2))
            if let password { _ = try connection.command([Array("AUTH".utf8), password]) }
            return try connection.command(words)
        }
    }

    nonisolated func asked(_ name: String, password: [UInt8]?, _ words: String...) async throws -> BlockingReply {
        try await asked(name, password: password, words.map { Array($0.utf8) })
    }

    /// Waits until a server takes a password, or no longer takes it.
    nonisolated func wait(
        until name: String, takes password: [UInt8], _ wanted: Bool = true, within limit: Duration = .seconds(30)
    ) async throws {
        try await wait(until: "\(name) takes a password: \(wanted)", of: name, within: limit) {
            Observation(try await self.takes(password, name) == wanted, else: "\(!wanted)")
        }
    }

    /// Waits until the replica's link is up.
    nonisolated func wait(untilLinkIsUpWith password: [UInt8], within limit: Duration = .seconds(30)) async throws {
        try await wait(until: "the link is up", of: "replica", within: limit) {
            let text = try await self.asked("replica", password: password, "INFO", "replication").text ?? ""
            return Observation(text.contains("master_link_status:up"), else: text)
        }
    }

    /// Closes the replica's link and waits until it is there again.
    nonisolated func relink(_ password: [UInt8]) async throws {
        let killed = try await asked("replica", password: password, "CLIENT", "KILL", "TYPE", "master")
        #expect(killed == .integer(1))
        try await wait(untilLinkIsUpWith: password)
    }

    /// Waits until a server has this for a parameter.
    nonisolated func wait(
        until name: String, has value: [UInt8], for parameter: String, password: [UInt8],
        within limit: Duration = .seconds(30)
    ) async throws {
        try await wait(until: "\(name) has another \(parameter)", of: name, within: limit) {
            let reply = try await self.asked(name, password: password, "CONFIG", "GET", parameter)
            guard case .array(let pair) = reply, pair.count == 2, case .bulk(let now) = pair[1] else {
                return .notYet("\(reply)")
            }
            return Observation(now == value, else: "another one")
        }
    }

    /// Waits until a sidecar's /status has these words in it.
    nonisolated func wait(
        untilStatusOf name: String, says words: String, within limit: Duration = .seconds(30)
    ) async throws {
        try await wait(until: "\(name) says \(words)", of: name, within: limit) {
            let text = try await self.http(name, .get("/status"))[0].text
            return Observation(text.contains(words), else: text)
        }
    }

    nonisolated func wait(
        untilLogOf name: String, says words: String, times count: Int = 1, within limit: Duration = .seconds(30)
    ) async throws {
        try await wait(until: "\(name) logs \(words)", of: name, within: limit) {
            let lines = try await self.log(of: name).split(separator: "\n").filter { $0.contains(words) }
            return Observation(lines.count >= count, else: "\(lines.count) times")
        }
    }
}
