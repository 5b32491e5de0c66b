import Glibc
import LocalTopology
import Synchronization
import Testing

/// A server whose answers never end: it takes every command, and sends on and on.
final class TricklingPeer: Sendable {
    enum Answer: Sendable {
        /// A long text, one byte each tenth of a second.
        case slow
        /// A long text, as fast as it is taken.
        case endless
        /// The head of an array that no memory holds.
        case array
        /// An error that does not end, as fast as it is taken.
        case line
        /// No answer to any request.
        case none
    }

    let endpoint: Endpoint
    private let answer: Answer
    private let listener: CInt
    private let isOver = Atomic<Bool>(false)
    private let accepted = Atomic<Int>(0)
    private let sent = Atomic<Int>(0)

    var connections: Int { accepted.load(ordering: .relaxed) }
    /// What the kernel took.
    var bytes: Int { sent.load(ordering: .relaxed) }

    init(_ answer: Answer) throws {
        self.answer = answer
        endpoint = Endpoint(host: "127.0.0.2", port: try Loopback.freePorts(1)[0])
        listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var yes: CInt = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        try #require(try endpoint.withSocketAddress { bind(listener, $0, $1) } == 0 && listen(listener, 64) == 0)
        onOwnThread { self.serve() }
    }

    func stop() { isOver.store(true, ordering: .relaxed) }

    deinit { close(listener) }

    /// One connection after the other, as a server with one thread.
    private func serve() {
        while !isOver.load(ordering: .relaxed) {
            var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, 20) == 1 else { continue }
            let client = accept(listener, nil, nil)
            guard client >= 0 else { continue }
            accepted.add(1, ordering: .relaxed)
            serve(client)
            close(client)
        }
    }

    private func serve(_ client: CInt) {
        var head: [UInt8] =
            switch answer {
            case .slow: Array("$1000000\r\n".utf8)
            case .endless: Array("$104857600\r\n".utf8)
            case .array: Array("*2000000000\r\n".utf8)
            case .line: Array("-ERR ".utf8)
            case .none: []
            }
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: answer == .slow ? 1 : 1 << 16)
        while !isOver.load(ordering: .relaxed) {
            var entry = pollfd(fd: client, events: Int16(POLLIN), revents: 0)
            if poll(&entry, 1, answer == .endless || answer == .line ? 0 : 100) == 1 {
                var buffer = [UInt8](repeating: 0, count: 4096)
                guard recv(client, &buffer, buffer.count, CInt(MSG_DONTWAIT)) > 0 else { return }
            }
            let piece = head.isEmpty && (answer == .slow || answer == .endless || answer == .line) ? body : head
            guard !piece.isEmpty else { continue }
            let count = Glibc.send(client, piece, piece.count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT))
            if count < 0, errno != EAGAIN { return }
            if count > 0 {
                sent.add(count, ordering: .relaxed)
                head = []
            }
        }
    }
}
