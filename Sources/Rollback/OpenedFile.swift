import Glibc
import RDBFile

/// A file that is read from its beginning to its end.
struct OpenedFile: ~Copyable {
    let path: String
    let bytes: Int
    /// When it was written, in seconds since 1970.
    let written: Int
    private let descriptor: CInt

    init(_ path: String) throws(RollbackError) {
        // Without waiting: a FIFO of that name would hold up the open.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .unreachable(path: path, reason: reason(errno)) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .unreachable(path: path, reason: "it is no ordinary file")
        }
        (self.path, self.descriptor, bytes, written) = (path, descriptor, status.st_size, status.st_mtim.tv_sec)
        // It is read once: the pages need not replace what others use.
        _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
    }

    deinit { close(descriptor) }

    /// Has the visitor see all of it.
    func read(_ visitor: any RDBVisitor) throws(RDBFileError) -> RDBReader.Summary {
        let descriptor = descriptor
        var reader = RDBReader { count throws(RDBSourceError) in
            var result = 0
            let block = unsafe [UInt8](unsafeUninitializedCapacity: count) { space, used in
                repeat {
                    result = unsafe Glibc.read(descriptor, space.baseAddress, count)
                } while result < 0 && errno == EINTR
                used = max(0, result)
            }
            guard result >= 0 else { throw RDBSourceError(reason(errno)) }
            return block
        }
        return try reader.read(visitor)
    }
}

func reason(_ code: CInt) -> String { unsafe String(cString: strerror(code)) }
