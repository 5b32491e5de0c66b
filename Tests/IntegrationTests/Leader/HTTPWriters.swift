import LocalTopology
import Synchronization
import Testing

/// Clients of an app that write numbered keys, each over its own connection, as fast as they are answered.
final class HTTPWriters: Sendable {
    struct Write: Sendable {
        var number: Int
        var status: Int
        var code: String?
        var token: String?
        var servedBy: String?
        var sentAt: ContinuousClock.Instant
        var receivedAt: ContinuousClock.Instant

        var isAcknowledged: Bool { 200..<300 ~= status }
        var time: Duration { receivedAt - sentAt }
    }

    private struct State {
        var writes: [Write] = []
        var next = 0
        var isOver = false
        var failure: String?
    }

    private let state = Mutex(State())

    /// Runs a body beside the writers, and returns all writes once the last one is answered.
    static func run(
        _ count: Int = 4, to endpoint: Endpoint, _ body: (HTTPWriters) async throws -> Void
    ) async throws -> [Write] {
        let writers = HTTPWriters()
        try await withThrowingTaskGroup { group in
            for _ in 0..<count { group.addTask { try await writers.write(to: endpoint) } }
            do {
                try await body(writers)
            } catch {
                writers.state.withLock { $0.isOver = true }
                throw error
            }
            writers.state.withLock { $0.isOver = true }
            try await group.waitForAll()
        }
        return writers.writes
    }

    var writes: [Write] { state.withLock { $0.writes } }

    private func write(to endpoint: Endpoint) async throws {
        while let number = state.withLock({ state in
            state.next += 1
            return state.isOver ? nil : state.next
        }) {
            let sentAt = ContinuousClock.now
            let request = LoopbackHTTP.Request("PUT", "/v1/keys/n\(number)", body: Array("\(number)".utf8))
            let answer = try await LoopbackHTTP.exchange([request], with: endpoint, timeout: .seconds(40))[0]
            state.withLock {
                $0.writes.append(
                    Write(
                        number: number, status: answer.status, code: answer.code,
                        token: answer.header("Replication-Token"), servedBy: answer.header("Served-By"),
                        sentAt: sentAt, receivedAt: .now))
            }
            // Some thousand writes a second would tell nothing more.
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
