import Glibc
import LocalTopology
import Synchronization
import Testing

/// A name server on the loopback of a test network's host. It knows no address, and says so in one of several ways.
///
/// Its thread ends with ``stop()``.
final class NameServer: Sendable {
    /// How a question is answered: by the RCODE of RFC 1035 §4.1.1, if at all.
    enum Answer: UInt8, Sendable {
        /// The name exists, and has no address.
        case noAddress = 0
        /// SERVFAIL.
        case failure = 2
        /// NXDOMAIN.
        case absent = 3
        case refused = 5
        case silence = 255
    }

    private let socket: CInt
    private let answer: @Sendable (String) -> Answer
    private let state = Mutex((questions: [String](), isStopped: false))

    /// Starts to answer, and has the host's look-ups come here.
    /// - Parameters:
    ///   - domains: the search list.
    ///   - answer: by the name that is asked for, without a last dot.
    init(
        in network: TestNetwork, on host: TestNetwork.Host, searching domains: [String],
        answer: @escaping @Sendable (String) -> Answer
    ) async throws {
        socket = try await host.namespace.perform {
            let socket = Glibc.socket(AF_INET, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            try #require(Endpoint(port: 53).withSocketAddress { bind(socket, $0, $1) } == 0)
            return socket
        }
        self.answer = answer
        try network.setUnknownNames(.asked(searching: domains), on: host)
        onOwnThread { [self] in serve() }
    }

    /// The names that were asked for, each as often as it was.
    var questions: [String] { state.withLock { $0.questions } }

    func stop() { state.withLock { $0.isStopped = true } }

    private func serve() {
        var buffer = [UInt8](repeating: 0, count: 512)
        while !state.withLock({ $0.isStopped }) {
            // It checks this often whether it should end.
            var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, 50) == 1 else { continue }
            var sender = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let count = withUnsafeMutableBytes(of: &sender) { address in
                recvfrom(
                    socket, &buffer, buffer.count, 0, address.baseAddress!.assumingMemoryBound(to: sockaddr.self),
                    &length)
            }
            guard count > 0, let reply = reply(to: Array(buffer[..<count])) else { continue }
            _ = withUnsafeBytes(of: &sender) { address in
                sendto(
                    socket, reply, reply.count, 0, address.baseAddress!.assumingMemoryBound(to: sockaddr.self), length)
            }
        }
        close(socket)
    }

    /// The question again, with the answer in its header: no records (RFC 1035 §4.1.1).
    private func reply(to message: [UInt8]) -> [UInt8]? {
        guard message.count > 12, let (name, end) = name(in: message) else { return nil }
        state.withLock { $0.questions.append(name) }
        let answer = answer(name)
        guard answer != .silence else { return nil }
        // QR, the question's RD, RA; one question and nothing else, what was said of EDNS left out.
        let header = Array(message[..<2]) + [0x80 | message[2] & 0x01, 0x80 | answer.rawValue, 0, 1, 0, 0, 0, 0, 0, 0]
        return header + message[12..<end]
    }

    /// The name that is asked for, and where the question ends.
    private func name(in message: [UInt8]) -> (String, Int)? {
        var labels: [String] = []
        var index = 12
        while index < message.count, message[index] != 0 {
            let end = index + 1 + Int(message[index])
            guard end < message.count else { return nil }
            labels.append(String(decoding: message[(index + 1)..<end], as: UTF8.self))
            index = end
        }
        // The last length, then type and class.
        return index + 5 <= message.count ? (labels.joined(separator: "."), index + 5) : nil
    }
}
