import NIOCore

/// A deadline for what is to come from a socket.
///
/// An event loop that was busy, or a process that was stopped, runs its timers before it reads its sockets: the reply may have
/// come long ago. A timer that is late by more than ``tolerance`` therefore lets the sockets be read first.
///
/// Not thread-safe, and not `Sendable`: it lives on its event loop.
final class DeadlineTimer {
    /// How late a timer may be before the loop counts as delayed.
    static let tolerance = TimeAmount.milliseconds(50)
    /// How long the sockets are given then, and how often.
    private static let grace = TimeAmount.milliseconds(10)
    private static let maximumGraces = 20

    private let eventLoop: NIOIsolatedEventLoop
    private let body: () -> Void
    private var graces = 0
    private var scheduled: Scheduled<Void>?

    init(on eventLoop: NIOIsolatedEventLoop, in delay: TimeAmount, _ body: @escaping () -> Void) {
        self.eventLoop = eventLoop
        self.body = body
        schedule(in: delay)
    }

    private func schedule(in delay: TimeAmount) {
        let due = NIODeadline.now() + delay
        scheduled = eventLoop.scheduleTask(in: delay) { self.fire(due: due) }
    }

    private func fire(due: NIODeadline) {
        guard NIODeadline.now() - due > Self.tolerance, graces < Self.maximumGraces else { return body() }
        graces += 1
        schedule(in: Self.grace)
    }

    func cancel() { scheduled?.cancel() }
}
