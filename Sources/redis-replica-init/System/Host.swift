import CLinux
import Glibc
import ReplicaPlanning

/// The process: what it was given, and what it leaves to redis-server.
enum Host {
    /// Makes room at once for a stock file, its copy, and what is decided on them.
    static func prepare() { linux_prepare_heap(320 * 1024) }

    /// The arguments behind the program's name, as bytes.
    static var arguments: [[UInt8]] {
        (1..<max(1, Int(CommandLine.argc))).map { index in
            unsafe System.bytes(ofCString: CommandLine.unsafeArgv[index]!)
        }
    }

    static var environment: Environment {
        var entries: [[UInt8]] = []
        guard var entry = unsafe linux_environment() else { return Environment() }
        while let pointer = unsafe entry.pointee {
            entries.append(unsafe System.bytes(ofCString: pointer))
            unsafe entry += 1
        }
        return Environment(entries: entries)
    }

    static var identity: Identity {
        Identity(
            userID: geteuid(), groupID: getegid(), groups: groups, hostname: hostname, workingFolder: workingFolder)
    }

    /// An empty signal mask, default dispositions, and nothing open but 0 to 2 from exec on.
    ///
    /// redis-server inherits the mask: with SIGTERM blocked it could not be stopped.
    static func clean() throws(Failure) {
        var mask = sigset_t()
        unsafe sigemptyset(&mask)
        _ = unsafe sigprocmask(SIG_SETMASK, &mask, nil)
        for number in 1...64 { signal(Int32(number), SIG_DFL) }
        if linux_close_on_exec_from(3) == 0 { return }
        // An older kernel: one by one.
        guard let folder = try? System.open("/proc/self/fd", O_RDONLY | O_DIRECTORY) else { return }
        defer { System.close(folder) }
        for name in (try? System.names(in: folder, path: "/proc/self/fd")) ?? [] {
            guard let descriptor = Int32(path(name)), descriptor > 2 else { continue }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
    }

    static func exit(_ code: Int32) -> Never { Glibc.exit(code) }

    private static var groups: [UInt32] {
        let count = getgroups(0, nil)
        guard count > 0 else { return [] }
        var groups = [gid_t](repeating: 0, count: Int(count))
        let filled = unsafe getgroups(count, &groups)
        return Array(groups.prefix(Int(max(0, filled))))
    }

    private static var hostname: [UInt8] {
        var name = utsname()
        guard unsafe uname(&name) == 0 else { return [] }
        return unsafe withUnsafePointer(to: &name.nodename) { pointer in
            unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 65) { unsafe System.bytes(ofCString: $0) }
        }
    }

    private static var workingFolder: [UInt8] {
        guard let path = unsafe getcwd(nil, 0) else { return [UInt8(ascii: "/")] }
        defer { unsafe free(path) }
        return unsafe System.bytes(ofCString: path)
    }
}
