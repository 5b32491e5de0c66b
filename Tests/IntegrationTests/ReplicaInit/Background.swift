import Glibc

/// Work that takes the processor for long, or blocks: on a thread of its own, so that the pool keeps its few threads, and
/// with a lower priority, which its child processes inherit, so that tests with deadlines keep theirs.
enum Background {
    static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let job = Unmanaged.passRetained(Job { continuation.resume(with: Result { try body() }) })
            var thread = pthread_t()
            let code = pthread_create(
                &thread, nil,
                { context in
                    // Of this thread alone, as Linux has it.
                    _ = nice(19)
                    guard let context else { return nil }
                    Unmanaged<Job>.fromOpaque(context).takeRetainedValue().body()
                    return nil
                }, job.toOpaque())
            precondition(code == 0, "no thread: \(code)")
            pthread_detach(thread)
        }
    }

    private final class Job: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}
