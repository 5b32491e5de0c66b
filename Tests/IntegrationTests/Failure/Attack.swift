import Glibc
import LocalTopology
import Testing

/// Clients that send as much as they can, and take the answers as fast as they can, or not at all.
final class Attack {
    struct Kind: Sendable, CustomTestStringConvertible {
        let name: String
        let clients: Int
        /// Whether the answers are taken.
        let reads: Bool
        /// Whether a client leaves once it has sent all, takes no answer, and comes again.
        var leaves = false
        /// What one client sends, by its number; one that reads sends it again and again.
        let bytes: @Sendable (_ client: Int) -> [UInt8]

        var testDescription: String {
            "\(name), \(clients) clients that \(leaves ? "leave" : reads ? "read" : "read nothing")"
        }
    }

    private struct Client {
        let number: Int
        var socket: LoadSocket
        var unsent: ArraySlice<UInt8>
    }

    private let kind: Kind
    private let endpoint: Endpoint
    private var clients: [Client] = []
    /// Bytes that the clients have taken.
    private(set) var takenBytes = 0

    init(_ kind: Kind, on endpoint: Endpoint) throws {
        self.kind = kind
        self.endpoint = endpoint
        for number in 0..<kind.clients { clients.append(try connect(number)) }
    }

    private func connect(_ number: Int) throws -> Client {
        let socket = try LoadSocket(to: endpoint, receiveBufferBytes: kind.reads ? nil : 4096)
        return Client(number: number, socket: socket, unsent: kind.bytes(number)[...])
    }

    /// Sends and takes what goes now, once for each client, and connects again where the server has ended a connection.
    func goOn() throws {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        for index in clients.indices {
            send(&clients[index])
            if kind.leaves, clients[index].unsent.isEmpty { clients[index] = try connect(clients[index].number) }
            guard kind.reads else { continue }
            let descriptor = clients[index].socket.descriptor
            let count = recv(descriptor, &buffer, buffer.count, CInt(MSG_DONTWAIT))
            takenBytes += max(0, count)
            if count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR) {
                clients[index] = try connect(clients[index].number)
            }
        }
    }

    private func send(_ client: inout Client) {
        if client.unsent.isEmpty, kind.reads { client.unsent = kind.bytes(client.number)[...] }
        guard !client.unsent.isEmpty else { return }
        let flags = CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)
        let count = client.unsent.withUnsafeBytes {
            Glibc.send(client.socket.descriptor, $0.baseAddress, $0.count, flags)
        }
        if count > 0 { client.unsent.removeFirst(count) }
        // The server has ended the connection.
        if count < 0, errno != EAGAIN, errno != EINTR, kind.leaves { client.unsent = [] }
    }
}

/// A client that asks one request after the other over one connection, each once it has the answer to the one before.
final class HonestClient {
    private let endpoint: Endpoint
    private let requests: [[UInt8]]
    private var socket: LoadSocket
    private var answer: [UInt8] = []
    private var sent = 0
    /// The status of each answer.
    private(set) var statuses: [String] = []

    /// - Parameter requests: whole requests, asked in turn. Their answers are small, and come in one piece.
    init(_ requests: [String], to endpoint: Endpoint) throws {
        self.endpoint = endpoint
        self.requests = requests.map { Array($0.utf8) }
        socket = try LoadSocket(to: endpoint)
        try ask()
    }

    private func ask() throws {
        var bytes = requests[sent % requests.count]
        sent += 1
        try socket.send(&bytes)
        try #require(bytes.isEmpty)
    }

    /// Takes the answer if it has come, and asks the next request.
    func goOn() throws {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = recv(socket.descriptor, &buffer, buffer.count, CInt(MSG_DONTWAIT))
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        guard count > 0 else {
            statuses.append(count == 0 ? "closed" : "broken: \(errno)")
            socket = try LoadSocket(to: endpoint)
            return try ask()
        }
        statuses.append(String(decoding: buffer[..<count].dropFirst(9).prefix(3), as: UTF8.self))
        try ask()
    }
}
