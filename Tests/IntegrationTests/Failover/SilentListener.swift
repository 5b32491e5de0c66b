import Glibc
import LocalTopology
import Synchronization
import Testing

/// Takes connections, and never says a word; or reads what comes, and ends the connection.
final class SilentListener: Sendable {
    let port: Int
    private let listener: CInt
    private let accepted = Mutex<[CInt]>([])

    /// How many it took.
    var connections: Int { accepted.withLock { $0.count } }

    init(hangsUp: Bool = false) throws {
        let endpoint = Endpoint(port: try Loopback.freePorts(1)[0])
        port = endpoint.port
        listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var yes: CInt = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        try #require(try endpoint.withSocketAddress { bind(listener, $0, $1) } == 0 && listen(listener, 64) == 0)
        let descriptor = listener
        onOwnThread { [weak self] in
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0, let self else { return }
                if hangsUp {
                    var byte: UInt8 = 0
                    _ = recv(connection, &byte, 1, 0)
                    shutdown(connection, CInt(SHUT_RDWR))
                }
                self.accepted.withLock { $0.append(connection) }
            }
        }
    }

    deinit {
        shutdown(listener, CInt(SHUT_RDWR))
        close(listener)
        for connection in accepted.withLock({ $0 }) { close(connection) }
    }
}
