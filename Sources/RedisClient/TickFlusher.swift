public import NIOCore

/// Something that gathers what it has to write, and writes it once at the end of the event loop's tick.
open class TickParticipant {
    fileprivate var isMarked = false

    public init() {}

    /// Called once a tick in which the participant was marked.
    open func flushTick() { preconditionFailure("a participant overrides flushTick()") }
}

/// Runs at the end of an event loop's tick: everything that many requests wrote to one socket leaves in one system call.
///
/// An event loop first serves every socket that is ready, then the tasks that this left behind; the one task that is
/// scheduled here is therefore the end of the tick.
public final class TickFlusher {
    private let eventLoop: NIOIsolatedEventLoop
    private var marked: [TickParticipant] = []
    private var isScheduled = false

    private var time = NIODeadline.now()

    /// Must be called on the event loop.
    public init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop.assumeIsolated()
    }

    /// The time of this tick, read once a tick. It holds within a tick that has begun; see ``begin()``.
    public var now: NIODeadline { time }

    /// Begins a tick, unless one has begun: its time is read and its end is scheduled.
    public func begin() {
        guard !isScheduled else { return }
        isScheduled = true
        time = .now()
        eventLoop.execute { self.flush() }
    }

    /// Has `participant` flushed at the end of this tick, once, however often it is marked.
    public func mark(_ participant: TickParticipant) {
        guard !participant.isMarked else { return }
        participant.isMarked = true
        marked.append(participant)
        begin()
    }

    private func flush() {
        // What a flush marks in its turn is flushed in the same go.
        var next = 0
        while next < marked.count {
            let participant = marked[next]
            participant.isMarked = false
            participant.flushTick()
            next += 1
        }
        marked.removeAll(keepingCapacity: true)
        isScheduled = false
    }
}
