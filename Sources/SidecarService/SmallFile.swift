import Glibc

/// Files of at most a megabyte: secrets, certificates, records.
enum SmallFile {
    static let maximumBytes = 1 << 20

    static func read(_ path: String) throws(SmallFileError) -> [UInt8] {
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
            guard bytes.count <= maximumBytes else { throw SmallFileError(path: path, code: EFBIG) }
        }
    }
}

/// A file that cannot be read.
public struct SmallFileError: Error, Equatable, CustomStringConvertible {
    public let path: String
    /// errno.
    public let code: Int32

    public var description: String { "cannot read '\(path)': \(unsafe String(cString: strerror(code)))" }
}
