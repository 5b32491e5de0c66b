import Glibc
import SystemFiles

/// What the kernel says of this process (proc(5)), for metrics. Reads files: not for an event loop.
public struct ProcessStatistics: Sendable {
    var cpuSeconds: Double
    var residentBytes: Int
    var openDescriptors: Int
    /// Since 1970.
    var startSeconds: Double

    public static var now: ProcessStatistics {
        ProcessStatistics(
            cpuSeconds: seconds(of: CLOCK_PROCESS_CPUTIME_ID), residentBytes: residentBytes,
            openDescriptors: openDescriptors, startSeconds: start)
    }

    private static func seconds(of clock: clockid_t) -> Double {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static var residentBytes: Int {
        let fields = text(of: "/proc/self/statm").split(separator: " ")
        return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * Int(getpagesize())
    }

    /// Without the one that is opened to count them.
    private static var openDescriptors: Int {
        guard let folder = unsafe opendir("/proc/self/fd") else { return 0 }
        defer { unsafe closedir(folder) }
        var entries = 0
        while unsafe readdir(folder) != nil { entries += 1 }
        return max(0, entries - 3)  // And without `.` and `..`.
    }

    /// The kernel counts in ticks since the machine started.
    private static let start: Double = {
        // The program's name, in parentheses, may hold spaces; the 22nd field of all is the 20th behind it.
        let fields = text(of: "/proc/self/stat").split(separator: ")").last?.split(separator: " ") ?? []
        let ticks = fields.count > 19 ? Double(fields[19]) ?? 0 : 0
        let sinceBoot = ticks / Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
        return seconds(of: CLOCK_REALTIME) - seconds(of: CLOCK_BOOTTIME) + sinceBoot
    }()

    /// Empty where it cannot be read.
    private static func text(of path: String) -> String {
        String(decoding: (try? SmallFile.read(path)) ?? [], as: UTF8.self)
    }
}
