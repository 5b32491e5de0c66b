import CLinux

/// The clock by which deadlines count here: it never goes back, and counts the time in which the machine is suspended.
package enum BootTime {
    package static var now: Duration { .nanoseconds(linux_boot_time()) }
}
