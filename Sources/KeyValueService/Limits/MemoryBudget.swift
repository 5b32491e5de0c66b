import Synchronization

/// How much memory the process holds for its clients, and how much it may hold: bodies and heads that have come, replies that
/// wait for their turn, and answers that clients have not taken.
///
/// One for all event loops. Counted is what lasts longer than a tick of an event loop: an answer that the socket takes at once
/// costs nothing here.
final class MemoryBudget: Sendable {
    /// Smaller answers and bodies are served even where the budget is used up, from its own reserve.
    static let smallBytes = 16 << 10

    let limitBytes: Int
    private let used = Atomic<Int>(0)
    private let highest = Atomic<Int>(0)
    private let refused = Atomic<Int>(0)
    private let ended = Atomic<Int>(0)

    init(limitBytes: Int) { self.limitBytes = limitBytes }

    enum Pressure: Int, Comparable, Sendable {
        case none
        /// The budget is used up: large answers and bodies are refused, and a client that does not take its answers gets no more.
        case high
        /// So is the reserve, which is a quarter more: nothing but probes is answered.
        case full

        static func < (left: Pressure, right: Pressure) -> Bool { left.rawValue < right.rawValue }

        /// What so many bytes in use mean.
        init(used: Int, limit: Int) { self = used < limit ? .none : used - limit < limit / 4 ? .high : .full }
    }

    var usedBytes: Int { used.load(ordering: .relaxed) }
    var pressure: Pressure { Pressure(used: usedBytes, limit: limitBytes) }
    var isFull: Bool { usedBytes &- limitBytes >= limitBytes / 4 }

    /// Whether a client's next request is refused: where the reserve is used up, too, of clients that have a part in that; and
    /// of all where as much again is.
    func refuses(clientThatHolds bytes: Int) -> Bool {
        isFull && (bytes > 0 || usedBytes &- limitBytes >= limitBytes / 2)
    }

    /// How many more bytes may be buffered.
    var room: Int { max(0, limitBytes - usedBytes) }

    /// What one connection may hold beside the answer that it is given: no client shall use up what is for all.
    var connectionLimitBytes: Int { limitBytes / 4 }

    func change(by bytes: Int) {
        let now = used.add(bytes, ordering: .relaxed).newValue
        if now > highest.load(ordering: .relaxed) { highest.store(now, ordering: .relaxed) }
    }

    // MARK: What is reported

    func countRefusal() { refused.add(1, ordering: .relaxed) }
    func countEnded() { ended.add(1, ordering: .relaxed) }
    /// Requests that were answered 503 `overloaded`.
    var refusals: Int { refused.load(ordering: .relaxed) }
    /// Connections that were closed since their clients were the slowest.
    var endedConnections: Int { ended.load(ordering: .relaxed) }

    /// Whether much memory was in use and is free again, which the allocator does not give back by itself. `true` once.
    func takeTrim() -> Bool {
        guard highest.load(ordering: .relaxed) >= limitBytes / 4, usedBytes < limitBytes / 16 else { return false }
        return highest.exchange(0, ordering: .relaxed) > 0
    }
}
