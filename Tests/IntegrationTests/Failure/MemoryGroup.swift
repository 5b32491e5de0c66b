import Glibc
import LocalTopology

/// A control group for one process, with a limit of memory: of version 2, or of version 1 where that is mounted.
///
/// Without the right to make one there is none: what a process has used at the most (`VmHWM`) is to be looked at in any case.
final class MemoryGroup: Sendable {
    private let path: String

    /// Puts the process into a new group; what it has in memory already is not counted there.
    ///
    /// - Returns: `nil` where no group can be made here.
    init?(of process: Int32, limitMiB: Int) {
        for (root, file) in [("/sys/fs/cgroup", "memory.max"), ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")] {
            let path = "\(root)/rrk-test-\(process)"
            guard mkdir(path, 0o755) == 0 else { continue }
            if Self.write("\(limitMiB << 20)", to: "\(path)/\(file)"),
                Self.write("\(process)", to: "\(path)/cgroup.procs")
            {
                self.path = path
                return
            }
            rmdir(path)
        }
        return nil
    }

    /// Once the process has ended: before, the group cannot be removed.
    func remove() {
        for _ in 0..<100 where rmdir(path) != 0 && errno == EBUSY { usleep(20_000) }
    }

    /// How often the kernel has ended a process of the group for lack of memory.
    var kills: Int {
        for file in ["memory.events", "memory.oom_control"] {
            guard let text = try? Scratch.read("\(path)/\(file)") else { continue }
            for line in String(decoding: text, as: UTF8.self).split(separator: "\n") where line.hasPrefix("oom_kill ") {
                return Int(line.dropFirst("oom_kill ".count)) ?? 0
            }
        }
        return 0
    }

    /// Has the kernel begin again with what a process has used at the most (`VmHWM`), where it does so.
    static func forgetPeak(of process: Int32) { _ = write("5", to: "/proc/\(process)/clear_refs") }

    private static func write(_ text: String, to path: String) -> Bool {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count
    }
}
