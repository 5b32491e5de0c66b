internal import Glibc

/// A socket on which a running program takes commands from other programs of its user on this machine, a line each.
///
/// Its name is an abstract one (unix(7)): no file is left behind, it is gone with the process, and it belongs to the
/// network namespace, as ports do.
public final class CommandSocket: Sendable {
    /// What came of a command.
    public struct Reply: Hashable, Sendable {
        /// For the exit of the program that asked.
        public var code: Int32
        public var text: String

        public init(code: Int32, text: String) {
            self.code = code
            self.text = text
        }
    }

    /// Why a command was not performed.
    public enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// No program listens under this name.
        case notListening
        /// The program that listens is another user's.
        case otherUser(UInt32)
        /// The program did not answer, or ended while it was asked.
        case noAnswer(reason: String)

        public var description: String {
            switch self {
            case .notListening: "no program listens"
            case .otherUser(let user): "the program that listens belongs to the user \(user)"
            case .noAnswer(let reason): "the program did not answer: \(reason)"
            }
        }
    }

    private static let longestText = 65_536
    /// For a client that connects: to say what it wants, and to take the reply.
    private static let clientPatience = 2
    /// For the one that asks: a server may have to load its data first, and others may wait before it.
    private static let replyPatience = 120

    private let descriptor: CInt

    /// Listens from now on.
    public init(name: String) throws(LocalTopologyError) {
        descriptor = try Self.open(name)
        guard Self.withAddress(name, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 8) == 0 else {
            let code = errno
            close(descriptor)
            throw .system(attempt: "listen for commands on", subject: "@\(name)", errno: code)
        }
    }

    deinit { close(descriptor) }

    /// Takes one command after the other, until the task is cancelled.
    public func serve(_ perform: @Sendable (String) async -> Reply) async {
        await withTaskCancellationHandler {
            while !Task.isCancelled {
                guard let client = try? await offPool({ [self] in try accept() }) else { continue }
                defer { close(client) }
                guard let line = try? await offPool({ try Self.readAll(from: client) }) else { continue }
                let reply = await perform(line)
                try? await offPool { try Self.write("\(reply.code)\n\(reply.text)", to: client) }
            }
        } onCancel: {
            // Wakes the accept(2) that waits.
            shutdown(descriptor, CInt(SHUT_RDWR))
        }
    }

    /// Has the program that listens perform a command; blocks.
    public static func ask(_ name: String, _ command: String) throws -> Reply {
        let descriptor = try open(name)
        defer { close(descriptor) }
        guard withAddress(name, { connect(descriptor, $0, $1) }) == 0 else {
            guard errno == ECONNREFUSED else { throw Failure.noAnswer(reason: systemMessage(errno)) }
            throw Failure.notListening
        }
        let peer = user(of: descriptor)
        guard let peer, peer == geteuid() || geteuid() == 0 else { throw Failure.otherUser(peer ?? .max) }
        setPatience(replyPatience, of: descriptor)
        try write(command, to: descriptor)
        shutdown(descriptor, CInt(SHUT_WR))
        let parts = try readAll(from: descriptor).split(
            separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let code = Int32(parts[0]) else {
            throw Failure.noAnswer(reason: "it closed the connection")
        }
        return Reply(code: code, text: String(parts[1]))
    }

    /// A client of our own user, or root's.
    private func accept() throws -> CInt {
        let client = Glibc.accept(descriptor, nil, nil)
        guard client >= 0 else { throw Failure.noAnswer(reason: systemMessage(errno)) }
        // No server is started meanwhile, which would inherit it: that is what the commands do, one after the other.
        _ = fcntl(client, F_SETFD, FD_CLOEXEC)
        guard let user = Self.user(of: client), user == geteuid() || user == 0 else {
            close(client)
            throw Failure.otherUser(.max)
        }
        Self.setPatience(Self.clientPatience, of: client)
        return client
    }

    private static func open(_ name: String) throws(LocalTopologyError) -> CInt {
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .system(attempt: "open a socket for", subject: "@\(name)", errno: errno) }
        return descriptor
    }

    /// The user of the process at the other end (SO_PEERCRED: process, user and group).
    private static func user(of descriptor: CInt) -> uid_t? {
        var credentials: [UInt32] = [0, 0, 0]
        var length = socklen_t(12)
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0, length == 12 else {
            return nil
        }
        return credentials[1]
    }

    private static func setPatience(_ seconds: Int, of descriptor: CInt) {
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        let length = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, length)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, length)
    }

    private static func readAll(from descriptor: CInt) throws -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while case let count = recv(descriptor, &chunk, chunk.count, 0), count != 0 {
            guard count > 0 else { throw Failure.noAnswer(reason: systemMessage(errno)) }
            bytes += chunk[..<count]
            guard bytes.count <= longestText else { throw Failure.noAnswer(reason: "it says too much") }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func write(_ text: String, to descriptor: CInt) throws {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            guard count > 0 else { throw Failure.noAnswer(reason: systemMessage(errno)) }
            rest.removeFirst(count)
        }
    }

    private static func withAddress<Result>(
        _ name: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let text = Array(name.utf8)
        precondition(text.count < MemoryLayout.size(ofValue: address.sun_path), "a name of 107 bytes at the most")
        withUnsafeMutableBytes(of: &address.sun_path) { path in
            // The first byte is 0: an abstract name.
            for (index, byte) in text.enumerated() { path[index + 1] = byte }
        }
        let length = MemoryLayout<sa_family_t>.size + 1 + text.count
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
        }
    }
}
