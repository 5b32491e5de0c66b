import Glibc

/// A child process that runs, or has ended a moment ago.
///
/// Lives on its event loop; not thread-safe, and not `Sendable`.
package final class SupervisedProcess {
    package let identifier: Int32
    package let handle: ProcessHandle
    package let startedAt: Duration
    package private(set) var end: ProcessEnd?
    private var waiting: [() -> Void] = []

    private init(_ identifier: Int32, _ handle: consuming ProcessHandle) {
        self.identifier = identifier
        self.handle = handle
        startedAt = BootTime.now
    }

    /// - Parameter completion: called once, when it has ended; never within this call.
    package static func start(
        _ command: ProcessCommand, among children: ChildProcesses,
        _ completion: @escaping (SupervisedProcess, ProcessEnd) -> Void
    ) throws(SpawnError) -> SupervisedProcess {
        var started: SupervisedProcess?
        let identifier = try children.start(command) { end in
            guard let process = started else { return }
            started = nil
            process.end = end
            completion(process, end)
            let waiting = process.waiting
            process.waiting = []
            for waiter in waiting { waiter() }
        }
        do throws(SpawnError) {
            let process = SupervisedProcess(identifier, try ProcessHandle(of: identifier))
            started = process
            return process
        } catch {
            // It was not waited for yet, so the number is its own.
            Glibc.kill(identifier, SIGKILL)
            throw error
        }
    }

    /// - Parameter completion: called once: at once where it has ended, else when it does.
    package func whenEnded(_ completion: @escaping () -> Void) {
        if end == nil { waiting.append(completion) } else { completion() }
    }

    package func send(_ number: Int32) { handle.send(number) }

    package func kill() { handle.kill() }
}
