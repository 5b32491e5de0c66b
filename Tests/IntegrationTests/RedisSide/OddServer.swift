import Glibc
import LocalTopology
import Synchronization
import Testing

/// A server that answers as an empty master of Redis does, but for one command, to which it answers something else.
final class OddServer: Sendable {
    /// What comes in place of an answer.
    struct Answer: Sendable {
        var begin: String
        /// Sent behind it, over and over.
        var piece = ""
        /// How often.
        var count = 0
    }

    let endpoint: Endpoint
    private let listener: CInt
    private let odd = Mutex<(command: String, answer: Answer)?>(nil)
    private let isOver = Atomic<Bool>(false)
    private let oddAnswers = Atomic<Int>(0)

    /// How often the command was asked that is answered so.
    var asked: Int { oddAnswers.load(ordering: .relaxed) }

    init() throws {
        endpoint = Endpoint(port: try Loopback.freePorts(1)[0])
        listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var yes: CInt = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        try #require(try endpoint.withSocketAddress { bind(listener, $0, $1) } == 0 && listen(listener, 64) == 0)
        onOwnThread { self.serve() }
    }

    deinit { close(listener) }

    func stop() { isOver.store(true, ordering: .relaxed) }

    /// Answers a command so from now on; `nil` for as Redis does.
    func answer(_ command: String, with answer: Answer?) {
        odd.withLock { $0 = answer.map { (command, $0) } }
    }

    private struct Client {
        let descriptor: CInt
        var received: [UInt8] = []
        var unsent: [UInt8] = []
        var piece: [UInt8] = []
        var pieces = 0
        /// What was asked behind it is not answered.
        var isOdd = false
    }

    /// Never blocks: polls all descriptors in a loop.
    private func serve() {
        var clients: [Client] = []
        while !isOver.load(ordering: .relaxed) {
            var entries = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
            for client in clients {
                let isFull = client.unsent.isEmpty && client.pieces == 0
                entries.append(
                    pollfd(fd: client.descriptor, events: Int16(isFull ? POLLIN : POLLIN | POLLOUT), revents: 0))
            }
            _ = poll(&entries, nfds_t(entries.count), 20)
            var open: [Client] = []
            for (var client, entry) in zip(clients, entries.dropFirst()) {
                if entry.revents == 0 || (receive(&client, entry) && send(&client)) {
                    open.append(client)
                } else {
                    close(client.descriptor)
                }
            }
            clients = open
            if entries[0].revents != 0 {
                let descriptor = accept(listener, nil, nil)
                if descriptor >= 0 { clients.append(Client(descriptor: descriptor)) }
            }
        }
        for client in clients { close(client.descriptor) }
    }

    private func receive(_ client: inout Client, _ entry: pollfd) -> Bool {
        guard Int32(entry.revents) & ~POLLOUT != 0 else { return true }
        var buffer = [UInt8](repeating: 0, count: 16_384)
        let count = read(client.descriptor, &buffer, buffer.count)
        guard count > 0 else { return count < 0 && errno == EAGAIN }
        client.received += buffer[..<count]
        while !client.isOdd, let words = Self.command(&client.received) {
            let name = words[0].uppercased()
            if let answer = odd.withLock({ $0?.command == name ? $0?.answer : nil }) {
                client.isOdd = true
                oddAnswers.add(1, ordering: .relaxed)
                client.unsent += Array(answer.begin.utf8)
                client.piece = Array(answer.piece.utf8)
                client.pieces = answer.count
            } else {
                client.unsent += Array(Self.honest(name).utf8)
            }
        }
        return true
    }

    private func send(_ client: inout Client) -> Bool {
        while true {
            while client.unsent.count < 1 << 16, client.pieces > 0 {
                client.unsent += client.piece
                client.pieces -= 1
            }
            guard !client.unsent.isEmpty else { return true }
            let flags = CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)
            let count = Glibc.send(client.descriptor, client.unsent, client.unsent.count, flags)
            if count < 0 { return errno == EAGAIN }
            client.unsent.removeFirst(count)
        }
    }

    /// Takes off a command that has come whole.
    private static func command(_ bytes: inout [UInt8]) -> [String]? {
        var lines = bytes[...]
        func line() -> String? {
            guard let end = lines.firstIndex(of: UInt8(ascii: "\r")), end + 1 < lines.endIndex else { return nil }
            defer { lines = lines[(end + 2)...] }
            return String(decoding: lines[lines.startIndex..<end], as: UTF8.self)
        }
        guard let head = line(), let count = Int(head.dropFirst()) else { return nil }
        var words: [String] = []
        for _ in 0..<count {
            guard let head = line(), let length = Int(head.dropFirst()), lines.count >= length + 2 else { return nil }
            words.append(String(decoding: lines.prefix(length), as: UTF8.self))
            lines = lines.dropFirst(length + 2)
        }
        bytes = Array(lines)
        return words
    }

    private static func honest(_ name: String) -> String {
        switch name {
        case "INFO":
            let text = """
                # Server\r\nredis_version:7.4.0\r\nrun_id:\(String(repeating: "a", count: 40))\r\nloading:0\r
                # Replication\r\nrole:master\r\nconnected_slaves:0\r\nmaster_replid:\(String(repeating: "b", count: 40))\r
                master_repl_offset:1\r\nsecond_repl_offset:-1\r\n
                """
            return "$\(text.utf8.count)\r\n\(text)\r\n"
        case "PING": return "+PONG\r\n"
        case "GET": return "$1\r\nv\r\n"
        case "ROLE": return "*3\r\n$6\r\nmaster\r\n:1\r\n*0\r\n"
        case "SCAN": return "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n"
        case "EXISTS", "DEL", "STRLEN", "DBSIZE", "EVALSHA", "WAIT": return ":1\r\n"
        case "PTTL": return ":-1\r\n"
        case "CONFIG": return "*2\r\n$4\r\nname\r\n$1\r\n1\r\n"
        case "COMMAND": return "*-1\r\n"
        default: return "+OK\r\n"
        }
    }
}
