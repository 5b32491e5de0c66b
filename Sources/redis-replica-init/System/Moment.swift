import CLinux
import Glibc
import ReplicaPlanning

/// A point on the monotonic clock. Swift's own clocks would link its concurrency into the program.
struct Moment {
    private let nanoseconds: Int

    static var now: Moment {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Moment(nanoseconds: time.tv_sec * 1_000_000_000 + time.tv_nsec)
    }

    /// The time of day, for names that a person reads.
    static var timeOfDay: String { TimeStamp.text(seconds: time(nil)) }

    var elapsedMilliseconds: Int { (Moment.now.nanoseconds - nanoseconds) / 1_000_000 }

    var elapsedSeconds: Int { elapsedMilliseconds / 1000 }

    /// At least so long, or until a signal comes that is watched for.
    static func sleep(milliseconds: Int) {
        var left = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
        var wanted = left
        while unsafe nanosleep(&wanted, &left) == -1, errno == EINTR, !Interruption.isWanted { wanted = left }
    }
}
