/// How many connections of clients a process takes, as a value.
struct ConnectionLimit: Equatable, Sendable {
    /// As many as are taken where nothing is set, and neither memory nor the limit of open files wants fewer.
    static let usual = 16_384
    /// Of the memory budget there has to be so much for each connection: one costs up to 17 kB beside what the budget counts
    /// (measured: 8,000 that have sent 15 kB of a head), and may take a half of the container's limit, of which the budget is a
    /// sixth.
    private static let budgetBytesEach = 7_300

    /// - Parameter memoryBudgetBytes: `MEMORY_BUDGET_MIB`.
    static func usual(memoryBudgetBytes: Int) -> Int { min(usual, memoryBudgetBytes / budgetBytesEach) }

    /// Those that are served.
    let clients: Int
    /// Those that are taken beside them on each event loop, for probes alone.
    let probes: Int
    /// How many are accepted in one go: they are open before any of them is looked at.
    let burst: Int

    /// - Parameters:
    ///   - wanted: `MAX_CONNECTIONS`; `nil` for ``usual``.
    ///   - openFiles: how many files the process may have open. A part of them is for Redis, the event loops and files.
    init(wanted: Int?, openFiles: Int, eventLoops: Int) {
        probes = max(2, min(16, openFiles / 64 / eventLoops))
        burst = max(4, min(256, openFiles / 16))
        // Large values, acknowledged writes and long PUTs have connections to Redis of their own.
        let own = 32 + 16 * eventLoops + (openFiles >= 512 ? 64 : 0)
        let room = openFiles - own - probes * eventLoops - burst
        clients = max(8, min(wanted ?? Self.usual, room))
    }
}
