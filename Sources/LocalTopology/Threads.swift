internal import Dispatch
internal import Synchronization

/// Runs a blocking call on its own thread, in a network namespace where one is given.
///
/// No pool has enough threads: on two cores three calls that wait for an answer would keep the fourth one waiting.
func offPool<Value: Sendable>(
    in namespace: NetworkNamespace? = nil, _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
    if let namespace { return try await namespace.perform(body) }
    return try await withCheckedThrowingContinuation { continuation in
        onOwnThread { continuation.resume(with: Result { try body() }) }
    }
}

/// Runs jobs one by one on a thread that lives as long as the process.
///
/// The kernel sends a child its parent-death signal when the *thread* that forked it ends, not the process (prctl(2),
/// PR_SET_PDEATHSIG). Threads of the cooperative pool end when idle and would take the children with them, so every child
/// is forked here.
final class SpawnThread: SerialExecutor {
    static let shared = SpawnThread()

    private let jobs = Mutex<[UnownedJob]>([])
    private let wakeUps = WakeUps()

    private init() {
        onOwnThread { [self] in runForever() }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
        wakeUps.signal()
    }

    private func runForever() -> Never {
        while true {
            wakeUps.wait()
            let job = jobs.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            job?.runSynchronously(on: asUnownedSerialExecutor())
        }
    }
}

/// A counting semaphore that may be signalled from any thread.
private final class WakeUps: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    func signal() { semaphore.signal() }
    func wait() { semaphore.wait() }
}
