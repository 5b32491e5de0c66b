import CLinux
import Glibc

/// A process by its descriptor: a signal never reaches another one that has its number by now.
package struct ProcessHandle: ~Copyable {
    package let descriptor: Int32

    /// - Parameter process: a child that was not waited for yet.
    package init(of process: Int32) throws(SpawnError) {
        descriptor = linux_process_descriptor(process)
        guard descriptor != -1 else {
            throw SpawnError(attempt: "open a descriptor of process \(process)", code: errno)
        }
    }

    deinit { close(descriptor) }

    /// Whether it was there to get it.
    @discardableResult
    package borrowing func send(_ number: Int32) -> Bool { linux_signal_process(descriptor, number) == 0 }

    /// Ends it and all processes of the group that it leads, as far as the kernel can.
    package borrowing func kill() { Self.kill(descriptor) }

    /// The same, where only the descriptor is there. Allocates nothing.
    ///
    /// The server first: only that has to be in time. A child that saves its data would put an older file in place
    /// later.
    static func kill(_ descriptor: Int32) {
        _ = linux_signal_process(descriptor, SIGKILL)
        _ = linux_signal_process_group(descriptor, SIGKILL)
    }
}
