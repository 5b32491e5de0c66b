import Glibc

nonisolated(unsafe) private var isSignalled: sig_atomic_t = 0

/// SIGTERM and SIGINT while something is under way that has to be taken back.
///
/// As the first process of a container nothing is ended by a signal that it does not handle.
enum Interruption {
    static func watch() {
        for number in [SIGTERM, SIGINT] { signal(number) { _ in unsafe isSignalled = 1 } }
    }

    static var isWanted: Bool { unsafe isSignalled != 0 }
}
