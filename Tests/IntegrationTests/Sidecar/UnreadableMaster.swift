import Glibc
import LocalTopology
import Synchronization
import Testing

/// A master whose full copies no server can load, as one of a much newer version: it answers every replica with the header of
/// an RDB that does not exist yet.
final class UnreadableMaster: Sendable {
    private let isOver = Atomic<Bool>(false)
    private let given = Atomic<Int>(0)
    private let listener: CInt

    /// How many copies it has sent.
    var copies: Int { given.load(ordering: .relaxed) }

    init(at endpoint: Endpoint) throws {
        listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var yes: CInt = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        try #require(try endpoint.withSocketAddress { bind(listener, $0, $1) } == 0 && listen(listener, 64) == 0)
        onOwnThread { self.serve() }
    }

    func stop() { isOver.store(true, ordering: .relaxed) }

    deinit { close(listener) }

    /// Never blocks: polls all descriptors in a loop.
    private func serve() {
        var replicas: [CInt] = []
        while !isOver.load(ordering: .relaxed) {
            var entries = ([listener] + replicas).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            _ = poll(&entries, nfds_t(entries.count), 20)
            for (entry, replica) in zip(entries.dropFirst(), replicas) where entry.revents != 0 {
                if !answer(replica) {
                    close(replica)
                    replicas.removeAll { $0 == replica }
                }
            }
            if entries[0].revents != 0 {
                let replica = accept(listener, nil, nil)
                if replica >= 0 { replicas.append(replica) }
            }
        }
        for replica in replicas { close(replica) }
    }

    private func answer(_ replica: CInt) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(replica, &buffer, buffer.count)
        guard count > 0 else { return false }
        let words = String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\r\n")
        var answer = ""
        for word in words {
            switch word {
            case "PING": answer += "+PONG\r\n"
            case "AUTH", "REPLCONF": answer += "+OK\r\n"
            case "INFO", "ROLE", "DBSIZE": answer += "-ERR not here\r\n"
            case "PSYNC", "SYNC":
                let rdb = "REDIS9999" + String(repeating: "x", count: 200)
                answer += "+FULLRESYNC \(String(repeating: "f", count: 40)) 1000\r\n$\(rdb.utf8.count)\r\n\(rdb)"
                given.add(1, ordering: .relaxed)
            default: break
            }
        }
        return send(replica, answer, answer.utf8.count, CInt(MSG_NOSIGNAL)) == answer.utf8.count
    }
}
