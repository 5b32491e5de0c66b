import Glibc
import Hiredis
import LocalTopology
import Testing

/// A value of any size whose every byte is known, made by the server itself.
enum LargeContent {
    /// Bytes of a block; each differs from its neighbours, and holds every byte there is.
    private static let blockBytes = 1 << 20

    private static let script = """
        local size = tonumber(ARGV[1])
        redis.call('DEL', KEYS[1])
        if size > 0 then redis.call('SETRANGE', KEYS[1], size - 1, 'x') end
        local at, number = 0, 0
        while at < size do
            local bytes = {}
            for k = 0, 255 do bytes[#bytes + 1] = string.char((k + number) % 256) end
            local block = string.rep(table.concat(bytes), 4096)
            if at + #block > size then block = string.sub(block, 1, size - at) end
            redis.call('SETRANGE', KEYS[1], at, block)
            at, number = at + #block, number + 1
        end
        return redis.call('STRLEN', KEYS[1])
        """

    static func block(_ number: Int) -> [UInt8] {
        var block: [UInt8] = (0..<256).map { UInt8(truncatingIfNeeded: $0 + number) }
        while block.count < blockBytes { block += block }
        return block
    }

    /// Has the server store it.
    static func store(_ key: String, bytes: Int, on server: String, of cluster: LocalCluster) async throws {
        let reply = try await cluster.redis(server, "EVAL", script, "1", key, "\(bytes)", timeout: .seconds(120))
        try #require(reply == .integer(Int64(bytes)), "\(reply)")
    }

    /// Compares what comes with what it should be, from its beginning on.
    struct Check {
        private(set) var count = 0
        private(set) var isRight = true
        private var expected: [UInt8] = []

        mutating func take(_ bytes: ArraySlice<UInt8>) {
            var rest = bytes
            while !rest.isEmpty {
                let place = count % blockBytes
                if place == 0 || expected.isEmpty { expected = LargeContent.block(count / blockBytes) }
                let part = rest.prefix(blockBytes - place)
                let isEqual = part.withUnsafeBytes { left in
                    expected[place...].withUnsafeBytes { memcmp(left.baseAddress!, $0.baseAddress!, left.count) == 0 }
                }
                isRight = isRight && isEqual
                count += part.count
                rest = rest.dropFirst(part.count)
            }
        }
    }
}

/// One GET whose body is looked at as it comes, and not kept.
struct LargeGet: Sendable {
    var status = 0
    var headers: [String] = []
    var bodyBytes = 0
    var isRight = false
    var duration = Duration.zero
    /// The first bytes of the body, for problems.
    var text = ""

    func header(_ name: String) -> String? {
        headers.first { $0.lowercased().hasPrefix(name.lowercased() + ": ") }.map {
            String($0.dropFirst(name.count + 2))
        }
    }

    var contentLength: Int? { header("Content-Length").flatMap { Int($0) } }

    /// Whether all of the body came that was announced, and as it is stored.
    var isWhole: Bool { status == 200 && bodyBytes == contentLength && isRight }

    /// How fast the client reads.
    struct Pace: Sendable {
        /// Bytes between two pauses.
        var chunk = 1 << 18
        /// A pause.
        var pause = Duration.zero
        /// The client leaves after so many bytes of the answer.
        var leavesAfter = Int.max
        /// Called with the first bytes of the body.
        var whenBodyBegins: @Sendable () -> Void = {}
    }

    static func run(
        _ path: String, headers: [String] = [], at endpoint: Endpoint, pace: Pace = Pace(),
        timeout: Duration = .seconds(60)
    ) async throws -> LargeGet {
        try await withCheckedThrowingContinuation { continuation in
            onOwnThread {
                continuation.resume(with: Result { try get(path, headers, endpoint, pace, timeout) })
            }
        }
    }

    /// Sends requests, reads nothing, and returns the socket, which the caller closes.
    static func open(_ path: String, at endpoint: Endpoint) throws -> CInt {
        let socket = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        try #require(try endpoint.withSocketAddress { connect(socket, $0, $1) } == 0)
        let request = Array("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        try #require(send(socket, request, request.count, CInt(MSG_NOSIGNAL)) == request.count)
        return socket
    }

    private static func get(
        _ path: String, _ headers: [String], _ endpoint: Endpoint, _ pace: Pace, _ timeout: Duration
    ) throws -> LargeGet {
        let start = ContinuousClock.now
        let socket = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(socket) }
        try #require(try endpoint.withSocketAddress { connect(socket, $0, $1) } == 0)
        let lines = ["GET \(path) HTTP/1.1", "Host: a", "Connection: close"] + headers
        let request = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
        try #require(send(socket, request, request.count, CInt(MSG_NOSIGNAL)) == request.count)
        var result = LargeGet()
        var head: [UInt8] = []
        var check = LargeContent.Check()
        var isInBody = false
        var total = 0
        var chunk = [UInt8](repeating: 0, count: pace.chunk)
        while total < pace.leavesAfter {
            var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            let left = CInt(clamping: Int64((timeout - (.now - start)) / .milliseconds(1)))
            try #require(left > 0 && poll(&entry, 1, left) > 0, "\(path): nothing came for long, after \(total) bytes")
            let count = recv(socket, &chunk, chunk.count, 0)
            guard count > 0 else { break }
            total += count
            var bytes = chunk[..<count]
            if !isInBody {
                head += bytes
                guard let end = end(ofHeadIn: head) else { continue }
                isInBody = true
                pace.whenBodyBegins()
                let lines = String(decoding: head[..<(end - 4)], as: UTF8.self).split(separator: "\r\n").map(
                    String.init)
                result.status = Int(lines[0].split(separator: " ")[1]) ?? 0
                result.headers = Array(lines.dropFirst())
                bytes = head[end...]
            }
            if result.text.utf8.count < 500 { result.text += String(decoding: bytes.prefix(500), as: UTF8.self) }
            check.take(bytes)
            if pace.pause > .zero { poll(nil, 0, CInt(clamping: Int64(pace.pause / .milliseconds(1)))) }
        }
        result.bodyBytes = check.count
        result.isRight = check.isRight
        result.duration = .now - start
        return result
    }

    private static func end(ofHeadIn bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        return (4...min(bytes.count, 8192)).first { bytes[($0 - 4)..<$0].elementsEqual([13, 10, 13, 10]) }
    }
}

extension LocalCluster {
    /// The most memory that a node's process has had so far, in MiB.
    nonisolated func peakMemory(of name: String) async throws -> Int {
        let process = try await processIdentifier(of: name)
        let status = String(decoding: try Scratch.read("/proc/\(process)/status"), as: UTF8.self)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(Int(line.split(separator: " ").dropLast().last ?? "")) / 1024
    }
}
