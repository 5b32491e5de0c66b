import Failover
import FailoverAgent
import Hiredis
import LeaseStore
import LocalTopology
import Synchronization
import SystemPackage
import Testing

/// A lease in memory, whose answer to a node that takes it comes after something else.
private final class DelayedStore: LeaseStore {
    private let store = InMemoryLeaseStore()
    private let taken = Mutex<(@Sendable (NodeID, UInt64) async -> Void)?>(nil)

    /// Called once, for the next node that takes the lease, before its write is answered.
    func whenTaken(_ body: @escaping @Sendable (NodeID, UInt64) async -> Void) { taken.withLock { $0 = body } }

    var description: String { store.description }

    func read(within deadline: Duration) async throws(LeaseStoreError) -> StoredLease? {
        try await store.read(within: deadline)
    }

    func write(
        _ record: LeaseRecord, replacing version: LeaseVersion?, within deadline: Duration
    ) async throws(LeaseStoreError) -> LeaseVersion {
        let version = try await store.write(record, replacing: version, within: deadline)
        // Its history is not there yet.
        guard let holder = record.holder, record.newestHistory?.term != record.term else { return version }
        let body = taken.withLock { body in
            defer { body = nil }
            return body
        }
        await body?(holder, record.term)
        return version
    }

    func changes() -> AsyncStream<StoredLease?> { store.changes() }

    func shutDown() async { await store.shutDown() }
}

@Suite("A server that is restarted between the choice of its node and its promotion", .serialized)
struct RestartedChoiceServerTests {
    @Test(
        "does not lead: it came back with its last save, and the others have what was written since",
        arguments: RedisServer.representatives)
    func restarted(server: String) async throws {
        let store = DelayedStore()
        // A promotion has half a lease duration: on a busy machine no other one may end late.
        let times = FailoverCluster.Times(duration: .seconds(10), interval: .seconds(1), fenceTime: .seconds(2))
        let makeStore: @Sendable () async throws -> any LeaseStore = { store }
        try await FailoverCluster.run(
            server: FilePath(server), times: times, lines: ["appendonly no", "save 3600 1000000"], store: makeStore
        ) { cluster in
            let leader = try await cluster.settled()
            let target = try #require(cluster.nodes.first { $0.name != leader }).name
            func add(_ numbers: Range<Int>) async throws {
                let commands = numbers.map { ["SADD", Writers.key, "\($0)"] } + [["WAIT", "2", "20000"]]
                #expect(try await cluster.servers.redis(leader, commands).last == .integer(2))
            }
            try await add(0..<10)
            #expect(try await cluster.servers.redis(target, "SAVE").text == "OK")
            try await add(10..<50)
            let before = try await cluster.servers.info(target, section: "server")["run_id"]
            let taken = Mutex<(name: String, term: UInt64)?>(nil)
            store.whenTaken { node, term in
                do {
                    try await cluster.servers.kill(node.name)
                    try await cluster.servers.wait(until: "it is restarted", of: nil) {
                        let run = try? await cluster.servers.info(node.name, section: "server")["run_id"]
                        return Observation(run != nil && run != before, else: "\(String(describing: run))")
                    }
                } catch {
                    Issue.record("\(error)")
                }
                taken.withLock { $0 = (node.name, term) }
            }
            try await cluster.agent(leader).switchOver(to: target)
            try await cluster.wait(until: "the lease was taken, and another term has a leader") {
                guard let taken = taken.withLock({ $0 }), let next = try await cluster.leader() else { return false }
                return try await cluster.agent(next).status().lease?.newestHistory?.term ?? 0 > taken.term
            }
            let chosen = try #require(taken.withLock { $0 })
            #expect(chosen.name == target)
            #expect(!cluster.events(of: target).contains(.machine(.leads(term: chosen.term))))
            let next = try await cluster.settled(but: target)
            for node in cluster.nodes {
                #expect(try await cluster.numbers(on: node.name) == Set(0..<50), "\(node.name), led by \(next)")
            }
        }
    }
}
