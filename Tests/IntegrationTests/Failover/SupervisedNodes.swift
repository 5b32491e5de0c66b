import Foundation
import Glibc
import LocalTopology
import SystemPackage
import Testing

/// Three nodes as a user runs them: redis-replica-sidecar supervise, with the lease in a real etcd.
struct SupervisedNodes: Sendable {
    let cluster: LocalCluster
    let nodes: [NodeSpec]
    private let etcd: Endpoint
    private let program: String
    /// Where each node finds its redis-server.
    private let programs: String

    static let names = ["redis-0", "redis-1", "redis-2"]
    static let leaseSeconds = 3

    /// - Parameters:
    ///   - hosts: of the nodes.
    ///   - lines: of the configurations.
    ///   - environment: beside that of ``NodeSpec/failoverNode(_:program:at:of:etcd:statusPort:configuration:environment:)``.
    ///   - ofNode: the same, for one node.
    ///   - asksForLogin: no client is let in without one, or without TLS.
    static func run(
        server: String, hosts: [String] = ["127.0.0.2", "127.0.0.3", "127.0.0.4"], lines: [String] = [],
        environment: [String: String] = [:], ofNode: (String, Endpoint) -> [String: String] = { _, _ in [:] },
        asksForLogin: Bool = false, _ body: @Sendable (SupervisedNodes) async throws -> Void
    ) async throws {
        let ports = try Loopback.freePorts(8)
        let etcd = Endpoint(port: ports[0])
        let program = try Programs.built("redis-replica-sidecar")
        let members = names.enumerated().map { index, name in
            (name: name, endpoint: Endpoint(host: hosts[index], port: ports[2 + index]))
        }
        let scratch = try Scratch()
        chmod(scratch.path, 0o755)
        for name in names { try setServer(server, of: name, in: scratch.path) }
        var variables = ["FAILOVER_LEASE_SECONDS": "\(leaseSeconds)", "ALLOW_EMPTY_PASSWORD": "yes"]
        variables.merge(environment) { $1 }
        let nodes = members.enumerated().map { index, member in
            var node = NodeSpec.failoverNode(
                member.name, program: program, at: member.endpoint, of: members, etcd: etcd,
                statusPort: ports[5 + index],
                configuration: .lines(["appendonly yes", "repl-diskless-sync-delay 0"] + lines),
                environment: variables.merging(["PATH": "\(scratch.path)/\(member.name):/usr/bin:/bin"]) { $1 }
                    .merging(ofNode(member.name, member.endpoint)) { $1 })
            if asksForLogin { node.readiness = .running }
            return node
        }
        let store = NodeSpec.etcd(
            "etcd", program: try Programs.installed("etcd", package: "etcd-server"), at: etcd, peerPort: ports[1])
        try await withLocalCluster(ClusterSpec([store] + nodes)) { cluster in
            try await body(
                SupervisedNodes(
                    cluster: cluster, nodes: nodes, etcd: etcd, program: program.string, programs: scratch.path))
        }
        withExtendedLifetime(scratch) {}
    }

    // MARK: What a person does

    /// From its next start on a node runs another redis-server: what a new image is.
    func setServer(_ path: String, of name: String) throws { try Self.setServer(path, of: name, in: programs) }

    private static func setServer(_ path: String, of name: String, in folder: String) throws {
        mkdir("\(folder)/\(name)", 0o755)
        chmod("\(folder)/\(name)", 0o755)
        unlink("\(folder)/\(name)/redis-server")
        try #require(symlink(path, "\(folder)/\(name)/redis-server") == 0)
    }

    /// Removes all that a node's volume has, while the node does not run.
    func emptyVolume(of name: String) throws {
        let folder = "\(cluster.folder)/\(name)"
        for entry in try FileManager.default.contentsOfDirectory(atPath: folder) where entry != "redis.conf" {
            try FileManager.default.removeItem(atPath: "\(folder)/\(entry)")
        }
    }

    /// Removes everything from etcd.
    func wipeLease() async throws {
        _ = try etcdctl("del", "/", "--prefix")
    }

    /// The lease as etcd has it.
    func lease() throws -> String {
        let text = try etcdctl("get", "/redis-replica-kit/redis-master", "--print-value-only")
        return String(text.split(separator: "\n").first ?? "")
    }

    /// As after a restore from a backup.
    func restore(lease: String) throws {
        _ = try etcdctl("put", "/redis-replica-kit/redis-master", lease)
    }

    private func etcdctl(_ words: String...) throws -> String {
        let scratch = try Scratch()
        let program = try Programs.installed("etcdctl", package: "etcd-client").string
        let process = try Spawned(
            program, ["--endpoints", "http://\(etcd)"] + words, environment: ["ETCDCTL_API": "3"], in: scratch.path,
            log: scratch["log"])
        try #require(process.ended() == .exited(0), "\(process.output)")
        return process.output
    }

    /// Runs a sub-command in a node's container, so to speak.
    func order(_ words: String..., on name: String) async throws -> (code: Spawned.Ending, text: String) {
        let socket = "\(cluster.folder)/\(name)/failover.sock"
        let scratch = try Scratch()
        let process = try Spawned(
            program, [words[0], "--failover-socket", socket] + words.dropFirst(), in: scratch.path, log: scratch["log"])
        return await withCheckedContinuation { continuation in
            onOwnThread { continuation.resume(returning: (process.ended(), process.output)) }
        }
    }

    func status(of name: String) async throws -> String { try await order("status", on: name).text }

    func metrics(of name: String) async throws -> String { try await get("/metrics", of: name).text }

    func get(_ path: String, of name: String) async throws -> LoopbackHTTP.Response {
        let node = try #require(nodes.first { $0.name == name })
        let port = try #require(Int(node.environment["SIDECAR_PORT"] ?? ""))
        return try await LoopbackHTTP.exchange(
            [.get(path)], with: Endpoint(host: node.environment["SIDECAR_HOST"] ?? "", port: port))[0]
    }

    /// Who leads, as the agents of all that answer say.
    func leader() async throws -> String? {
        var leaders: Set<String> = []
        for node in nodes where await cluster.isRunning(node.name) {
            let text = try await status(of: node.name)
            for line in text.split(separator: "\n") where line.contains("  leads") {
                leaders.insert(String(line.prefix { $0 != " " }))
            }
        }
        return leaders.count == 1 ? leaders.first : nil
    }

    /// Waits until one node leads, and all others that run follow it.
    @discardableResult
    func settled(but name: String? = nil) async throws -> String {
        var leader = ""
        let end = ContinuousClock.now + .seconds(40)
        while ContinuousClock.now < end {
            if let found = try await self.leader(), found != name, try await follow(found) { return found }
            leader = try await picture()
            try await Task.sleep(for: .milliseconds(50))
        }
        throw Spawned.Failure(description: "no node leads all others:\n\(leader)")
    }

    /// Waits until one node leads and all others follow it, as the leader's agent says: for servers that ask for a login.
    @discardableResult
    func agreed(but name: String? = nil) async throws -> String {
        var found = ""
        try await wait(until: "a leader with two followers") {
            guard let leader = try await leader(), leader != name else { return false }
            found = leader
            let lines = try await status(of: leader).split(separator: "\n")
            return lines.count { $0.contains("  follows \(leader)") } == nodes.count - 1
        }
        return found
    }

    private func follow(_ leader: String) async throws -> Bool {
        for node in nodes where await cluster.isRunning(node.name) {
            // It may be starting.
            guard let text = try? await cluster.info(node.name) else { return false }
            if node.name == leader {
                guard text["role"] == "master" else { return false }
            } else {
                guard text["master_link_status"] == "up" else { return false }
            }
        }
        return true
    }

    func picture() async throws -> String {
        var text = ""
        for node in nodes {
            text += "\(node.name):\n\((try? await status(of: node.name)) ?? "-")\n"
            text += ((try? await cluster.log(of: node.name)) ?? "").suffix(3000)
        }
        return text
    }

    func wait(until condition: String, _ look: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(40)
        while ContinuousClock.now < end {
            if try await look() { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw Spawned.Failure(description: "not within 40 s: \(condition)\n\(try await picture())")
    }

    /// The redis-server's process, found without asking it.
    func serverProcess(of name: String) async throws -> pid_t {
        let supervisor = try await cluster.processIdentifier(of: name)
        let watchers = SupervisedRun.children(of: supervisor, with: "dead-man")
        return try #require(SupervisedRun.children(of: supervisor).first { !watchers.contains($0) })
    }

    /// The redis-server's process.
    func server(of name: String) async throws -> pid_t {
        try #require(pid_t(try await cluster.info(name, section: "server")["process_id"] ?? ""))
    }
}
