import NIOConcurrencyHelpers
import NIOCore

/// The services of all event loops of the process, for what concerns all of them: readiness, metrics, the topology.
final class ServiceLoops: Sendable {
    private let services = NIOLockedValueBox<[NIOLoopBound<KeyValueService>]>([])

    /// Must be called on the service's event loop.
    func add(_ service: KeyValueService, eventLoop: any EventLoop) {
        services.withLockedValue { $0.append(NIOLoopBound(service, eventLoop: eventLoop)) }
    }

    /// Has every loop's service do something, each on its own loop, later.
    func execute(_ body: @escaping @Sendable (KeyValueService) -> Void) {
        for bound in services.withLockedValue({ $0 }) {
            bound.eventLoop.execute { body(bound.value) }
        }
    }

    /// Asks every loop's service, each on its own loop.
    ///
    /// - Parameters:
    ///   - eventLoop: the caller's.
    ///   - completion: called on `eventLoop`, later, with the answers of all loops in no particular order.
    func gather<Value: Sendable>(
        on eventLoop: any EventLoop, _ question: @escaping @Sendable (KeyValueService) -> Value,
        completion: @escaping ([Value]) -> Void
    ) {
        let answers = services.withLockedValue { $0 }.map { bound in
            bound.eventLoop.submit { question(bound.value) }
        }
        EventLoopFuture.whenAllComplete(answers, on: eventLoop).assumeIsolated().whenSuccess { results in
            completion(results.compactMap { try? $0.get() })
        }
    }
}
