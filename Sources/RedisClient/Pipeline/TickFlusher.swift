public import NIOCore

/// Something that gathers what it has to write, and writes it once at the end of the event loop's tick.
open class TickParticipant {
    fileprivate var isMarked = false

    public init() {}

    /// Called once a tick in which the participant was marked. By itself it has nothing to write.
    open func flushTick() {}
}

/// Runs at the end of an event loop's tick: everything that many requests wrote to one socket leaves in one system call.
///
/// An event loop first serves every socket that is ready, then the tasks that this left behind; the one task that is
/// scheduled here is therefore the end of the tick.
public final class TickFlusher {
    private let eventLoop: NIOIsolatedEventLoop
    private var marked: [TickParticipant] = []
    private var isScheduled = false

    /// When the tick began that is under way, or the last one. It can be read only by ``begin()``, so it is never old.
    private var time = NIODeadline.now()

    /// Must be called on the event loop.
    public init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop.assumeIsolated()
    }

    /// Begins a tick, unless one is under way: the clock is read and the tick's end is scheduled.
    ///
    /// There is no other way to the tick's time. What wakes the event loop (a socket, a timer, a task) and asks for the time
    /// first is thus what begins the tick, and the rest of the tick gets the same time without reading the clock again.
    ///
    /// - Returns: when the tick began.
    @discardableResult
    public func begin() -> NIODeadline {
        guard !isScheduled else { return time }
        return beginNow()
    }

    @inline(never)
    private func beginNow() -> NIODeadline {
        isScheduled = true
        time = .now()
        eventLoop.execute { self.flush() }
        return time
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
