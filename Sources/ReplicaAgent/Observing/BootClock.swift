import Glibc

/// This machine's time since its start, with the time in which it was suspended. It never goes back.
package enum BootClock {
    package static func now() -> Duration {
        var time = timespec()
        unsafe clock_gettime(CLOCK_BOOTTIME, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
