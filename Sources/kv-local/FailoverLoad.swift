internal import LocalTopology
internal import Synchronization

/// Writers and readers through the apps, and what came of each request.
final class FailoverLoad: Sendable {
    struct Round: Sendable {
        var longestPause = Duration.zero
        var writes = 0
        /// Refused: surely not carried out.
        var failedWrites = 0
        /// It is not known whether they were carried out (504, a broken connection).
        var unknownWrites = 0
        var reads = 0
        var failedReads = 0
    }

    struct Losses: Sendable {
        var acknowledged = 0
        var missing = 0
        /// Of the missing ones, those whose token is answered by 409.
        var told = 0
    }

    private struct State {
        var round = Round()
        var acknowledgedAt = ContinuousClock.now
        var total = 0
        var next = 0
        var isOver = false
        /// The number of each acknowledged write, with its token.
        var acknowledged: [(number: Int, token: String)] = []
    }

    private static let writers = 4
    private let cluster: LocalCluster
    private let apps: [String]
    private let state = Mutex(State())

    init(cluster: LocalCluster, apps: [String]) {
        self.cluster = cluster
        self.apps = apps
    }

    func start(in group: inout ThrowingTaskGroup<Void, any Error>) {
        for number in 0..<Self.writers {
            group.addTask { await self.write(through: self.apps[number % self.apps.count]) }
        }
        group.addTask { await self.read(through: self.apps[0]) }
    }

    func stop() { state.withLock { $0.isOver = true } }

    func beginRound() {
        state.withLock {
            $0.round = Round()
            $0.acknowledgedAt = .now
        }
    }

    func endRound() -> Round { state.withLock { $0.round } }

    /// Waits until so many more writes are acknowledged.
    func waitForWrites(_ count: Int) async throws {
        let goal = state.withLock { $0.total } + count
        try await cluster.wait(until: "\(count) more writes are acknowledged", within: .seconds(60)) {
            let total = self.state.withLock { $0.total }
            return total >= goal ? .satisfied : .notYet("\(total) of \(goal)")
        }
    }

    private static func key(_ number: Int) -> String { "drill:\(number)" }

    private func write(through app: String) async {
        while !Task.isCancelled, !state.withLock({ $0.isOver }) {
            let number = state.withLock { state in
                state.next += 1
                return state.next
            }
            let request = LoopbackHTTP.Request("PUT", "/v1/keys/\(Self.key(number))", body: Array("\(number)".utf8))
            let answer = try? await cluster.http(app, request, timeout: .seconds(30)).first
            state.withLock { state in
                state.round.writes += 1
                switch answer?.status {
                case 200?, 201?, 204?:
                    let now = ContinuousClock.now
                    state.round.longestPause = max(state.round.longestPause, now - state.acknowledgedAt)
                    state.acknowledgedAt = now
                    state.total += 1
                    state.acknowledged.append((number, answer?.header("Replication-Token") ?? ""))
                case 503?: state.round.failedWrites += 1
                default: state.round.unknownWrites += 1
                }
            }
            // Not the machine's power is tried here, and every write is looked for in the end.
            try? await Task.sleep(for: .milliseconds(4))
        }
    }

    private func read(through app: String) async {
        while !Task.isCancelled, !state.withLock({ $0.isOver }) {
            let number = state.withLock { $0.acknowledged.last?.number }
            guard let number else {
                await Task.yield()
                continue
            }
            let answer = try? await cluster.http(app, .get("/v1/keys/\(Self.key(number))"), timeout: .seconds(30)).first
            state.withLock { state in
                state.round.reads += 1
                // A replica may not have it yet.
                if answer?.status != 200, answer?.status != 404 { state.round.failedReads += 1 }
            }
            // Not the machine's power is tried here.
            try? await Task.sleep(for: .milliseconds(2))
        }
    }

    /// Looks for every acknowledged write, and asks with the token of each that is missing.
    ///
    /// - Parameter progress: gets how many were looked for, now and then.
    func losses(_ progress: @escaping @Sendable (Int, Int) -> Void) async throws -> Losses {
        let acknowledged = state.withLock { $0.acknowledged }
        let app = try await cluster.endpoint(of: apps[0])
        return try await withThrowingTaskGroup(of: Losses.self) { group in
            for part in 0..<Self.writers {
                group.addTask {
                    var losses = Losses()
                    let session = try await LoopbackHTTP.Session(with: app, timeout: .seconds(30))
                    for index in stride(from: part, to: acknowledged.count, by: Self.writers) {
                        let loss = try await Self.loss(of: acknowledged[index], session)
                        losses.acknowledged += 1
                        if let loss {
                            losses.missing += 1
                            if loss { losses.told += 1 }
                        }
                        if index % 20_000 == 0, index > 0 { progress(index, acknowledged.count) }
                    }
                    return losses
                }
            }
            return try await group.reduce(into: Losses()) { all, losses in
                all.acknowledged += losses.acknowledged
                all.missing += losses.missing
                all.told += losses.told
            }
        }
    }

    /// - Returns: `nil` where it is there; else whether its token is answered by 409.
    private static func loss(
        of write: (number: Int, token: String), _ session: LoopbackHTTP.Session
    ) async throws -> Bool? {
        let path = "/v1/keys/\(key(write.number))"
        // All replicas follow by now, so that what one has all have.
        if try await session.ask(.get(path)).status == 200 { return nil }
        let request = LoopbackHTTP.Request("GET", path, headers: ["Replication-After: \(write.token)"])
        return try await session.ask(request).status == 409
    }
}
