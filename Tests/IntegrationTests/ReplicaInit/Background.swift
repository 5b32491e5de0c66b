import Glibc
import LocalTopology

/// Work that takes the processor for long, or blocks: on its own thread, so that the pool keeps its few threads, and
/// with a lower priority, which its child processes inherit, so that tests with deadlines keep theirs.
enum Background {
    static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            onOwnThread {
                // Of this thread alone, as Linux has it.
                _ = nice(19)
                continuation.resume(with: Result { try body() })
            }
        }
    }
}
