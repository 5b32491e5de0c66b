import Glibc

/// Why a process could not be started.
package struct SpawnError: Error, Equatable, Sendable, CustomStringConvertible {
    package let attempt: String
    package let code: Int32

    package var description: String {
        let reason = unsafe String(cString: strerror(code))
        return switch code {
        case ENOSYS: "cannot \(attempt): \(reason); it needs Linux 5.3"
        case ENOENT: "cannot \(attempt): \(reason); name the program by its path"
        case EACCES: "cannot \(attempt): \(reason); make it executable for this user"
        case EAGAIN, ENOMEM: "cannot \(attempt): \(reason); raise the limit of processes or memory"
        default: "cannot \(attempt): \(reason)"
        }
    }

    /// As a shell has it: 127 where there is no such program, else 126; `nil` where it may succeed later.
    package var exitCode: Int32? {
        switch code {
        case ENOENT: 127
        case EAGAIN, ENOMEM, EMFILE, ENFILE: nil
        default: 126
        }
    }
}
