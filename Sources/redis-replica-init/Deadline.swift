import Glibc

/// One moment by which everything is over.
///
/// What waits is given what is left of it. Whatever waits longer all the same (a file on a dead network mount, a server
/// that sends a byte a second) is ended by an alarm, with a line of its own.
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
        let late = milliseconds + 90
        var timer = itimerval(
            it_interval: timeval(), it_value: timeval(tv_sec: late / 1000, tv_usec: late % 1000 * 1000))
        _ = unsafe setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &timer, nil)
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
