import Glibc

/// Files of at most a megabyte: secrets, certificates, records, what the kernel says in /proc.
///
/// What may never end or never begin is no file here: a FIFO, a socket, a device that gives bytes without an end.
public enum SmallFile {
    public static let maximumBytes = 1 << 20

    /// - Parameter limit: another size than the megabyte.
    /// - Throws: also for a file that is larger (EFBIG).
    public static func read(_ path: String, upTo limit: Int = maximumBytes) throws(SmallFileError) -> [UInt8] {
        // O_NONBLOCK: to open a FIFO would wait for its writer.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw SmallFileError(path: path, code: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw SmallFileError(path: path, code: errno) }
        switch status.st_mode & S_IFMT {
        case S_IFREG where status.st_size > limit: throw SmallFileError(path: path, code: EFBIG, limit: limit)
        // /dev/null is one, and empty.
        case S_IFREG, S_IFCHR: break
        case S_IFDIR: throw SmallFileError(path: path, code: EISDIR)
        default: throw SmallFileError(path: path, code: ENXIO)
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(status.st_size))
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe Glibc.read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SmallFileError(path: path, code: errno) }
            if count == 0 { return bytes }
            bytes += piece[..<count]
            guard bytes.count <= limit else { throw SmallFileError(path: path, code: EFBIG, limit: limit) }
        }
    }
}

/// A file that cannot be read.
public struct SmallFileError: Error, Equatable, CustomStringConvertible {
    public let path: String
    /// errno.
    public let code: Int32
    /// The most bytes that would have been read.
    private let limit: Int

    init(path: String, code: Int32, limit: Int = SmallFile.maximumBytes) {
        self.path = path
        self.code = code
        self.limit = limit
    }

    public var reason: String {
        switch code {
        case EFBIG: "it is larger than \(limit >> 10) KiB, which no file of this kind is"
        case ENXIO: "it is a FIFO, a socket or a device, and no file"
        default: unsafe String(cString: strerror(code))
        }
    }

    public var description: String { "cannot read '\(path)': \(reason)" }
}
