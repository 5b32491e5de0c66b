import LocalTopology
import Synchronization
import Testing

/// Clients that ask again and again, and the answers they got.
final class Load: Sendable {
    struct Answer: Hashable, Sendable {
        var status: Int
        var code: String?
        var isStale = false
    }

    private struct State {
        var answers: [Answer: Int] = [:]
        var unexpected: [String] = []
        var slowest = Duration.zero
        var isOver = false
    }

    private let state = Mutex(State())

    /// How many answers of each kind came.
    var answers: [Answer: Int] { state.withLock { $0.answers } }
    /// How many answers had this status.
    func count(status: Int) -> Int { answers.reduce(0) { $0 + ($1.key.status == status ? $1.value : 0) } }
    var total: Int { answers.values.reduce(0, +) }
    /// Connections that broke, and answers that were not what was asked for.
    var unexpected: [String] { state.withLock { $0.unexpected } }
    /// The longest that one answer took.
    var slowest: Duration { state.withLock { $0.slowest } }

    /// Runs clients beside `body`, each on its own connection.
    ///
    /// - Parameters:
    ///   - request: what every client asks for, again and again.
    ///   - text: what a 200 has to hold.
    static func run(
        _ request: LoopbackHTTP.Request, on endpoint: Endpoint, clients: Int = 8, expecting text: String,
        during body: (Load) async throws -> Void
    ) async throws -> Load {
        let load = Load()
        try await withThrowingTaskGroup { group in
            for _ in 0..<clients { group.addTask { try await load.client(request, endpoint, text) } }
            defer { load.state.withLock { $0.isOver = true } }
            try await body(load)
            load.state.withLock { $0.isOver = true }
            try await group.waitForAll()
        }
        return load
    }

    private func client(_ request: LoopbackHTTP.Request, _ endpoint: Endpoint, _ text: String) async throws {
        while !state.withLock({ $0.isOver }) {
            do {
                for _ in 0..<4 {
                    let start = ContinuousClock.now
                    let answers = try await LoopbackHTTP.exchange([request], with: endpoint, timeout: .seconds(15))
                    let elapsed = ContinuousClock.now - start
                    for answer in answers { note(answer, elapsed, text) }
                }
            } catch {
                state.withLock { $0.unexpected.append("\(error)") }
            }
        }
    }

    private func note(_ answer: LoopbackHTTP.Response, _ elapsed: Duration, _ text: String) {
        let key = Answer(
            status: answer.status, code: answer.code, isStale: answer.header("Served-Stale") == "true")
        state.withLock { state in
            state.answers[key, default: 0] += 1
            state.slowest = max(state.slowest, elapsed)
            if answer.status == 200, !answer.text.contains(text) { state.unexpected.append(answer.text) }
        }
    }
}

extension LocalCluster {
    /// Waits until this many more answers have come.
    nonisolated func wait(forAnswers count: Int, to load: Load) async throws {
        let goal = load.total + count
        try await wait(until: "the load has \(count) more answers", of: "app", within: .seconds(30)) {
            Observation(load.total >= goal, else: "\(load.total) of \(goal); \(load.unexpected)")
        }
    }
}
