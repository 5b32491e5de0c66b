internal import LocalTopology
internal import SystemPackage

/// The redis.conf that the servers start from: a stock one, since rewriting a stock one is what the init is for.
enum StockConfiguration {
    /// Debian's if we may read it, else this repository's, else none. The cluster works on copies.
    static func find() -> NodeSpec.Configuration {
        for path in [FilePath("/etc/redis/redis.conf")] + repositoryCandidates where isReadable(path) {
            return .copy(of: path)
        }
        return .none
    }

    /// The folders above the program, nearest first: it lies in the repository's `.build`.
    private static var repositoryCandidates: [FilePath] {
        var folder = Programs.running
        var candidates: [FilePath] = []
        while folder.removeLastComponent() {
            candidates.append(folder.pushing("docker/redis-slave/redis.conf"))
        }
        return candidates
    }

    private static func isReadable(_ path: FilePath) -> Bool {
        guard let file = try? FileDescriptor.open(path, .readOnly) else { return false }
        try? file.close()
        return true
    }
}
