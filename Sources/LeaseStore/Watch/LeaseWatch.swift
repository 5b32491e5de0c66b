internal import Synchronization

/// What a store can do for a watch.
protocol WatchedStore: Sendable {
    /// From where a watch goes on.
    associatedtype Position: Sendable

    /// The lease, and from where to watch for what comes after it.
    func readForWatch() async throws(LeaseStoreError) -> (lease: StoredLease?, position: Position)

    /// Hands on each change behind the position, and moves it.
    ///
    /// - Returns: when the store ended the watch in order: it can go on from the position.
    /// - Throws: where the lease has to be read again first.
    func follow(
        from position: inout Position, tell: (StoredLease?) -> Void
    ) async throws(LeaseStoreError)
}

/// The watches of one store: each one reads, follows, and begins again after every failure.
final class LeaseWatches: Sendable {
    private let state = Mutex(State())

    private struct State {
        var tasks: [UInt64: Task<Void, Never>] = [:]
        var next: UInt64 = 0
        var isShutDown = false
    }

    /// - Parameter trouble: gets each new reason why the watch does not work.
    func start(
        _ store: some WatchedStore, trouble: @escaping @Sendable (LeaseStoreError) -> Void
    ) -> AsyncStream<StoredLease?> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: StoredLease?.self, bufferingPolicy: .bufferingNewest(1))
        state.withLock { state in
            guard !state.isShutDown else { return continuation.finish() }
            let number = state.next
            state.next += 1
            let task = Task {
                await Self.run(store, trouble: trouble) { continuation.yield($0) }
                continuation.finish()
            }
            state.tasks[number] = task
            continuation.onTermination = { [weak self] _ in
                task.cancel()
                self?.ended(number)
            }
        }
        return stream
    }

    func shutDown() async {
        let tasks = state.withLock { state in
            state.isShutDown = true
            defer { state.tasks = [:] }
            return Array(state.tasks.values)
        }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    private func ended(_ number: UInt64) { state.withLock { _ = $0.tasks.removeValue(forKey: number) } }

    private static func run(
        _ store: some WatchedStore, trouble: (LeaseStoreError) -> Void, tell: (StoredLease?) -> Void
    ) async {
        var backoff = Backoff()
        /// What was reported last; `nil`: nothing yet.
        var told: StoredLease?? = .none
        var lastTrouble: String?
        func tellNew(_ lease: StoredLease?) {
            guard told != .some(lease) else { return }
            told = lease
            tell(lease)
        }
        while !Task.isCancelled {
            do throws(LeaseStoreError) {
                var (lease, position) = try await store.readForWatch()
                tellNew(lease)
                while !Task.isCancelled {
                    let start = ContinuousClock.now
                    try await store.follow(from: &position) { lease in
                        lastTrouble = nil
                        tellNew(lease)
                    }
                    if ContinuousClock.now - start > shortWatch {
                        lastTrouble = nil
                        backoff.succeeded()
                    } else {
                        try? await Task.sleep(for: backoff.next(chance: .random(in: 0...1)))
                    }
                }
            } catch {
                if Task.isCancelled { return }
                // A refusal that lasts has the words that it began with.
                if error.description != lastTrouble { trouble(error) }
                lastTrouble = error.description
                try? await Task.sleep(for: backoff.next(chance: .random(in: 0...1)))
            }
        }
    }

    /// A watch that the other side ended earlier has not worked.
    private static let shortWatch = Duration.seconds(1)
}
