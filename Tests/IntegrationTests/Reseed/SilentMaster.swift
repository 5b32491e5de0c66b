import Glibc
import LocalTopology
import Testing

/// A master that dies in the middle of a word, once.
enum SilentMaster {
    /// Listens, answers the next replica up to its PSYNC, and hangs up on that.
    static func hangUp(at endpoint: Endpoint) throws {
        let listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        defer { close(listener) }
        var yes: CInt = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        try #require(try endpoint.withSocketAddress { bind(listener, $0, $1) } == 0 && listen(listener, 8) == 0)
        try wait(for: listener)
        let replica = accept(listener, nil, nil)
        defer { close(replica) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            try wait(for: replica)
            let count = read(replica, &buffer, buffer.count)
            try #require(count > 0, "the replica hung up")
            let words = String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\r\n")
            if words.contains("PSYNC") { return }
            let answer = words.reduce("") { $0 + ($1 == "PING" ? "+PONG\r\n" : $1 == "REPLCONF" ? "+OK\r\n" : "") }
            let sent = send(replica, answer, answer.utf8.count, CInt(MSG_NOSIGNAL))
            try #require(sent == answer.utf8.count)
        }
    }

    private static func wait(for descriptor: CInt) throws {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        try #require(poll(&entry, 1, 20_000) == 1, "no client came")
    }
}
