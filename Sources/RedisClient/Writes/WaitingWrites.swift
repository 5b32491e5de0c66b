import NIOCore

/// Writes that were surely not applied, and that wait for the master, in the order in which they came.
///
/// Lives on its event loop; neither thread-safe nor `Sendable`.
final class WaitingWrites {
    /// Called once: with `true` when the master is there, with `false` when the wait is over.
    typealias Resumption = (_ isMasterFound: Bool) -> Void

    /// As many as wait at the most, for a master that is configured.
    static let limit = 128
    /// The same, where the leader is found among all nodes.
    static let largeLimit = 2048

    private struct Entry {
        let startedAt: NIODeadline
        let deadline: NIODeadline
        let resume: Resumption
    }

    private let isolatedLoop: NIOIsolatedEventLoop
    /// How long each waits at the most.
    private let longest: TimeAmount
    private let limit: Int
    private var entries: [Entry] = []
    private var timer: Scheduled<Void>?
    private var timerDeadline = NIODeadline.distantFuture
    /// How many have waited since the process began.
    private(set) var total = 0

    /// Must be called on the event loop.
    init(eventLoop: any EventLoop, longest: TimeAmount = .seconds(1), limit: Int = WaitingWrites.limit) {
        isolatedLoop = eventLoop.assumeIsolated()
        self.longest = longest
        self.limit = limit
    }

    var count: Int { entries.count }

    /// - Parameters:
    ///   - startedAt: when the write came; those that came earlier are resumed earlier.
    ///   - deadline: where it has waited before, the end of that wait.
    /// - Returns: when the wait ends; `nil` where there is no room, or no time left: `resume` is not called then.
    func append(
        startedAt: NIODeadline, deadline: NIODeadline? = nil, _ resume: @escaping Resumption
    ) -> NIODeadline? {
        let now = NIODeadline.now()
        let end = deadline ?? now + longest
        guard entries.count < limit, end > now else { return nil }
        if deadline == nil { total += 1 }
        let place = (entries.lastIndex { $0.startedAt <= startedAt }).map { $0 + 1 } ?? 0
        entries.insert(Entry(startedAt: startedAt, deadline: end, resume: resume), at: place)
        if end < timerDeadline { arm() }
        return end
    }

    /// Ends every wait, in the order in which the writes came. What waits again meanwhile is not touched.
    func resumeAll(isMasterFound: Bool) {
        disarm()
        let waiting = entries
        entries.removeAll()
        for entry in waiting { entry.resume(isMasterFound) }
    }

    private func disarm() {
        timer?.cancel()
        timer = nil
        timerDeadline = .distantFuture
    }

    private func arm() {
        disarm()
        guard let first = entries.lazy.map(\.deadline).min() else { return }
        timerDeadline = first
        timer = isolatedLoop.scheduleTask(deadline: first) {
            self.timer = nil
            self.timerDeadline = .distantFuture
            let now = NIODeadline.now()
            let due = self.entries.filter { $0.deadline <= now }
            self.entries.removeAll { $0.deadline <= now }
            for entry in due { entry.resume(false) }
            self.arm()
        }
    }
}
