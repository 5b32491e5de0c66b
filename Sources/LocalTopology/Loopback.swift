package import Glibc
internal import Synchronization

/// What loopback's ports are up to.
public enum Loopback {
    /// Checks that nothing holds the endpoint, by an exclusive bind that is undone at once.
    ///
    /// A bind with SO_REUSEPORT would succeed beside another sharer; this one sees it. Connections in TIME_WAIT do not count.
    /// - Throws: ``LocalTopologyError/taken(_:)`` if it is in use.
    public static func checkFree(_ endpoint: Endpoint) throws(LocalTopologyError) {
        _ = try boundPort(endpoint)
    }

    /// Finds ports that are free now on the host, all different, and different from all that this process found before.
    ///
    /// Nothing reserves them: between this and the server's own bind another program may take one. They are below the ports
    /// that Linux gives to outgoing connections (`net.ipv4.ip_local_port_range`), so no connection does.
    package static func freePorts(_ count: Int, host: String = "127.0.0.1") throws(LocalTopologyError) -> [Int] {
        var found: [Int] = []
        var looks = 0
        while found.count < count, looks < candidates.count {
            looks += 1
            let port = nextCandidate.withLock { next in
                // Programs take some ports behind the one that they are given.
                defer { next = (next - candidates.lowerBound + stride) % candidates.count + candidates.lowerBound }
                return next
            }
            do throws(LocalTopologyError) {
                found.append(try boundPort(Endpoint(host: host, port: port)))
            } catch {
                guard case .taken = error else { throw error }
            }
        }
        guard found.count == count else {
            throw .system(attempt: "find \(count) free ports on", subject: host, errno: EADDRINUSE)
        }
        return found
    }

    private static let candidates = 15_000..<32_768
    private static let stride = 101
    /// Where it begins is by chance, so that two processes rarely look at the same ones.
    private static let nextCandidate = Mutex(Int.random(in: candidates))

    private static func boundPort(_ endpoint: Endpoint) throws(LocalTopologyError) -> Int {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else {
            throw .system(attempt: "open a socket for", subject: "\(endpoint)", errno: errno)
        }
        defer { close(descriptor) }
        var yes: CInt = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        var address = try sockaddr_in(endpoint)
        // Listening too: two sockets may share a bound port as long as none of them listens.
        guard withSocketAddress(&address, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 1) == 0 else {
            guard errno == EADDRINUSE else {
                throw .system(attempt: "bind", subject: "\(endpoint)", errno: errno)
            }
            throw .taken(endpoint)
        }
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withSocketAddress(&address) { pointer, _ in getsockname(descriptor, pointer, &length) }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

extension Endpoint {
    /// Lends the address as bind(2) and connect(2) take it; what they leave in `errno` is kept.
    package func withSocketAddress<Result>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) throws(LocalTopologyError) -> Result {
        var address = try sockaddr_in(self)
        return LocalTopology.withSocketAddress(&address) { body($0, $1) }
    }
}

extension sockaddr_in {
    fileprivate init(_ endpoint: Endpoint) throws(LocalTopologyError) {
        self.init()
        guard let port = UInt16(exactly: endpoint.port), inet_pton(AF_INET, endpoint.host, &sin_addr) == 1 else {
            throw .system(attempt: "use the address", subject: "\(endpoint)", errno: EINVAL)
        }
        sin_family = sa_family_t(AF_INET)
        sin_port = port.bigEndian
    }
}

private func withSocketAddress<Result>(
    _ address: inout sockaddr_in, _ body: (UnsafeMutablePointer<sockaddr>, socklen_t) -> Result
) -> Result {
    withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}

func systemMessage(_ code: CInt) -> String {
    strerror(code).map { String(cString: $0) } ?? "error \(code)"
}
