import Glibc
import Hiredis
import OpenSSL
import ReplicaPlanning

/// TLS between a command connection and its socket, every wait with a deadline.
final class TLSTransport: ConnectionTransport {
    let session: TLSSession
    private let descriptor: Int32
    private var hasRead = false

    /// Shakes hands over a connected socket.
    init(_ tls: GuardTLS, over descriptor: Int32, within timeout: Duration) throws(TLSError) {
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        session = try TLSSession(TLSContext(tls.clientConfiguration), over: descriptor)
        let begin = Moment.now
        while case .waits(let wait) = try session.shakeHands() {
            // All of it together: an end that sends a byte a second gets no further.
            let left = timeout - .milliseconds(begin.elapsedMilliseconds)
            guard left > .zero, isReady(for: wait, within: left) else {
                throw TLSError("no TLS handshake within \(timeout.components.seconds) s")
            }
        }
    }

    func write(_ bytes: [UInt8], within timeout: Duration) throws(ConnectionTransportError) {
        let begin = Moment.now
        var rest = bytes[...]
        while !rest.isEmpty {
            switch try translated({ () throws(TLSError) in try session.write(rest) }) {
            case .bytes(let count): rest = rest.dropFirst(count)
            case .waits(let wait): guard isReady(for: wait, within: timeout, since: begin) else { throw .timedOut }
            case .closed:
                // What it said before it closed tells why.
                _ = try read(upTo: 1, within: timeout)
                throw .broken(reason: "Server closed the connection")
            }
        }
    }

    func read(upTo count: Int, within timeout: Duration) throws(ConnectionTransportError) -> [UInt8] {
        let begin = Moment.now
        var buffer = [UInt8](repeating: 0, count: count)
        while true {
            switch try translated({ () throws(TLSError) in try session.read(into: &buffer) }) {
            case .bytes(let count):
                hasRead = true
                return Array(buffer.prefix(count))
            // All of it together: a record that comes byte by byte is no progress.
            case .waits(let wait): guard isReady(for: wait, within: timeout, since: begin) else { throw .timedOut }
            case .closed where hasRead: return []
            case .closed: throw .broken(reason: Self.refusal)
            }
        }
    }

    /// From TLS 1.3 on a certificate is judged after the handshake, and a close may overtake the reason.
    private static let refusal =
        "it closed the connection behind the TLS handshake: it refuses the certificate that it was shown, or asks for one; "
        + "have one signed by an authority that it knows, and set tls-cert-file and tls-key-file"

    private func translated(
        _ body: () throws(TLSError) -> TLSSession.Transfer
    ) throws(ConnectionTransportError) -> TLSSession.Transfer {
        do throws(TLSError) { return try body() } catch { throw .broken(reason: error.description) }
    }

    private func isReady(for wait: TLSSession.Wait, within timeout: Duration, since begin: Moment = .now) -> Bool {
        while true {
            let left = timeout - .milliseconds(begin.elapsedMilliseconds)
            let (seconds, attoseconds) = left.components
            let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
            // Signals are not checked: the undo after a signal asks servers, too.
            guard milliseconds > 0 else { return false }
            var entry = pollfd(fd: descriptor, events: Int16(wait == .readable ? POLLIN : POLLOUT), revents: 0)
            let count = unsafe poll(&entry, 1, Int32(clamping: milliseconds))
            if count > 0 { return true }
            if count == -1, errno == EINTR { continue }
            return false
        }
    }
}

extension GuardTLS {
    var clientConfiguration: TLSConfiguration {
        configuration(.client(serverName: serverName.map { path($0) }), client)
    }

    var serverConfiguration: TLSConfiguration {
        let clients: TLSConfiguration.ClientCertificates =
            switch clientCertificates {
            case .needed: .needed
            case .optional: .optional
            case .ignored: .ignored
            }
        return configuration(.server(clients), server)
    }

    private func configuration(_ role: TLSConfiguration.Role, _ identity: Identity?) -> TLSConfiguration {
        TLSConfiguration(
            role: role,
            identity: identity.map {
                .init(certificate: path($0.certificate), key: path($0.key), passphrase: $0.passphrase)
            },
            authorities: authorities.map { path($0) }, authoritiesFolder: authoritiesFolder.map { path($0) },
            protocols: protocols.map { path($0) }, ciphers: ciphers.map { path($0) },
            cipherSuites: cipherSuites.map { path($0) })
    }
}
