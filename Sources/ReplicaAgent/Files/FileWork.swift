import NIOCore
import RedisClient

/// Work on files, on a thread for as long as it takes: a disk or a mount that hangs holds up nothing else.
///
/// One piece after the other, in the order in which they were given. Lives on its event loop; not thread-safe, and not
/// `Sendable`.
final class FileWork {
    /// From one attempt to get a thread to the next.
    private static let threadInterval: TimeAmount = .milliseconds(200)

    private let eventLoop: any EventLoop
    private var waiting: CircularBuffer<@Sendable () -> Void> = []
    private(set) var isUnderWay = false

    init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// - Parameters:
    ///   - body: called on another thread.
    ///   - completion: called once, on the event loop; never within this call, and never where `body` does not end.
    func perform<Output: Sendable>(
        _ body: @escaping @Sendable () -> Output, completion: @escaping (Output) -> Void
    ) {
        let bound = NIOLoopBound((work: self, completion: completion), eventLoop: eventLoop)
        waiting.append { [eventLoop] in
            let output = body()
            eventLoop.execute {
                bound.value.work.isUnderWay = false
                bound.value.completion(output)
                bound.value.work.beginNext()
            }
        }
        beginNext()
    }

    private func beginNext() {
        guard !isUnderWay, let next = waiting.first else { return }
        isUnderWay = true
        if DetachedThread.run(next) {
            waiting.removeFirst()
        } else {
            let bound = NIOLoopBound(self, eventLoop: eventLoop)
            eventLoop.scheduleTask(in: Self.threadInterval) {
                bound.value.isUnderWay = false
                bound.value.beginNext()
            }
        }
    }
}
