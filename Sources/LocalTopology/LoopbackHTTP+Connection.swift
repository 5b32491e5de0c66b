internal import Glibc

extension LoopbackHTTP {
    /// One connection, closed at the end of its life.
    struct Connection: ~Copyable {
        private let descriptor: CInt
        private let endpoint: Endpoint
        private let timeout: Duration

        init(to endpoint: Endpoint, timeout: Duration) throws {
            self.init(over: try Self.open(to: endpoint, timeout: timeout), to: endpoint, timeout: timeout)
        }

        /// - Parameter descriptor: Connected, and ours from now on.
        init(over descriptor: CInt, to endpoint: Endpoint, timeout: Duration) {
            self.descriptor = descriptor
            self.endpoint = endpoint
            self.timeout = timeout
        }

        deinit { close(descriptor) }

        /// Connects in the network of the calling thread.
        /// - Returns: A descriptor that does not block.
        static func open(to endpoint: Endpoint, timeout: Duration) throws -> CInt {
            let flags = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
            let descriptor = socket(AF_INET, flags, 0)
            do {
                let code = try endpoint.withSocketAddress { Glibc.connect(descriptor, $0, $1) }
                guard code == 0 || errno == EINPROGRESS else { throw Failure.connect(endpoint, errno: errno) }
                guard wait(for: POLLOUT, on: descriptor, within: timeout) else {
                    throw Failure.connect(endpoint, errno: ETIMEDOUT)
                }
                var failure: CInt = 0
                var length = socklen_t(MemoryLayout<CInt>.size)
                getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &length)
                guard failure == 0 else { throw Failure.connect(endpoint, errno: failure) }
                return descriptor
            } catch {
                close(descriptor)
                throw error
            }
        }

        func send(_ request: Request) throws -> Response {
            var lines = ["\(request.method) \(request.path) HTTP/1.1", "Host: \(endpoint)"] + request.headers
            if !request.body.isEmpty { lines.append("Content-Length: \(request.body.count)") }
            try send(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + request.body)
            return try receive(bodyless: request.method == "HEAD")
        }

        func send(_ bytes: [UInt8]) throws {
            var rest = bytes[...]
            while !rest.isEmpty {
                try wait(for: POLLOUT)
                let written = rest.withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
                }
                guard written > 0 else { throw Failure.broken(endpoint, reason: systemMessage(errno)) }
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
                throw Failure.broken(endpoint, reason: "did not come: \(systemMessage(errno))")
            }
            return count == 0 ? nil : chunk[..<count]
        }

        /// Reads one response: by its Content-Length, or to the end of the connection.
        private func receive(bodyless: Bool) throws -> Response {
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
                        throw Failure.broken(endpoint, reason: "ended after \(bytes.count) bytes")
                    }
                    return try response(head.lines, body: Array(bytes[head.end...]))
                }
                bytes.append(contentsOf: chunk)
            }
        }

        private func wait(for event: CInt) throws {
            guard Self.wait(for: event, on: descriptor, within: timeout) else {
                throw Failure.broken(endpoint, reason: "did not come within \(timeout)")
            }
        }

        private static func wait(for event: CInt, on descriptor: CInt, within timeout: Duration) -> Bool {
            var entry = pollfd(fd: descriptor, events: Int16(event), revents: 0)
            return poll(&entry, 1, CInt(clamping: Int64(timeout / .milliseconds(1)))) > 0
        }

        private func response(_ lines: [String], body: [UInt8]) throws -> Response {
            let words = lines.first?.split(separator: " ") ?? []
            guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
                throw Failure.broken(endpoint, reason: "is not HTTP: \(lines.first ?? "")")
            }
            return Response(status: status, headers: Array(lines.dropFirst()), body: body)
        }
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
