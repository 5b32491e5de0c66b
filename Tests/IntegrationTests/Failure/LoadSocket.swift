import Glibc
import LocalTopology

/// A TCP connection that never blocks, for clients that share a thread.
final class LoadSocket {
    struct Failure: Error { let reason: String }

    enum Received {
        case bytes([UInt8])
        case nothing
        /// The other side closed, or the connection broke.
        case end(String)
    }

    let descriptor: CInt

    /// Connects; on loopback that takes no time.
    ///
    /// - Parameter receiveBufferBytes: what the kernel takes for us before we do; `nil` for what it likes.
    init(to endpoint: Endpoint, receiveBufferBytes: CInt? = nil) throws(Failure) {
        let flags = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        descriptor = socket(AF_INET, flags, 0)
        var yes: CInt = 1
        setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<CInt>.size))
        if var bytes = receiveBufferBytes {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<CInt>.size))
        }
        do throws(LocalTopologyError) {
            guard try endpoint.withSocketAddress({ connect(descriptor, $0, $1) }) != 0 else { return }
        } catch {
            throw Failure(reason: "\(error)")
        }
        guard errno == EINPROGRESS else { throw Failure(reason: "cannot connect: \(Self.lastError)") }
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&entry, 1, 2000) == 1 else { throw Failure(reason: "cannot connect within 2 s") }
        guard entry.revents & Int16(POLLERR | POLLHUP) == 0 else { throw Failure(reason: "cannot connect") }
    }

    deinit { close(descriptor) }

    /// Takes from the front of the bytes what the socket takes.
    func send(_ bytes: inout [UInt8]) throws(Failure) {
        let flags = CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)
        let count = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, flags) }
        if count >= 0 {
            bytes.removeFirst(count)
        } else if errno != EAGAIN, errno != EINTR {
            throw Failure(reason: "cannot send: \(Self.lastError)")
        }
    }

    /// Waits until something can be received, or the connection has ended; until the deadline at the longest.
    func waitForBytes(until deadline: ContinuousClock.Instant) {
        let left = (deadline - .now) / .milliseconds(1)
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&entry, 1, CInt(max(0, left)))
    }

    /// Takes a little of what has come.
    ///
    /// - Returns: how many bytes.
    func take(upTo bytes: Int) -> Int {
        var taken = [UInt8](repeating: 0, count: bytes)
        return max(0, recv(descriptor, &taken, bytes, CInt(MSG_DONTWAIT)))
    }

    func receive() -> Received {
        var received = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            received = recv(descriptor, buffer.baseAddress, buffer.count, CInt(MSG_DONTWAIT))
            count = max(0, received)
        }
        if received > 0 { return .bytes(bytes) }
        if received == 0 { return .end("closed") }
        return errno == EAGAIN || errno == EINTR ? .nothing : .end(Self.lastError)
    }

    private static var lastError: String { String(cString: strerror(errno)) }
}
