import Failover
import FailoverAgent
import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

/// Hosts in network namespaces: their cables can be cut.
@Suite("A leader that is cut off from the store and the other nodes", .serialized)
struct CutOffTests {
    @Test(
        "refuses writes before another one takes them, keeps what only it has, and follows when it is back",
        arguments: RedisServer.representatives)
    func cutOff(server: String) async throws {
        try await withTestNetwork { network in
            var hosts: [TestNetwork.Host] = []
            for index in 0..<3 { hosts.append(try await network.addHost("node-\(index)")) }
            let nodes = hosts.map { host in
                FailoverCluster.node(
                    host.name, server: FilePath(server), at: host.endpoint(),
                    lines: ["replica-announce-ip \(host.address)", "unixsocket redis.sock"]
                ).running(on: host)
            }
            try await FailoverCluster.run(nodes) { cluster in
                let leader = try await cluster.settled()
                let host = try #require(hosts.first { $0.name == leader })
                let writers = Writers(cluster.nodes)
                try await cluster.wait(until: "writes are acknowledged") { writers.notes.acknowledged.count > 100 }

                let cutAt = ContinuousClock.now
                cluster.connectStore(false, for: [leader])
                try await network.cut(host)
                // Its own clients, on its side of the cut, still write.
                _ = try await cluster.servers.redis(leader, "SET", "only-on-the-old-leader", "1")
                try await cluster.wait(until: "another server takes writes") {
                    writers.notes.acknowledged.contains { $0.server != leader && $0.sentAt > cutAt }
                }
                let new = try #require(try await cluster.leader())
                try await cluster.wait(until: "the new leader's writes reach another node") {
                    writers.notes.acknowledged.contains { $0.server == new && $0.byQuorum && $0.sentAt > cutAt }
                }
                let notes = writers.notes
                let last = notes.acknowledged.filter { $0.server == leader }.map(\.receivedAt).max() ?? cutAt
                let first = try #require(notes.first(of: new, after: cutAt))
                print(
                    "leader cut off, \(server): it took writes for \(last - cutAt), another one after "
                        + "\(first.receivedAt - cutAt)")
                #expect(notes.overlap(of: leader, with: new, after: cutAt) == 0)
                #expect(last < first.sentAt)

                try await network.heal(host)
                cluster.connectStore(true, for: [leader])
                try await cluster.settled(but: leader)
                let ended = try await writers.stop()
                #expect(ended.overlap(of: leader, with: new, after: cutAt) == 0)
                #expect(try await cluster.lost(ended) == [])

                // What it took alone is gone from the data, and is in the file.
                #expect(try await cluster.servers.redis(leader, "EXISTS", "only-on-the-old-leader") == .integer(0))
                let kept = cluster.events(of: leader).compactMap { event -> (RollbackFile, String)? in
                    if case .kept(let file, let path) = event { (file, path) } else { nil }
                }
                let (file, path) = try #require(kept.last)
                #expect(file.term == 1 && file.to > file.from && path.hasSuffix("/rollback/\(file.name)"))
                let bytes = try Bytes.of(path)
                #expect(bytes.firstRange(of: Array("only-on-the-old-leader".utf8)) != nil)
                let shown = try Self.rollback(path)
                let row = shown.output.split(separator: "\n").first { $0.hasSuffix("\"only-on-the-old-leader\"") }
                #expect(row?.hasPrefix("missing") ?? false, "\(shown.output)")
                #expect(shown.ending == .exited(1))
            }
        }
    }
}

extension CutOffTests {
    /// `rollback show` over the socket of the server whose folder the file is in.
    private static func rollback(_ path: String) throws -> (ending: Spawned.Ending, output: String) {
        let scratch = try Scratch()
        let folder = path.split(separator: "/").dropLast(2).joined(separator: "/")
        let process = try Spawned(
            try Programs.built("redis-replica-sidecar").string,
            ["rollback", "show", path, "--sidecar-redis", "/\(folder)/redis.sock"],
            environment: ["PATH": "/usr/bin:/bin", "REDIS_REPLICATION_MODE": "standalone"], in: scratch.path,
            log: scratch["log"])
        return (process.ended(within: 60), process.output)
    }
}

/// Files, whole.
enum Bytes {
    static func of(_ path: String) throws -> [UInt8] {
        let file = try FileDescriptor.open(FilePath(path), .readOnly)
        return try file.closeAfter {
            var all: [UInt8] = []
            var piece = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = try piece.withUnsafeMutableBytes { try file.read(into: $0) }
                if count == 0 { return all }
                all += piece[..<count]
            }
        }
    }
}
