import NIOCore
import NIOPosix
import RedisClient
import Telemetry

/// Makes the text of `/metrics` for the clients of one event loop: one at a time, for all requests. Lives on its loop.
///
/// Every event loop is asked for its numbers; they are put into words on another thread, for that reads files and takes longer
/// than a request should. Those who ask meanwhile share the next text, so that many requests cost no more than one.
///
/// ```
/// idle ─ask─▶ making ─done, none waits─▶ idle
///               │ ask: waits for the next one
///               └─done, some wait─▶ making
/// ```
final class MetricsMaker {
    typealias Completion = (Result<ByteBuffer, any Error>) -> Void

    private unowned let service: KeyValueService
    private var isMaking = false
    /// Those who get the next text.
    private var waiting: [Completion] = []

    init(_ service: KeyValueService) { self.service = service }

    /// - Parameter completion: called later, with numbers that are younger than this call.
    func ask(_ completion: @escaping Completion) {
        waiting.append(completion)
        if !isMaking { make() }
    }

    private func make() {
        isMaking = true
        let asking = waiting
        waiting = []
        let eventLoop = service.eventLoop
        service.loops.gather(on: eventLoop) {
            LoopStatistics($0)
        } completion: { loops in
            NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) {
                var text = MetricsText()
                text.add(LoopStatistics(of: loops))
                text.add(ProcessStatistics.now)
                return text.buffer
            }
            .assumeIsolated()
            .whenComplete { result in
                self.isMaking = false
                // Before they are answered: what they send next asks for the text after this one.
                if !self.waiting.isEmpty { self.make() }
                for completion in asking { completion(result) }
            }
        }
    }
}
