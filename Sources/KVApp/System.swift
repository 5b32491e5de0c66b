import Glibc
import NIOCore
import Settings

/// What the operating system is asked for.
enum System {
    /// The kernel's host name, a pod's name in Kubernetes.
    static var hostName: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let start = buffer.baseAddress, gethostname(start, 255) == 0 else { return "localhost" }
            return String(cString: start)
        }
    }

    /// The first address that is not loopback, IPv4 first; 127.0.0.1 where there is none.
    static var firstAddress: String {
        let addresses = ((try? NIOCore.System.enumerateDevices()) ?? []).compactMap(\.address)
        let outside = addresses.filter { !$0.isLoopback }
        let first = outside.first { $0.protocol == .inet } ?? outside.first { $0.protocol == .inet6 }
        return first?.ipAddress ?? "127.0.0.1"
    }
}

extension SocketAddress {
    fileprivate var isLoopback: Bool {
        guard let text = ipAddress else { return true }
        return text.hasPrefix("127.") || text == "::1" || text.hasPrefix("fe80:")
    }
}

/// A file's bytes: secrets and certificates, so at most 1 MiB, and never in an error.
func readFile(_ path: String) throws(ConfigurationError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .unreadableFile(path, reason: String(cString: strerror(errno))) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while bytes.count <= 1 << 20 {
        let count = read(descriptor, &chunk, chunk.count)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw .unreadableFile(path, reason: String(cString: strerror(errno))) }
        if count == 0 { return bytes }
        bytes += chunk[..<count]
    }
    throw .unreadableFile(path, reason: "it is larger than 1 MiB, which no password and no certificate is")
}
