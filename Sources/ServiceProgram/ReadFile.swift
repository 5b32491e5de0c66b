import Glibc
public import Settings

/// A file's bytes: secrets and certificates, so at most 1 MiB, and never in an error.
public func readFile(_ path: String) throws(ConfigurationError) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .unreadableFile(path, reason: unsafe String(cString: strerror(errno))) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while bytes.count <= 1 << 20 {
        let count = unsafe read(descriptor, &chunk, chunk.count)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw .unreadableFile(path, reason: unsafe String(cString: strerror(errno))) }
        if count == 0 { return bytes }
        bytes += chunk[..<count]
    }
    throw .unreadableFile(path, reason: "it is larger than 1 MiB, which no password and no certificate is")
}
