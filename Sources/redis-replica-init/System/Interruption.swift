import CLinux
import Glibc
import ReplicaPlanning

nonisolated(unsafe) private var isSignalled: sig_atomic_t = 0
nonisolated(unsafe) private var hasToBeTakenBack: sig_atomic_t = 0

/// SIGTERM and SIGINT before redis-server runs.
///
/// As the first process of a container nothing is ended by a signal that it does not handle. While nothing is under way that
/// has to be taken back, the signal ends the program at once, wherever it waits: for a name server, too.
enum Interruption {
    static func watch() {
        // The parent process may have left them blocked.
        var mask = sigset_t()
        unsafe sigemptyset(&mask)
        for number in [SIGTERM, SIGINT] { unsafe sigaddset(&mask, number) }
        _ = unsafe sigprocmask(SIG_UNBLOCK, &mask, nil)
        for number in [SIGTERM, SIGINT] {
            signal(number) { _ in
                guard unsafe hasToBeTakenBack == 0 else {
                    unsafe isSignalled = 1
                    return
                }
                let line: StaticString =
                    "redis-replica-init: blocked: a signal ended the start; nothing was changed, and the next start asks again\n"
                _ = unsafe Glibc.write(2, line.utf8Start, line.utf8CodeUnitCount)
                _exit(ExitCode.held)
            }
        }
    }

    /// Code that runs meanwhile checks ``isWanted`` and undoes its changes.
    static func isRemembered<Value>(during body: () throws(Failure) -> Value) throws(Failure) -> Value {
        unsafe hasToBeTakenBack = 1
        defer { unsafe hasToBeTakenBack = 0 }
        return try body()
    }

    static var isWanted: Bool { unsafe isSignalled != 0 }
}
