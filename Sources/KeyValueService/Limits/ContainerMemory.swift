/// How much memory the control group that a process is in may use (cgroups(7)): the least of its own limit and those above it.
public enum ContainerMemory {
    /// Gives the text of a file; `nil` where there is none.
    public typealias Reader = (_ path: String) -> String?

    /// - Returns: `nil` where there is no limit, or none can be seen.
    public static func limitBytes(_ read: Reader) -> Int? {
        var limits: [Int] = []
        for line in (read("/proc/self/cgroup") ?? "").split(separator: "\n") {
            // `0::/path` for version 2, `5:memory:/path` for version 1.
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            if fields[0] == "0", fields[1].isEmpty {
                limits += Self.limits("/sys/fs/cgroup", fields[2], "memory.max", read)
            } else if fields[1].split(separator: ",").contains("memory") {
                limits += Self.limits("/sys/fs/cgroup/memory", fields[2], "memory.limit_in_bytes", read)
            }
        }
        return limits.min()
    }

    /// Those of a group and of all above it. In a container the path may be the host's, which is not to be seen there: then
    /// the container's own group is at the root.
    private static func limits(_ root: String, _ path: Substring, _ file: String, _ read: Reader) -> [Int] {
        var names = path.split(separator: "/").filter { $0 != ".." }
        var limits: [Int] = []
        while true {
            let folder = ([root] + names.map(String.init)).joined(separator: "/")
            if let limit = read("\(folder)/\(file)").flatMap(Self.limit) { limits.append(limit) }
            guard names.popLast() != nil else { return limits }
        }
    }

    /// `max`, and the number that version 1 has for it, are no limit.
    private static func limit(_ text: String) -> Int? {
        guard let number = Int(text.prefix { $0.isASCII && $0.isNumber }), number > 0, number < 1 << 60 else {
            return nil
        }
        return number
    }

    /// The budget for clients where none is set: a sixth of the limit, but never so little that a body does not fit.
    ///
    /// The rest is for the program, for its connections, and for what the allocator and the kernel's sockets need beside.
    public static func defaultBudgetMiB(limitBytes: Int?) -> Int {
        guard let limitBytes else { return 48 }
        return min(4096, max(16, (limitBytes / 6) >> 20))
    }
}
