import CLinux
import Glibc

/// The children of this process: knows when one ends, and waits for it.
///
/// Only those that were started here are waited for. Process 1 of a container waits for every child: orphans become
/// its own. So in process 1 all code that starts a process has to do it here.
///
/// Lives on its event loop; not thread-safe, and not `Sendable`.
package final class ChildProcesses {
    private var completions: [Int32: (ProcessEnd) -> Void] = [:]
    private let isFirstProcess: Bool
    /// How many orphans were waited for.
    package private(set) var orphans = 0

    package init(isFirstProcess: Bool = getpid() == 1) {
        self.isFirstProcess = isFirstProcess
        // A parent may have left SIGCHLD ignored: then the kernel waits for children itself, and tells no one.
        signal(SIGCHLD, SIG_DFL)
    }

    /// - Parameter completion: called once, within a later ``reap()``.
    func start(
        _ command: ProcessCommand, _ completion: @escaping (ProcessEnd) -> Void
    ) throws(SpawnError) -> Int32 {
        let process = try command.spawn()
        completions[process] = completion
        return process
    }

    /// Waits for those that have ended; to be called at each SIGCHLD.
    package func reap() {
        if isFirstProcess {
            while case let process = linux_ended_child(0), process > 0 { reap(process) }
        } else {
            for process in completions.keys where linux_ended_child(process) == process { reap(process) }
        }
    }

    private func reap(_ process: Int32) {
        let completion = completions.removeValue(forKey: process)
        // What it leaves in its group: a child of redis-server that saves data would put an older file in place later.
        // The number is still taken, so the group is surely the right one.
        if completion != nil { kill(-process, SIGKILL) }
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) == -1, errno == EINTR {}
        if let completion { completion(ProcessEnd(status: status)) } else { orphans += 1 }
    }
}
