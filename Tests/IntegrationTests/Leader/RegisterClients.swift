import LocalTopology
import RegisterHistory
import Synchronization

/// Clients of an app that write and read one key, and pass on the newest token that any of them has: all of them together are
/// one client to whom the API promises to see no older value.
final class RegisterClients: Sendable {
    struct Write: Sendable {
        var value: Int
        var token: String
    }

    struct Record: Sendable {
        var history = RegisterHistory()
        /// With the token of each.
        var acknowledged: [Write] = []
        /// How many answers were no promise: no token, another verdict, no server.
        var others: [String: Int] = [:]
    }

    fileprivate struct State {
        var record = Record()
        var next = 0
        var isOver = false
        /// Histories in the order in which they were first met.
        var histories: [Substring] = []
        var token: String?
    }

    static let path = "/v1/keys/register"
    private let state = Mutex(State())
    private let passesTokens: Bool
    private let start = ContinuousClock.now

    private init(passingTokens: Bool) { passesTokens = passingTokens }

    /// Runs a body beside the clients, and returns what they saw once the last request is answered.
    static func run(
        _ count: Int = 4, to endpoint: Endpoint, passingTokens: Bool = true,
        _ body: (RegisterClients) async throws -> Void
    ) async throws -> Record {
        let clients = RegisterClients(passingTokens: passingTokens)
        try await withThrowingTaskGroup { group in
            for number in 0..<count { group.addTask { try await clients.work(number, endpoint) } }
            do {
                try await body(clients)
            } catch {
                clients.state.withLock { $0.isOver = true }
                throw error
            }
            clients.state.withLock { $0.isOver = true }
            try await group.waitForAll()
        }
        return clients.state.withLock { $0.record }
    }

    var count: Int { state.withLock { $0.record.history.operations.count } }

    private func work(_ number: Int, _ endpoint: Endpoint) async throws {
        var turn = number
        while !state.withLock({ $0.isOver }) {
            turn += 1
            if turn % 3 == 0 { try await write(endpoint) } else { try await read(endpoint) }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    private func now() -> Int64 { Int64((ContinuousClock.now - start) / .nanoseconds(1)) }

    private func write(_ endpoint: Endpoint) async throws {
        let value = state.withLock { state in
            state.next += 1
            return state.next
        }
        let began = now()
        let request = LoopbackHTTP.Request("PUT", Self.path, body: Array("\(value)".utf8))
        let answer = try await LoopbackHTTP.exchange([request], with: endpoint, timeout: .seconds(40))[0]
        let token = answer.header("Replication-Token")
        state.withLock { state in
            let ended = now()
            if 200..<300 ~= answer.status, let token {
                state.record.history.operations.append(.init(.write(value), from: began, to: ended))
                state.record.acknowledged.append(Write(value: value, token: token))
                state.take(token)
            } else if answer.status != 503 {
                // A write with 503 was not carried out.
                state.record.history.operations.append(.init(.write(value), from: began, to: nil))
                state.record.others["write: \(answer.status) \(answer.code ?? "")", default: 0] += 1
            } else {
                state.record.others["write: 503 \(answer.code ?? "")", default: 0] += 1
            }
        }
    }

    private func read(_ endpoint: Endpoint) async throws {
        // At one moment: a read that began after another operation's end has its token.
        guard let (after, began) = state.withLock({ state in state.token.map { ($0, now()) } }) else { return }
        let headers =
            passesTokens ? ["Replication-After: \(after)", "Replication-Token: want", "Replication-Wait: 200ms"] : []
        let request = LoopbackHTTP.Request("GET", Self.path, headers: headers)
        let answer = try await LoopbackHTTP.exchange([request], with: endpoint, timeout: .seconds(40))[0]
        let verdict = answer.header("Replication-Verdict")
        let token = answer.header("Replication-Token")
        state.withLock { state in
            let ended = now()
            let isPromised = !passesTokens || (verdict == "satisfied" && token != nil)
            guard answer.status == 200, isPromised, let value = Int(answer.text) else {
                state.record.others["read: \(answer.status) \(answer.code ?? verdict ?? "")", default: 0] += 1
                if answer.code == "replication-lost", state.token == after { state.token = nil }
                return
            }
            state.record.history.operations.append(.init(.read(value), from: began, to: ended))
            if let token { state.take(token) }
        }
    }
}

extension RegisterClients.State {
    /// Keeps the newest token: of a newer history, or further on in the same one.
    fileprivate mutating func take(_ new: String) {
        let parts = new.split(separator: ":")
        guard parts.count == 2, let offset = Int(parts[1]) else { return }
        let place = histories.firstIndex(of: parts[0])
        if place == nil { histories.append(parts[0]) }
        guard let token, let known = histories.firstIndex(of: token.split(separator: ":")[0]) else {
            token = new
            return
        }
        let newer = place ?? histories.count - 1
        let before = token.split(separator: ":").last.flatMap { Int($0) } ?? 0
        if newer > known || (newer == known && offset > before) { self.token = new }
    }
}
