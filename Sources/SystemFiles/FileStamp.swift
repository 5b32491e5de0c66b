import Glibc

/// What tells a file, or what is in its place by now, from what it was: another one by any of these.
public struct FileStamp: Equatable, Sendable {
    private var device: UInt64 = 0
    private var inode: UInt64 = 0
    private var size: Int64 = 0
    /// Of its bytes, and of them or its owner, its mode and its name.
    private var modified = Time()
    private var changed = Time()

    private struct Time: Equatable, Sendable {
        var seconds = 0
        var nanoseconds = 0
    }

    /// Of what a path leads to, through links: Kubernetes exchanges the folder behind one. What is not there has a stamp too.
    public init(of path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        modified = Time(seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
        changed = Time(seconds: status.st_ctim.tv_sec, nanoseconds: status.st_ctim.tv_nsec)
    }
}
