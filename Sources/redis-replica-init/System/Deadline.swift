import CLinux
import Glibc

/// One moment by which everything is over.
///
/// Each wait gets the time that is left. A wait that lasts longer all the same (a file on a dead network mount, a server
/// that sends a byte a second) is ended by an alarm, with its own line.
struct Deadline {
    let milliseconds: Int
    /// On the monotonic clock. Swift's own clocks would link its concurrency into the program.
    private let end: Duration

    init(milliseconds: Int) {
        self.milliseconds = milliseconds
        end = Self.now + .milliseconds(milliseconds)
        signal(SIGALRM) { _ in
            let line: StaticString = "redis-replica-init: no answer before the deadline\n"
            _ = unsafe Glibc.write(2, line.utf8Start, line.utf8CodeUnitCount)
            _exit(1)
        }
        // A little later than the waits that have something better to say, and still within kubelet's second.
        linux_raise_alarm(Int32(clamping: milliseconds + 90))
    }

    /// What is left; nil when it has passed.
    var remaining: Duration? {
        let left = end - Self.now
        return left > .zero ? left : nil
    }

    private static var now: Duration {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
