package import Failover
import Synchronization

/// A lease in this process, for tests.
package final class InMemoryLeaseStore: LeaseStore {
    private let state = Mutex(State())

    private struct State {
        var stored: StoredLease?
        var revision: UInt64 = 0
        var failure: LeaseStoreError?
        var isShutDown = false
        var watches: [UInt64: AsyncStream<StoredLease?>.Continuation] = [:]
        var nextWatch: UInt64 = 0

        func check() throws(LeaseStoreError) {
            if isShutDown { throw .unavailable("the lease store was shut down") }
            if let failure { throw failure }
        }
    }

    /// Tells all watches what is stored.
    ///
    /// Not with the lock: who ends a watch holds the lock of its stream, and then wants this one. So another change may
    /// come in between, and is sent last.
    private func tell() {
        var told: UInt64?
        while true {
            let (now, stored, watches) = state.withLock { ($0.revision, $0.stored, Array($0.watches.values)) }
            guard now != told else { return }
            for watch in watches { watch.yield(stored) }
            told = now
        }
    }

    package init() {}

    package var description: String { "the lease in memory" }

    /// What every call throws from now on; `nil`: they work.
    package var failure: LeaseStoreError? {
        get { state.withLock { $0.failure } }
        set { state.withLock { $0.failure = newValue } }
    }

    /// Removes it as an operator would, not as a node.
    package func remove() {
        state.withLock { state in
            state.stored = nil
            state.revision += 1
        }
        tell()
    }

    package func read(within deadline: Duration) async throws(LeaseStoreError) -> StoredLease? {
        try state.withLock { state throws(LeaseStoreError) in
            try state.check()
            return state.stored
        }
    }

    package func write(
        _ record: LeaseRecord, replacing version: LeaseVersion?, within deadline: Duration
    ) async throws(LeaseStoreError) -> LeaseVersion {
        let written = try state.withLock { state throws(LeaseStoreError) in
            try state.check()
            guard state.stored?.version == version else { throw .conflict }
            state.revision += 1
            let written = LeaseVersion(String(state.revision))
            state.stored = StoredLease(record: record, version: written)
            return written
        }
        tell()
        return written
    }

    package func changes() -> AsyncStream<StoredLease?> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: StoredLease?.self, bufferingPolicy: .bufferingNewest(1))
        let number: UInt64? = state.withLock { state in
            guard !state.isShutDown else { return nil }
            defer { state.nextWatch += 1 }
            state.watches[state.nextWatch] = continuation
            return state.nextWatch
        }
        guard let number else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            guard let self else { return }
            self.state.withLock { _ = $0.watches.removeValue(forKey: number) }
        }
        tell()
        return stream
    }

    package func shutDown() async {
        let watches = state.withLock { state in
            state.isShutDown = true
            defer { state.watches = [:] }
            return Array(state.watches.values)
        }
        for watch in watches { watch.finish() }
    }
}
