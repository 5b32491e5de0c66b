import Dispatch
import Glibc
import LocalTopology
import Synchronization

/// Ten clients of one app that never stop asking, on a thread of their own.
final class FailureLoad: Sendable {
    private struct State {
        var outcomes: [LoadOutcome] = []
        /// Good and fresh answers since the last one that was not.
        var calm = 0
        var mayWrite = true
        /// No write is under way, and none begins before ``resumeWrites()``.
        var isResting = false
        var ledger: WriteLedger
        var isStopping = false
    }

    private let endpoint: Endpoint
    private let state: Mutex<State>

    private init(endpoint: Endpoint, ledger: WriteLedger) {
        self.endpoint = endpoint
        state = Mutex(State(ledger: ledger))
    }

    /// Runs the body under load.
    /// - Parameter ledger: what has been written already: a value for every key.
    static func run<Value>(
        against endpoint: Endpoint, ledger: WriteLedger, _ body: (FailureLoad) async throws -> Value
    ) async throws -> Value {
        let load = FailureLoad(endpoint: endpoint, ledger: ledger)
        let thread = DispatchQueue(label: "load")
        let ended = Task {
            await withCheckedContinuation { continuation in
                thread.async {
                    load.work()
                    continuation.resume()
                }
            }
        }
        do {
            let value = try await body(load)
            load.state.withLock { $0.isStopping = true }
            await ended.value
            return value
        } catch {
            load.state.withLock { $0.isStopping = true }
            await ended.value
            throw error
        }
    }

    /// Hands over what has been answered since the last time.
    func takeOutcomes() -> [LoadOutcome] {
        state.withLock { state in
            defer { state.outcomes = [] }
            return state.outcomes
        }
    }

    /// How many of the answers not yet collected belong to requests sent after this moment.
    func answers(sentAfter moment: ContinuousClock.Instant) -> Int {
        state.withLock { $0.outcomes.reversed().prefix { $0.answered >= moment }.count { $0.sent >= moment } }
    }

    /// Good and fresh answers since the last one that was not.
    var calm: Int { state.withLock { $0.calm } }

    /// Lets the writers rest; the readers go on.
    func pauseWrites() { state.withLock { $0.mayWrite = false } }

    func resumeWrites() {
        state.withLock {
            $0.mayWrite = true
            $0.isResting = false
        }
    }

    /// What has been written, while the writers rest and have every answer; else `nil`.
    var restingLedger: WriteLedger? {
        state.withLock { $0.isResting ? $0.ledger : nil }
    }

    // MARK: The thread

    private func makeClients() -> [LoadClient] {
        let habits: [(LoadClient.Habit, pause: Duration)] =
            Array(repeating: (.reads, .milliseconds(7)), count: 6)
            + Array(repeating: (.writes, .milliseconds(9)), count: 2)
            + Array(repeating: (.pipelined, .milliseconds(16)), count: 2)
        let start = ContinuousClock.now
        return habits.enumerated().map { index, habit in
            LoadClient(
                endpoint: endpoint, habit: habit.0, pause: habit.pause,
                ownKeys: (0..<NamedValue.keyCount).filter { $0 % 4 == index - 6 }, startsAt: start)
        }
    }

    private func work() {
        let clients = makeClients()
        var ledger = state.withLock { $0.ledger }
        var outcomes: [LoadOutcome] = []
        var mayWrite = true
        while true {
            let isStopping = state.withLock { state in
                state.outcomes += outcomes
                for outcome in outcomes { state.calm = outcome.isCalm ? state.calm + 1 : 0 }
                state.ledger = ledger
                state.isResting = !state.mayWrite && !mayWrite && clients.allSatisfy { !$0.awaitsWrites }
                mayWrite = state.mayWrite
                return state.isStopping
            }
            if isStopping { return }
            outcomes.removeAll(keepingCapacity: true)
            let now = ContinuousClock.now
            for client in clients {
                client.advance(now, mayWrite: mayWrite, ledger: &ledger) { outcomes.append($0) }
            }
            var entries = clients.map(\.pollEntry)
            // Pauses are a few milliseconds; a millisecond is as fine as they need.
            poll(&entries, nfds_t(entries.count), 1)
            for (client, entry) in zip(clients, entries) where entry.revents != 0 {
                client.handle(entry.revents, ledger: &ledger) { outcomes.append($0) }
            }
        }
    }
}

extension LoadOutcome {
    fileprivate var isCalm: Bool {
        switch result {
        case .verdict(.value(_, let isStale)): !isStale
        case .verdict(.stored): true
        case .verdict(.unavailable), .verdict(.unknown), .verdict(.wrong), .connectionLost, .silence: false
        }
    }
}
