import CLinux
import Glibc
import ReplicaPlanning

/// A system call that failed, with what it was to do.
struct SystemError: Error, CustomStringConvertible {
    /// As in "cannot open".
    var action: String
    var path: String
    var code: Int32
    /// The most bytes that are read, where there are more.
    var limit = 0

    var description: String { "cannot \(action) \(shownPath(Array(path.utf8))): \(reason)" }

    var reason: String {
        switch code {
        case ENXIO: "it is a FIFO, a socket or a device, and no file"
        case EFBIG where limit > 0: "it is larger than \(limit >> 20) MiB"
        default: unsafe String(cString: strerror(code))
        }
    }

    /// Whether the user lacks a right, so that the exit code is 77.
    var isDenied: Bool { code == EACCES || code == EPERM }
}

/// The only place that calls the kernel: EINTR is retried, errno becomes a ``SystemError``.
enum System {
    /// Runs a call that returns -1 on failure until it is not interrupted.
    @discardableResult
    static func call(
        _ action: @autoclosure () -> String, _ path: @autoclosure () -> String, _ body: () -> Int32
    ) throws(SystemError) -> Int32 {
        while true {
            let result = body()
            if result != -1 { return result }
            if errno != EINTR { throw SystemError(action: action(), path: path(), code: errno) }
        }
    }

    static func open(_ path: String, _ flags: Int32, mode: mode_t = 0) throws(SystemError) -> Int32 {
        try call("open", path) { unsafe Glibc.open(path, flags | O_CLOEXEC, mode) }
    }

    static func close(_ descriptor: Int32) { _ = Glibc.close(descriptor) }

    /// Secrets, keys and certificates.
    static let maximumSecretBytes = 1 << 20

    /// A configuration, a secret, a record: nothing that may never end or never begin.
    /// - Parameter maximumBytes: what is larger is not read (EFBIG).
    static func read(_ path: String, bound maximumBytes: Int) throws(SystemError) -> [UInt8] {
        let (descriptor, size) = try openFile(path)
        defer { close(descriptor) }
        // One byte more than the file has: the read that fills it less also finds its end.
        var room = max(4096, size + 1)
        var bytes: [UInt8] = []
        while true {
            guard bytes.count <= maximumBytes, size <= maximumBytes else {
                throw SystemError(action: "read", path: path, code: EFBIG, limit: maximumBytes)
            }
            let part = try readOnce(descriptor, upTo: room, path: path)
            if part.isEmpty { return bytes }
            if bytes.isEmpty { bytes = part } else { bytes += part }
            room = max(4096, room - part.count)
        }
    }

    /// O_NONBLOCK: to open a FIFO would wait for its writer. /dev/null is a device, and empty.
    private static func openFile(_ path: String) throws(SystemError) -> (descriptor: Int32, size: Int) {
        let descriptor = try open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
        do throws(SystemError) {
            let status = try status(of: descriptor, path: path)
            switch status.st_mode & S_IFMT {
            case S_IFREG, S_IFCHR: return (descriptor, Int(status.st_size))
            case S_IFDIR: throw SystemError(action: "read", path: path, code: EISDIR)
            default: throw SystemError(action: "read", path: path, code: ENXIO)
            }
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Refuses what redis-server would read without an end, or wait for without one. Of the devices only /dev/null is a file.
    static func checkKind(of path: String) throws(SystemError) {
        let found = try status(path)
        switch found.st_mode & S_IFMT {
        case S_IFREG: return
        case S_IFCHR where found.st_rdev == (try? status("/dev/null"))?.st_rdev: return
        case S_IFDIR: throw SystemError(action: "read", path: path, code: EISDIR)
        default: throw SystemError(action: "read", path: path, code: ENXIO)
        }
    }

    /// The first bytes of a file, `count` of them or all.
    static func read(_ path: String, upTo count: Int) throws(SystemError) -> [UInt8] {
        let (descriptor, _) = try openFile(path)
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while bytes.count < count {
            let part = try readOnce(descriptor, upTo: count - bytes.count, path: path)
            if part.isEmpty { break }
            bytes += part
        }
        return bytes
    }

    /// One read; empty at the end of the file.
    private static func readOnce(_ descriptor: Int32, upTo room: Int, path: String) throws(SystemError) -> [UInt8] {
        while true {
            var code: Int32 = 0
            let part = unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                let taken = unsafe Glibc.read(descriptor, buffer.baseAddress!, room)
                if taken == -1 { code = errno }
                count = max(0, taken)
            }
            if code == 0 { return part }
            if code != EINTR { throw SystemError(action: "read", path: path, code: code) }
        }
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(SystemError) {
        var failure: SystemError?
        unsafe bytes.withUnsafeBytes { buffer in
            do throws(SystemError) { unsafe try write(buffer, to: descriptor, path: path) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            let result = unsafe Glibc.write(descriptor, bytes.baseAddress! + written, bytes.count - written)
            if result == -1 {
                if errno == EINTR { continue }
                throw SystemError(action: "write", path: path, code: errno)
            }
            written += result
        }
    }

    static func status(of descriptor: Int32, path: String) throws(SystemError) -> stat {
        var status = stat()
        try call("stat", path) { unsafe fstat(descriptor, &status) }
        return status
    }

    static func status(_ path: String) throws(SystemError) -> stat {
        var status = stat()
        try call("stat", path) { unsafe stat(path, &status) }
        return status
    }

    /// The names in a folder that is open, without `.` and `..`; the descriptor stays the caller's.
    static func names(in descriptor: Int32, path: String) throws(SystemError) -> [[UInt8]] {
        let copy = try call("open", path) { Glibc.fcntl(descriptor, F_DUPFD_CLOEXEC, 0) }
        guard let folder = unsafe fdopendir(copy) else {
            close(copy)
            throw SystemError(action: "list", path: path, code: errno)
        }
        defer { unsafe closedir(folder) }
        unsafe rewinddir(folder)
        var names: [[UInt8]] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe bytes(ofCString: $0) }
            }
            if name != [0x2E], name != [0x2E, 0x2E] { names.append(name) }
        }
        return names
    }

    /// The bytes of a C string, without its NUL.
    static func bytes(ofCString pointer: UnsafePointer<CChar>) -> [UInt8] {
        let buffer = unsafe UnsafeRawBufferPointer(start: pointer, count: strlen(pointer))
        return unsafe Array(buffer)
    }
}

/// A path for the kernel. redis.conf and the environment hold bytes; what is not UTF-8 cannot be named.
func path(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
