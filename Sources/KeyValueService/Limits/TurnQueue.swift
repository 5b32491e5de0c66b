import NIOCore

/// Which of the requests that cost much are under way, and which wait for their turn, as a value.
///
/// What costs little never waits. Of the rest so many are under way that little more than ``limitCost`` is owed by Redis at a
/// time: a small read that is asked behind them waits no longer than these take. Those that wait get their turn in the order in
/// which they came; a client has one of them here at the most, so that clients take turns.
///
/// ```
/// begin ─▶ under way ─▶ end
///   └────▶ waiting ─next─▶ under way ─▶ end
///              └─expired─▶
/// ```
struct TurnQueue<Waiter> {
    /// In bytes of replies.
    static var limitCost: Int { 1 << 20 }

    private var waiting: CircularBuffer<(waiter: Waiter, cost: Int, since: Int64)> = []
    private(set) var costUnderWay = 0

    var waitingCount: Int { waiting.count }

    /// What a request counts for: it may cost more than all together, and goes alone then.
    private static func counted(_ cost: Int) -> Int { min(max(cost, 0), limitCost) }

    private func hasRoom(for cost: Int) -> Bool { costUnderWay + Self.counted(cost) <= Self.limitCost }

    /// Whether a request would begin at once.
    func isEmptyWithRoom(for cost: Int) -> Bool { waiting.isEmpty && hasRoom(for: cost) }

    /// - Returns: whether the request is under way now; else it has to wait.
    mutating func begin(cost: Int) -> Bool {
        guard isEmptyWithRoom(for: cost) else { return false }
        costUnderWay += Self.counted(cost)
        return true
    }

    /// - Parameter now: in nanoseconds of a clock that never goes back.
    mutating func wait(_ waiter: Waiter, cost: Int, at now: Int64) { waiting.append((waiter, cost, now)) }

    mutating func end(cost: Int) { costUnderWay -= Self.counted(cost) }

    /// - Returns: the request whose turn it is; it is under way from now on. `nil` where there is none, or no room.
    mutating func next() -> (waiter: Waiter, cost: Int)? {
        guard let first = waiting.first, hasRoom(for: first.cost) else { return nil }
        waiting.removeFirst()
        costUnderWay += Self.counted(first.cost)
        return (first.waiter, first.cost)
    }

    /// - Returns: those that are not wanted any more; they wait no more.
    mutating func remove(where isUnwanted: (Waiter) -> Bool) -> [Waiter] {
        let unwanted = waiting.map(\.waiter).filter(isUnwanted)
        if !unwanted.isEmpty { waiting.removeAll { isUnwanted($0.waiter) } }
        return unwanted
    }

    /// - Returns: those that have waited since this time or longer; they wait no more.
    mutating func expired(since: Int64) -> [Waiter] {
        var waiters: [Waiter] = []
        while let first = waiting.first, first.since <= since { waiters.append(waiting.removeFirst().waiter) }
        return waiters
    }
}
