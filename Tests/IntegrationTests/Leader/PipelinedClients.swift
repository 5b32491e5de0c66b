import Glibc
import LocalTopology
import Synchronization
import Testing

/// Connections of clients that each send several requests in one piece and wait for all answers.
final class PipelinedClients: Sendable {
    struct Answer: Sendable {
        var client: Int
        var status: Int
        var headers: [String]
        var body: String
        var receivedAt: ContinuousClock.Instant

        func header(_ name: String) -> String? {
            headers.first { $0.lowercased().hasPrefix(name.lowercased() + ":") }
                .map { String($0.dropFirst(name.count + 1).drop { $0 == " " }) }
        }
    }

    private let connections: Mutex<Connections>

    init(_ count: Int, to endpoint: Endpoint) throws {
        connections = Mutex(Connections(try (0..<count).map { _ in try LoadSocket(to: endpoint) }, endpoint))
    }

    /// Sends the requests of one client in one piece.
    func send(_ requests: [LoopbackHTTP.Request], of client: Int) async throws {
        try await send([(client, requests)])
    }

    /// Sends the requests of each client in one piece.
    func send(_ requests: [(client: Int, requests: [LoopbackHTTP.Request])]) async throws {
        try await onThread { connections in
            for (client, requests) in requests { try connections.send(requests, of: client) }
        }
    }

    /// Takes what has come, until so many answers have been taken.
    ///
    /// - Parameter limit: how long the next answer may take.
    func receive(_ count: Int, within limit: Duration = .seconds(60)) async throws -> [Answer] {
        try await onThread { try $0.receive(count, within: limit) }
    }

    /// One that blocks none of the pool's.
    private func onThread<Value: Sendable>(
        _ body: @escaping @Sendable (inout Connections) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            onOwnThread { continuation.resume(with: Result { try self.connections.withLock { try body(&$0) } }) }
        }
    }
}

private struct Connections {
    private let endpoint: Endpoint
    private let sockets: [LoadSocket]
    private var received: [[UInt8]]
    private var awaited: [Int]

    init(_ sockets: [LoadSocket], _ endpoint: Endpoint) {
        self.endpoint = endpoint
        self.sockets = sockets
        received = Array(repeating: [], count: sockets.count)
        awaited = Array(repeating: 0, count: sockets.count)
    }

    mutating func send(_ requests: [LoopbackHTTP.Request], of client: Int) throws {
        var bytes: [UInt8] = []
        for request in requests {
            let lines = ["\(request.method) \(request.path) HTTP/1.1", "Host: \(endpoint)"] + request.headers
            let head = (lines + ["Content-Length: \(request.body.count)"]).joined(separator: "\r\n") + "\r\n\r\n"
            bytes += Array(head.utf8) + request.body
        }
        let end = ContinuousClock.now + .seconds(30)
        while !bytes.isEmpty {
            try sockets[client].send(&bytes)
            try #require(bytes.isEmpty || ContinuousClock.now < end, "the app takes no request")
            if !bytes.isEmpty { usleep(100) }
        }
        awaited[client] += requests.count
    }

    mutating func receive(_ count: Int, within limit: Duration) throws -> [PipelinedClients.Answer] {
        var answers: [PipelinedClients.Answer] = []
        var end = ContinuousClock.now + limit
        while answers.count < count {
            try #require(ContinuousClock.now < end, "\(count - answers.count) of \(count) answers did not come")
            var entries = sockets.indices.map {
                pollfd(fd: awaited[$0] > 0 ? sockets[$0].descriptor : -1, events: Int16(POLLIN), revents: 0)
            }
            guard poll(&entries, nfds_t(entries.count), 200) > 0 else { continue }
            for client in sockets.indices where entries[client].revents != 0 && awaited[client] > 0 {
                switch sockets[client].receive() {
                case .bytes(let bytes): received[client] += bytes
                case .nothing: continue
                case .end(let reason): try #require(Bool(false), "client \(client) lost its connection: \(reason)")
                }
                while let answer = takeAnswer(of: client) {
                    answers.append(answer)
                    end = .now + limit
                }
            }
        }
        return answers
    }

    private mutating func takeAnswer(of client: Int) -> PipelinedClients.Answer? {
        let bytes = received[client]
        guard awaited[client] > 0,
            let end = bytes.indices.first(where: { bytes[$0...].starts(with: [13, 10, 13, 10]) })
        else { return nil }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n").map(String.init)
        let status = lines[0].split(separator: " ")[1]
        var answer = PipelinedClients.Answer(
            client: client, status: Int(status) ?? 0, headers: Array(lines.dropFirst()), body: "", receivedAt: .now)
        let length = answer.header("Content-Length").flatMap { Int($0) } ?? 0
        guard bytes.count >= end + 4 + length else { return nil }
        answer.body = String(decoding: bytes[(end + 4)..<(end + 4 + length)], as: UTF8.self)
        received[client].removeFirst(end + 4 + length)
        awaited[client] -= 1
        return answer
    }
}
