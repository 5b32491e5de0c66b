import Glibc

/// Standard output, in blocks.
package final class Output {
    private static let blockBytes = 32 << 10
    private var bytes: [UInt8] = []

    package init() {}

    package func write(_ text: String) throws(RollbackError) { try write(Array(text.utf8)) }

    package func write(_ more: [UInt8]) throws(RollbackError) {
        bytes += more
        if bytes.count >= Self.blockBytes { try flush() }
    }

    package func flush() throws(RollbackError) {
        var start = 0
        defer { bytes = [] }
        while start < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { space in
                unsafe Glibc.write(STDOUT_FILENO, space.baseAddress! + start, space.count - start)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .output(reason(errno)) }
            start += count
        }
    }
}
