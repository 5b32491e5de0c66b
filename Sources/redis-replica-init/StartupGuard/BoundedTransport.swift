import Glibc
import Hiredis
import ReplicaPlanning

/// What goes over one connection has one end in time, and one in bytes, however slowly it comes.
final class BoundedTransport: ConnectionTransport {
    /// Why an answer was not read to its end.
    static let tooLong = "its answer is longer than 1 MiB"

    /// nil: in the clear.
    let secured: TLSTransport?
    private let descriptor: Int32
    private let begin: Moment
    private let timeout: Duration
    private var left = maximumBytes
    /// Of all answers over the connection together.
    static let maximumBytes = 1 << 20

    init(_ descriptor: Int32, _ secured: TLSTransport?, since begin: Moment, within timeout: Duration) {
        self.descriptor = descriptor
        self.secured = secured
        self.begin = begin
        self.timeout = timeout
    }

    func write(_ bytes: [UInt8], within limit: Duration) throws(ConnectionTransportError) {
        let limit = try remaining(limit)
        if let secured { return try secured.write(bytes, within: limit) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe send(descriptor, $0.baseAddress, $0.count, flags) }
            if count > 0 { rest = rest.dropFirst(count) } else { try wait(POLLOUT) }
        }
    }

    func read(upTo count: Int, within limit: Duration) throws(ConnectionTransportError) -> [UInt8] {
        guard left > 0 else { throw .broken(reason: Self.tooLong) }
        let bytes = try readOnce(upTo: min(count, left), within: try remaining(limit))
        left -= bytes.count
        return bytes
    }

    private func readOnce(upTo count: Int, within limit: Duration) throws(ConnectionTransportError) -> [UInt8] {
        if let secured { return try secured.read(upTo: count, within: limit) }
        var buffer = [UInt8](repeating: 0, count: count)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe recv(descriptor, $0.baseAddress, $0.count, flags)
            }
            if count >= 0 { return Array(buffer.prefix(count)) }
            try wait(POLLIN)
        }
    }

    private var flags: Int32 { Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL) }

    private func remaining(_ limit: Duration) throws(ConnectionTransportError) -> Duration {
        let left = timeout - .milliseconds(begin.elapsedMilliseconds)
        guard left > .zero else { throw .timedOut }
        return min(left, limit)
    }

    /// After a call that could not go on; or why it failed.
    private func wait(_ event: Int32) throws(ConnectionTransportError) {
        guard errno == EAGAIN || errno == EINTR else {
            throw .broken(reason: unsafe String(cString: strerror(errno)))
        }
        let (seconds, attoseconds) = try remaining(timeout).components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        var entry = pollfd(fd: descriptor, events: Int16(event), revents: 0)
        _ = unsafe poll(&entry, 1, Int32(clamping: max(milliseconds, 1)))
    }
}
