import FailoverAgent
import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

/// Three nodes with real agents, and an app that knows all of them.
@Suite("The leader of three nodes with agents", .serialized)
struct LeaderWithAgentsTests {
    static let servers = RedisServer.representatives

    static var rounds: Int { getenv("FAILOVER_ROUNDS").flatMap { Int(String(cString: $0)) } ?? 2 }

    /// Runs the nodes, and an app beside them once one of them leads.
    static func run(
        _ server: String, holding milliseconds: Int = 30000,
        _ body: (_ cluster: FailoverCluster, _ app: LocalCluster, _ endpoint: Endpoint) async throws -> Void
    ) async throws {
        try await FailoverCluster.run(server: FilePath(server)) { cluster in
            try await cluster.settled()
            let endpoint = Endpoint(port: try Loopback.freePorts(1)[0])
            let app = NodesCluster.app(
                at: endpoint, nodes: cluster.nodes.map(\.endpoint), program: try Programs.built("KVApp"),
                environment: ["WRITE_HOLD_MILLISECONDS": "\(milliseconds)"])
            try await withLocalCluster(ClusterSpec([app])) { try await body(cluster, $0, endpoint) }
        }
    }

    /// What became of acknowledged writes: each is there, or its token says that it is lost.
    ///
    /// - Returns: how many are reported as lost.
    private static func verify(_ writes: some Sequence<HTTPWriters.Write>, _ app: LocalCluster) async throws -> Int {
        var lost = 0
        for write in writes where write.isAcknowledged {
            let token = try #require(write.token, "an acknowledged write has a token")
            let read = try await app.getValue("n\(write.number)", after: token)
            switch read.status {
            case 200:
                #expect(read.text == "\(write.number)")
                #expect(read.header("Replication-Verdict") == "satisfied", "\(write.number)")
            case 409:
                #expect(read.code == "replication-lost")
                lost += 1
            default: Issue.record("\(write) is neither there nor told as lost: \(read.status) \(read.text)")
            }
        }
        return lost
    }

    @Test(
        "killed under writers: writes wait for the next one, and each that was acknowledged is there or told as lost",
        arguments: servers)
    func killed(server: String) async throws {
        try await Self.run(server) { cluster, app, endpoint in
            var times: [Duration] = []
            var lost = 0
            let writes = try await HTTPWriters.run(to: endpoint) { writers in
                for _ in 0..<Self.rounds {
                    let leader = try await cluster.settled()
                    let place = try #require(cluster.nodes.first { $0.name == leader }?.endpoint)
                    try await app.wait(untilLeads: place)
                    let before = writers.writes.count
                    try await cluster.wait(until: "writes are acknowledged") {
                        writers.writes.dropFirst(before).count { $0.isAcknowledged } > 20
                    }
                    let killedAt = ContinuousClock.now
                    try await cluster.servers.kill(leader)
                    try await cluster.wait(until: "another server takes writes") {
                        writers.writes.contains {
                            $0.isAcknowledged && $0.receivedAt > killedAt && $0.servedBy != "\(place)"
                        }
                    }
                    let first = try #require(
                        writers.writes.filter {
                            $0.isAcknowledged && $0.receivedAt > killedAt && $0.servedBy != "\(place)"
                        }.map(\.receivedAt).min())
                    times.append(first - killedAt)
                    let next = try await cluster.settled(but: leader)
                    let nextPlace = try #require(cluster.nodes.first { $0.name == next }?.endpoint)
                    try await app.wait(untilLeads: nextPlace)
                    // The next change makes these histories older than a server remembers.
                    let around = (killedAt - .milliseconds(500))...(first + .milliseconds(100))
                    lost += try await Self.verify(writers.writes.filter { around.contains($0.receivedAt) }, app)
                }
            }
            let unknown = writes.filter { !$0.isAcknowledged }
            let refused = unknown.filter { $0.code != "write-outcome-unknown" }
            #expect(refused.isEmpty, "\(refused)")
            times.sort()
            print(
                "leader's server killed under HTTP writers, \(server): \(times.count) rounds, first write on the next one "
                    + "median \(times[times.count / 2]), most \(times.last!); \(writes.count) writes, "
                    + "\(unknown.count) unknown, \(lost) lost and told, longest \(writes.map(\.time).max()!)")
        }
    }

    @Test("changed as planned under writers: no write fails, and none is lost", arguments: servers)
    func planned(server: String) async throws {
        try await Self.run(server) { cluster, app, endpoint in
            let writes = try await HTTPWriters.run(to: endpoint) { writers in
                for _ in 0..<Self.rounds {
                    let leader = try await cluster.settled()
                    let target = try #require(cluster.nodes.map(\.name).first { $0 != leader })
                    let before = writers.writes.count
                    try await cluster.wait(until: "writes are answered") { writers.writes.count > before + 20 }
                    try await cluster.agent(leader).switchOver(to: target)
                    try await cluster.wait(until: "\(target) leads") { try await cluster.leader() == target }
                    try await cluster.settled()
                }
            }
            let failed = writes.filter { !$0.isAcknowledged }
            #expect(failed.isEmpty, "\(failed)")
            for write in writes.suffix(200) {
                #expect(try await app.getValue("n\(write.number)").text == "\(write.number)")
            }
            let leader = try await cluster.settled()
            let keys = try await cluster.servers.redis(leader, "DBSIZE")
            #expect(keys == .integer(Int64(writes.count)), "each was carried out")
            print(
                "planned changes under HTTP writers, \(server): \(Self.rounds) rounds, \(writes.count) writes, 0 failed, "
                    + "longest \(writes.map(\.time).max()!)")
        }
    }
}
