import Dispatch
import Glibc
import LocalTopology
import Testing

/// Deadlines count from the last progress: these clients are slower than the whole deadline allows, and fast enough.
@Suite("Slow and steady transfers")
struct SlowTransferTests {
    /// Two seconds at 20 kB/s are what a client has to make of each window.
    private static let environment = ["CLIENT_TIMEOUT_SECONDS": "2", "CLIENT_MIN_BYTES_PER_SECOND": "20000"]
    private static let bytes = 600_000
    /// Ten times a second; 100 kB/s, so that the whole takes three windows.
    private static let piece = 10_000

    @Test("pass in both directions, however long the whole takes")
    func steady() async throws {
        let system = try DirectCluster(replicaLines: [], environment: Self.environment)
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilServed: .set(#"{"key":"k","value":"v"}"#), by: "app")
            let endpoint = system.app.endpoint
            let began = ContinuousClock.now
            let (written, read) = try await Self.onOwnThread {
                let writer = try LoadSocket(to: endpoint)
                var head = Array("PUT /v1/keys/slow HTTP/1.1\r\nHost: a\r\nContent-Length: \(Self.bytes)\r\n\r\n".utf8)
                try writer.send(&head)
                let written = try Self.pace { _ in
                    var piece = [UInt8](repeating: 0x61, count: Self.piece)
                    try writer.send(&piece)
                    return Self.piece - piece.count
                }
                writer.waitForBytes(until: .now + .seconds(5))
                guard case .bytes(let answer) = writer.receive() else { return (written, (0, "")) }
                // A separate window size, so that the client's pace is seen and not its kernel's.
                let reader = try LoadSocket(to: endpoint, receiveBufferBytes: 16_384)
                var request = Array("GET /v1/keys/slow HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
                try reader.send(&request)
                var taken = 0
                _ = try Self.pace { _ in
                    reader.waitForBytes(until: .now + .seconds(1))
                    let count = reader.take(upTo: Self.piece)
                    taken += count
                    return count
                }
                return (written, (taken, String(decoding: answer.prefix(12), as: UTF8.self)))
            }
            #expect(written == Self.bytes)
            #expect(read.1 == "HTTP/1.1 201")
            #expect(read.0 >= Self.bytes, "\(read.0) bytes were taken")
            #expect(ContinuousClock.now - began > .seconds(8), "no window was passed, so this shows nothing")
        }
    }

    @Test("end where the client takes nothing, or a byte a second, of an answer")
    func readers() async throws {
        let system = try DirectCluster(replicaLines: [], environment: Self.environment)
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilServed: .set(#"{"key":"k","value":"v"}"#), by: "app")
            _ = try await cluster.redis("master", "SETRANGE", "k", "999999", "x")
            let endpoint = system.app.endpoint
            let ended = try await Self.onOwnThread { () throws -> [Duration] in
                let began = ContinuousClock.now
                let sockets = try [0, 1].map { _ in try LoadSocket(to: endpoint, receiveBufferBytes: 16_384) }
                for socket in sockets {
                    var request = Array("GET /v1/keys/k HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
                    try socket.send(&request)
                }
                var ends: [Int: Duration] = [:]
                while ends.count < 2, .now - began < .seconds(20) {
                    var entries = sockets.map { pollfd(fd: $0.descriptor, events: 0, revents: 0) }
                    poll(&entries, nfds_t(entries.count), 1000)
                    _ = sockets[1].take(upTo: 1)
                    for (index, entry) in entries.enumerated() where entry.revents != 0 && ends[index] == nil {
                        ends[index] = .now - began
                    }
                }
                return ends.values.sorted()
            }
            #expect(ended.count == 2)
            for time in ended { #expect(time >= .seconds(2)) }
        }
    }

    private static func onOwnThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws
        -> Value
    {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue(label: "slow transfers").async { continuation.resume(with: Result { try body() }) }
        }
    }

    /// Calls `move` ten times a second until the whole has moved, or nothing moves for five seconds.
    private static func pace(_ move: (Int) throws -> Int) throws -> Int {
        var moved = 0
        var progressAt = ContinuousClock.now
        var next = ContinuousClock.now
        while moved < bytes, .now - progressAt < .seconds(5) {
            next += .milliseconds(100)
            let count = try move(moved)
            if count > 0 { progressAt = .now }
            moved += count
            // The pace of the client is what is tested.
            poll(nil, 0, CInt(max(0, (next - .now) / .milliseconds(1))))
        }
        return moved
    }
}
