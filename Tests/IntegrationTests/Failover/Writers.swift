import Glibc
import Hiredis
import LocalTopology
import Synchronization

/// A client for each server that writes as fast as it is let, and notes what was acknowledged when.
final class Writers: Sendable {
    struct Acknowledged: Sendable {
        var server: String
        var number: Int
        var sentAt: ContinuousClock.Instant
        var receivedAt: ContinuousClock.Instant
        /// Another node had it, too (WAIT 1).
        var byQuorum: Bool
    }

    struct Notes: Sendable {
        var acknowledged: [Acknowledged] = []
        var refused: [String: Int] = [:]
        var next = 0
    }

    private struct State {
        var notes = Notes()
        var isOver = false
        var running = 0
    }

    private let state = Mutex(State())
    static let key = "acknowledged"

    /// - Parameter waits: whether each write waits for a replica.
    init(_ nodes: [NodeSpec], waits: Bool = true) {
        state.withLock { $0.running = nodes.count }
        for node in nodes {
            if let network = node.network {
                Task { try? await network.perform { self.write(to: node, waits: waits) } }
            } else {
                onOwnThread { self.write(to: node, waits: waits) }
            }
        }
    }

    var notes: Notes { state.withLock { $0.notes } }

    /// Returns when no write is under way any more.
    func stop() async throws -> Notes {
        state.withLock { $0.isOver = true }
        let end = ContinuousClock.now + .seconds(60)
        while state.withLock({ $0.running > 0 }) {
            guard ContinuousClock.now < end else {
                throw Spawned.Failure(description: "a write is under way 60 s after the last one was to begin")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        return notes
    }

    private func write(to node: NodeSpec, waits: Bool) {
        defer { state.withLock { $0.running -= 1 } }
        while !state.withLock({ $0.isOver }) {
            do throws(BlockingConnectionError) {
                var connection = try BlockingConnection(
                    host: node.endpoint.host, port: node.endpoint.port, timeout: .milliseconds(500))
                while !state.withLock({ $0.isOver }) { try writeOnce(to: node.name, waits, &connection) }
            } catch {
                pause()
            }
        }
    }

    private func writeOnce(
        to name: String, _ waits: Bool, _ connection: inout BlockingConnection
    ) throws(BlockingConnectionError) {
        let number = state.withLock { state in
            state.notes.next += 1
            return state.notes.next
        }
        let sentAt = ContinuousClock.now
        let reply = try connection.command("SADD", Self.key, "\(number)")
        guard case .integer = reply else {
            state.withLock { $0.notes.refused[name, default: 0] += 1 }
            return pause()
        }
        let receivedAt = ContinuousClock.now
        var byQuorum = false
        if waits, let reply = try? connection.command("WAIT", "1", "300"), case .integer(let count) = reply {
            byQuorum = count > 0
        }
        state.withLock {
            $0.notes.acknowledged.append(
                Acknowledged(
                    server: name, number: number, sentAt: sentAt, receivedAt: receivedAt, byQuorum: byQuorum))
        }
    }

    /// A client that was refused tries again soon.
    private func pause() {
        var time = timespec(tv_sec: 0, tv_nsec: 2_000_000)
        nanosleep(&time, nil)
    }
}

extension Writers.Notes {
    /// The first write that a server acknowledged which was sent after an instant.
    func first(of server: String, after instant: ContinuousClock.Instant) -> Writers.Acknowledged? {
        acknowledged.filter { $0.server == server && $0.sentAt > instant }.min { $0.receivedAt < $1.receivedAt }
    }

    /// How many writes the old leader acknowledged that were sent when the new one had acknowledged one already.
    func overlap(of old: String, with new: String, after instant: ContinuousClock.Instant) -> Int {
        guard let first = first(of: new, after: instant) else { return 0 }
        return acknowledged.count { $0.server == old && $0.sentAt > first.receivedAt }
    }
}
