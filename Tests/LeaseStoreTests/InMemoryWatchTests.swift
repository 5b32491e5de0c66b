import Failover
import LeaseStore
import Testing

@Suite("Watches of the lease in memory")
struct InMemoryWatchTests {
    @Test("that end while the lease is written hold nothing up", .timeLimit(.minutes(1)))
    func ending() async throws {
        let store = InMemoryLeaseStore()
        let holder = NodeID(name: "a", pod: "", start: 1)
        await withTaskGroup { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<5000 {
                        let watch = Task { for await _ in store.changes() {} }
                        await Task.yield()
                        watch.cancel()
                        await watch.value
                    }
                }
            }
            group.addTask {
                var version: LeaseVersion?
                for term in 1...UInt64(20_000) {
                    let record = LeaseRecord(holder: holder, term: term, duration: .seconds(5))
                    version = try? await store.write(record, replacing: version, within: .seconds(1))
                }
                #expect(version != nil)
            }
        }
    }
}
