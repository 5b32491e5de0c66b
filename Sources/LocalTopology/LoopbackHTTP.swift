internal import Glibc

/// Just enough HTTP/1.1 to ask the project's own programs on loopback.
public enum LoopbackHTTP {
    public struct Request: Hashable, Sendable {
        public var method: String
        public var path: String
        public var headers: [String]
        public var body: [UInt8]

        /// - Parameter headers: Whole lines, without their end: `Content-Type: application/json`.
        public init(_ method: String, _ path: String, headers: [String] = [], body: [UInt8] = []) {
            self.method = method
            self.path = path
            self.headers = headers
            self.body = body
        }

        public static func get(_ path: String) -> Request { Request("GET", path) }
    }

    public struct Response: Hashable, Sendable {
        public let status: Int
        /// The header lines as they came.
        public let headers: [String]
        public let body: [UInt8]

        public var text: String { String(decoding: body, as: UTF8.self) }

        /// The value of the first header of this name, whatever its case.
        public func header(_ name: String) -> String? {
            for line in headers {
                let parts = line.split(separator: ":", maxSplits: 1)
                guard parts.count == 2, parts[0].lowercased() == name.lowercased() else { continue }
                return String(parts[1].drop { $0 == " " })
            }
            return nil
        }
    }

    public enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        case connect(Endpoint, errno: CInt)
        case broken(Endpoint, reason: String)

        public var description: String {
            switch self {
            case .connect(let endpoint, let code): "cannot connect to \(endpoint): \(systemMessage(code))"
            case .broken(let endpoint, let reason): "the answer of \(endpoint) \(reason)"
            }
        }
    }

    /// Sends the requests one after another over *one* connection, so that one process answers them all even where several
    /// share the port.
    /// - Parameter timeout: The longest one read or write may take.
    public static func exchange(
        _ requests: [Request], with endpoint: Endpoint, timeout: Duration = .seconds(5)
    ) async throws -> [Response] {
        try await offPool { () throws -> [Response] in
            let connection = Connection(to: endpoint, timeout: timeout)
            try connection.connect()
            return try requests.map { try connection.send($0) }
        }
    }

    /// Sends bytes as they are, and returns everything that comes back until the server closes the connection.
    ///
    /// - Parameters:
    ///   - closesOutput: Whether our side is closed once all is sent, as `nc -N` does.
    ///   - timeout: The longest one read or write may take.
    public static func transcript(
        of bytes: [UInt8], closesOutput: Bool = false, with endpoint: Endpoint, timeout: Duration = .seconds(5)
    ) async throws -> String {
        try await offPool { () throws -> String in
            let connection = Connection(to: endpoint, timeout: timeout)
            try connection.connect()
            try connection.send(bytes)
            if closesOutput { connection.closeOutput() }
            return String(decoding: try connection.receiveAll(), as: UTF8.self)
        }
    }
}

extension LoopbackHTTP {
    /// One connection that is kept, for as long as the server keeps it.
    public final class Session: Sendable {
        private let connection: Connection

        /// - Parameter timeout: The longest one read or write may take.
        public init(with endpoint: Endpoint, timeout: Duration = .seconds(5)) async throws {
            connection = Connection(to: endpoint, timeout: timeout)
            try await offPool { try self.connection.connect() }
        }

        /// Sends one request and waits for its answer; one at a time.
        public func ask(_ request: Request) async throws -> Response {
            try await offPool { try self.connection.send(request) }
        }
    }
}

private struct Connection: ~Copyable {
    private let descriptor: CInt
    private let endpoint: Endpoint
    private let timeout: Duration

    init(to endpoint: Endpoint, timeout: Duration) {
        let flags = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        descriptor = socket(AF_INET, flags, 0)
        self.endpoint = endpoint
        self.timeout = timeout
    }

    func connect() throws {
        let code = try endpoint.withSocketAddress { Glibc.connect(descriptor, $0, $1) }
        guard code == 0 || errno == EINPROGRESS else {
            throw LoopbackHTTP.Failure.connect(endpoint, errno: errno)
        }
        try wait(for: POLLOUT)
        var failure: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &length)
        guard failure == 0 else { throw LoopbackHTTP.Failure.connect(endpoint, errno: failure) }
    }

    deinit { close(descriptor) }

    func send(_ request: LoopbackHTTP.Request) throws -> LoopbackHTTP.Response {
        var lines = ["\(request.method) \(request.path) HTTP/1.1", "Host: \(endpoint)"] + request.headers
        if !request.body.isEmpty { lines.append("Content-Length: \(request.body.count)") }
        try send(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + request.body)
        return try receive(bodyless: request.method == "HEAD")
    }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            try wait(for: POLLOUT)
            let written = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            guard written > 0 else { throw LoopbackHTTP.Failure.broken(endpoint, reason: systemMessage(errno)) }
            rest.removeFirst(written)
        }
    }

    func closeOutput() { shutdown(descriptor, CInt(SHUT_WR)) }

    func receiveAll() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let chunk = try receiveChunk() { bytes.append(contentsOf: chunk) }
        return bytes
    }

    /// What came, or `nil` at the end of the connection.
    private func receiveChunk() throws -> ArraySlice<UInt8>? {
        try wait(for: POLLIN)
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        guard count >= 0 else {
            throw LoopbackHTTP.Failure.broken(endpoint, reason: "did not come: \(systemMessage(errno))")
        }
        return count == 0 ? nil : chunk[..<count]
    }

    /// Reads one response: by its Content-Length, or to the end of the connection.
    private func receive(bodyless: Bool) throws -> LoopbackHTTP.Response {
        var bytes: [UInt8] = []
        var head: (lines: [String], end: Int)?
        while true {
            if head == nil, let end = bytes.firstIndex(ofHeadIn: ()) {
                let text = String(decoding: bytes[..<end], as: UTF8.self)
                head = (text.split(separator: "\r\n").map(String.init), end + 4)
            }
            if let head,
                bodyless || head.lines.isBodyless
                    || head.lines.contentLength.map({ bytes.count - head.end >= $0 }) == true
            {
                return try response(head.lines, body: Array(bytes[head.end...]))
            }
            guard let chunk = try receiveChunk() else {
                guard let head, head.lines.contentLength == nil else {
                    throw LoopbackHTTP.Failure.broken(endpoint, reason: "ended after \(bytes.count) bytes")
                }
                return try response(head.lines, body: Array(bytes[head.end...]))
            }
            bytes.append(contentsOf: chunk)
        }
    }

    private func wait(for event: CInt) throws {
        var entry = pollfd(fd: descriptor, events: Int16(event), revents: 0)
        let milliseconds = CInt(clamping: Int64(timeout / .milliseconds(1)))
        guard poll(&entry, 1, milliseconds) > 0 else {
            throw LoopbackHTTP.Failure.broken(endpoint, reason: "did not come within \(timeout)")
        }
    }

    private func response(_ lines: [String], body: [UInt8]) throws -> LoopbackHTTP.Response {
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw LoopbackHTTP.Failure.broken(endpoint, reason: "is not HTTP: \(lines.first ?? "")")
        }
        return LoopbackHTTP.Response(status: status, headers: Array(lines.dropFirst()), body: body)
    }
}

extension [UInt8] {
    fileprivate func firstIndex(ofHeadIn _: Void) -> Int? {
        indices.first { self[$0...].starts(with: [13, 10, 13, 10]) }
    }
}

extension [String] {
    /// Whether the status says that nothing follows the head (RFC 9110 §6.4.1).
    fileprivate var isBodyless: Bool {
        guard let status = first else { return false }
        return status.hasPrefix("HTTP/1.1 204 ") || status.hasPrefix("HTTP/1.1 304 ")
    }

    fileprivate var contentLength: Int? {
        for line in self {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == "content-length" {
                return Int(parts[1].drop { $0 == " " })
            }
        }
        return nil
    }
}
