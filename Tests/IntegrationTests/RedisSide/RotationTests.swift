import Hiredis
import LocalTopology
import Synchronization
import Testing

@Suite("Connections to replicas grow old")
struct RotationTests {
    private static let read = LoopbackHTTP.Request.get("/get?key=k")

    @Test("they are replaced under load without one failed request, and the old ones are closed")
    func underLoad() async throws {
        let system = try DirectCluster(environment: ["REDIS_CONNECTION_MAX_AGE_SECONDS": "1"], loops: 2)
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.store("k", "v", on: system.replicas)
            let counts = system.replicas.map { ConnectionCount(of: $0.name) }
            for count in counts { try await count.begin(cluster) }
            let start = ContinuousClock.now
            let load = try await Load.run(Self.read, on: system.app.endpoint, expecting: "get k: v") { _ in
                for count in counts {
                    try await cluster.wait(until: "two event loops replaced theirs three times", of: count.name) {
                        let made = try await count.made(cluster)
                        return Observation(made >= 2 * 3, else: "\(made)")
                    }
                }
            }
            // The first may be due at once, since its connection was there before; one event loop at least has made two more,
            // each after a second less a fifth.
            #expect(ContinuousClock.now - start >= .milliseconds(1600))
            #expect(load.count(status: 200) == load.total, "\(load.answers)")
            #expect(load.unexpected == [])
            #expect(load.slowest < .seconds(1), "\(load.slowest)")
            for (replica, count) in zip(system.replicas, counts) {
                let made = try await count.made(cluster)
                #expect(made >= 2 * 3, "two event loops replaced theirs at least three times")
                #expect(made <= 2 * 7, "\(made)")
                try await cluster.wait(until: "the old ones are closed") {
                    let clients = try await cluster.info(replica.name, section: "clients")["connected_clients"] ?? "?"
                    // One of each event loop, the one that asks, and one that is being replaced.
                    return Observation(["3", "4"].contains(clients), else: clients)
                }
            }
            #expect(!(try await cluster.log(of: "app").contains("warning")), "nothing to tell an operator")
        }
    }

    @Test("behind one address they are spread over all the replicas in time, which one that is kept is not")
    func behindOneAddress() async throws {
        // How many answers it took until both had served: the one that is kept has to give as many.
        var answersToSpread = 0
        for (age, isSpread) in [("1", true), ("0", false)] {
            let system = try DirectCluster()
            try await withLoopbackProxy(to: system.replicas.map(\.endpoint)) { proxy in
                let app = DirectCluster.app(
                    at: system.app.endpoint, master: system.master.endpoint, replicas: [proxy.endpoint],
                    program: system.app.executable, environment: ["REDIS_CONNECTION_MAX_AGE_SECONDS": age])
                try await withLocalCluster(ClusterSpec([system.master] + system.replicas + [app])) { cluster in
                    try await cluster.store("k", "v", on: [])
                    for replica in system.replicas {
                        try await cluster.wait(until: "\(replica.name) has k") {
                            let size = try await cluster.redis(replica.name, "DBSIZE")
                            return Observation(size == .integer(1), else: "\(size)")
                        }
                    }
                    let load = try await Load.run(Self.read, on: app.endpoint, expecting: "get k: v") {
                        [answersToSpread] load in
                        guard isSpread else { return try await cluster.wait(forAnswers: answersToSpread, to: load) }
                        try await cluster.wait(until: "both replicas have served", of: "app") {
                            let serving = try await cluster.serving(system.replicas)
                            return Observation(serving == 2 && proxy.accepted > 2, else: "\(serving) serve")
                        }
                    }
                    answersToSpread = load.total
                    #expect(load.count(status: 200) == load.total, "\(load.answers)")
                    #expect(load.unexpected == [])
                    #expect(try await cluster.serving(system.replicas) == (isSpread ? 2 : 1))
                    #expect(isSpread ? proxy.accepted > 2 : proxy.accepted == 1, "\(proxy.accepted)")
                }
            }
        }
    }

    @Test("one that cannot be replaced serves on")
    func noSuccessor() async throws {
        let system = try DirectCluster(replicaLines: [[]])
        try await withLoopbackProxy(to: [system.replicas[0].endpoint]) { proxy in
            let app = DirectCluster.app(
                at: system.app.endpoint, master: system.master.endpoint, replicas: [proxy.endpoint],
                program: system.app.executable, environment: ["REDIS_CONNECTION_MAX_AGE_SECONDS": "1"])
            try await withLocalCluster(ClusterSpec([system.master, system.replicas[0], app])) { cluster in
                try await cluster.store("k", "v", on: system.replicas)
                // New connections are taken and closed, the old one stays open.
                proxy.retarget([])
                let load = try await Load.run(Self.read, on: app.endpoint, clients: 2, expecting: "get k: v") { _ in
                    try await cluster.wait(until: "another was tried") {
                        Observation(proxy.accepted > 3, else: "\(proxy.accepted)")
                    }
                }
                #expect(load.count(status: 200) == load.total, "\(load.answers)")
                let stats = try await cluster.info("replica-1", section: "commandstats")
                #expect(stats["cmdstat_get"] != nil)
                #expect(try await cluster.info("master", section: "commandstats")["cmdstat_get"] == nil)
                proxy.retarget([system.replicas[0].endpoint])
                let tried = proxy.accepted
                try await cluster.wait(until: "it is replaced after all") {
                    Observation(proxy.accepted > tried + 1, else: "\(proxy.accepted)")
                }
            }
        }
    }
}

extension LocalCluster {
    /// How many of the servers have answered a GET.
    fileprivate nonisolated func serving(_ servers: [NodeSpec]) async throws -> Int {
        var serving = 0
        for server in servers {
            let stats = try await info(server.name, section: "commandstats")
            if stats["cmdstat_get"] != nil { serving += 1 }
        }
        return serving
    }
}

/// Counts the connections that a server has taken, but for those of its own questions.
private final class ConnectionCount: Sendable {
    let name: String
    private let base = Mutex(0)

    init(of name: String) { self.name = name }

    func begin(_ cluster: LocalCluster) async throws {
        let total = try await taken(cluster)
        base.withLock { $0 = total }
    }

    /// Those since ``begin(_:)``.
    func made(_ cluster: LocalCluster) async throws -> Int {
        let total = try await taken(cluster)
        return base.withLock { base in
            base += 1
            return total - base
        }
    }

    private func taken(_ cluster: LocalCluster) async throws -> Int {
        try #require(
            try await cluster.info(name, section: "stats")["total_connections_received"].flatMap { Int($0) })
    }
}
