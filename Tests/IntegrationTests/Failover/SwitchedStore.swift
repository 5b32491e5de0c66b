import Failover
import LeaseStore
import Synchronization

/// One node's way to the lease store, which can be cut: then it waits in vain, as on a network that drops packets.
final class SwitchedStore: LeaseStore {
    private let store: any LeaseStore
    private let connects = Mutex(true)

    init(_ store: any LeaseStore) { self.store = store }

    var isConnected: Bool {
        get { connects.withLock { $0 } }
        set { connects.withLock { $0 = newValue } }
    }

    var description: String { store.description }

    private func check(_ deadline: Duration) async throws(LeaseStoreError) {
        guard !isConnected else { return }
        try? await Task.sleep(for: deadline)
        throw .unavailable("the lease store does not answer")
    }

    func read(within deadline: Duration) async throws(LeaseStoreError) -> StoredLease? {
        try await check(deadline)
        let found = try await store.read(within: deadline)
        try await check(deadline)
        return found
    }

    func write(
        _ record: LeaseRecord, replacing version: LeaseVersion?, within deadline: Duration
    ) async throws(LeaseStoreError) -> LeaseVersion {
        try await check(deadline)
        let version = try await store.write(record, replacing: version, within: deadline)
        // Written, and its answer is lost.
        try await check(deadline)
        return version
    }

    func changes() -> AsyncStream<StoredLease?> {
        let changes = store.changes()
        return AsyncStream { continuation in
            let task = Task {
                for await change in changes where self.isConnected { continuation.yield(change) }
                continuation.finish()
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    func shutDown() async {}
}
