import Glibc

/// Files of at most a megabyte: secrets, certificates, records, what the kernel says in /proc.
public enum SmallFile {
    public static let maximumBytes = 1 << 20

    /// - Parameter limit: another size than the megabyte.
    /// - Throws: also for a file that is larger (EFBIG).
    public static func read(_ path: String, upTo limit: Int = maximumBytes) throws(SmallFileError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SmallFileError(path: path, code: errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe Glibc.read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SmallFileError(path: path, code: errno) }
            if count == 0 { return bytes }
            bytes += piece[..<count]
            guard bytes.count <= limit else { throw SmallFileError(path: path, code: EFBIG) }
        }
    }
}

/// A file that cannot be read.
public struct SmallFileError: Error, Equatable, CustomStringConvertible {
    public let path: String
    /// errno.
    public let code: Int32

    public var reason: String {
        code == EFBIG
            ? "it is larger than 1 MiB, which no password and no certificate is"
            : unsafe String(cString: strerror(code))
    }

    public var description: String { "cannot read '\(path)': \(reason)" }
}
