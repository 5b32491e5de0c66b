internal import Glibc

/// Just enough HTTP/1.1 to ask the project's own programs on loopback, or in a network namespace.
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

        /// The value of the first header of this name, ignoring case.
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
    /// - Parameters:
    ///   - network: Where the connection comes from, if not from our own network.
    ///   - timeout: The longest the connect, or one read or write, may take.
    public static func exchange(
        _ requests: [Request], with endpoint: Endpoint, from network: NetworkNamespace? = nil,
        timeout: Duration = .seconds(5)
    ) async throws -> [Response] {
        try await offPool(in: network) { () throws -> [Response] in
            let connection = try Connection(to: endpoint, timeout: timeout)
            return try requests.map { try connection.send($0) }
        }
    }

    /// Sends bytes as they are, and returns everything that comes back until the server closes the connection.
    ///
    /// - Parameters:
    ///   - closesOutput: Whether our side is closed once all is sent, as `nc -N` does.
    ///   - timeout: The longest the connect, or one read or write, may take.
    package static func transcript(
        of bytes: [UInt8], closesOutput: Bool = false, with endpoint: Endpoint, timeout: Duration = .seconds(5)
    ) async throws -> String {
        try await offPool { () throws -> String in
            let connection = try Connection(to: endpoint, timeout: timeout)
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

        /// - Parameters:
        ///   - network: Where the connection comes from, if not from our own network.
        ///   - timeout: The longest the connect, or one read or write, may take.
        public init(
            with endpoint: Endpoint, from network: NetworkNamespace? = nil, timeout: Duration = .seconds(5)
        ) async throws {
            let descriptor = try await offPool(in: network) { try Connection.open(to: endpoint, timeout: timeout) }
            connection = Connection(over: descriptor, to: endpoint, timeout: timeout)
        }

        /// Sends one request and waits for its answer; one at a time.
        public func ask(_ request: Request) async throws -> Response {
            try await offPool { try self.connection.send(request) }
        }
    }
}
