import NIOCore

/// Writes that were surely not applied, and that wait for the master; each for the same time, so the oldest is due first.
///
/// Lives on its event loop; neither thread-safe nor `Sendable`.
final class WaitingWrites {
    /// Called once: with `true` when the master is there, with `false` when the wait is over.
    typealias Resumption = (_ isMasterFound: Bool) -> Void

    /// As many as wait at the most.
    static let limit = 128
    /// How long each waits at the most.
    static let longest: TimeAmount = .seconds(1)

    private struct Entry {
        let deadline: NIODeadline
        let resume: Resumption
    }

    private let isolatedLoop: NIOIsolatedEventLoop
    private var entries: [Entry] = []
    private var timer: Scheduled<Void>?

    /// Must be called on the event loop.
    init(eventLoop: any EventLoop) { isolatedLoop = eventLoop.assumeIsolated() }

    var count: Int { entries.count }

    /// - Returns: whether there is room; `resume` is not called where there is none.
    func append(_ resume: @escaping Resumption) -> Bool {
        guard entries.count < Self.limit else { return false }
        entries.append(Entry(deadline: NIODeadline.now() + Self.longest, resume: resume))
        if timer == nil { arm() }
        return true
    }

    /// Ends every wait, in the order in which they began. What waits again meanwhile is not touched.
    func resumeAll(isMasterFound: Bool) {
        timer?.cancel()
        timer = nil
        let waiting = entries
        entries.removeAll()
        for entry in waiting { entry.resume(isMasterFound) }
    }

    private func arm() {
        guard let first = entries.first else { return }
        timer = isolatedLoop.scheduleTask(deadline: first.deadline) {
            self.timer = nil
            let now = NIODeadline.now()
            let due = self.entries.prefix { $0.deadline <= now }
            self.entries.removeFirst(due.count)
            for entry in due { entry.resume(false) }
            if self.timer == nil { self.arm() }
        }
    }
}
