import Glibc

/// How many files, sockets among them, the process may have open (RLIMIT_NOFILE). It may change while the process runs.
public enum OpenFiles {
    public static var limit: Int {
        var limits = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return 1024 }
        return Int(clamping: limits.rlim_cur)
    }
}
