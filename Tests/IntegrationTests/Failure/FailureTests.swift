import Glibc
import Hiredis
import LocalTopology
import Testing

/// Real servers that are hurt one after the other, while ten clients never stop asking the app.
///
/// `FAILURE_ROUNDS` and `FAILURE_SEED` in the environment make it longer, or another order; with `FAILURE_REQUESTS` further
/// rounds of cut replies follow until so many requests were answered.
@Suite("Under failure")
struct FailureTests {
    static let rounds = number("FAILURE_ROUNDS") ?? 20
    static let seed = UInt64(number("FAILURE_SEED") ?? 20_260_101)

    static let requests = number("FAILURE_REQUESTS") ?? 0

    private static func number(_ name: String) -> Int? { getenv(name).flatMap { Int(String(cString: $0)) } }

    @Test("every answer is right, reads never fail, and writes fail only without a master and two seconds more")
    func rounds() async throws {
        let kinds = FailureKind.rounds(Self.rounds, seed: Self.seed)
        print("under failure: seed \(Self.seed): " + kinds.map(\.rawValue).joined(separator: ", "))
        let system = try FailureSystem()
        defer { system.masterName.stop() }
        var table = FailureTable(seed: Self.seed, rounds: [])
        defer { print(table) }
        try await withLocalCluster(system.spec) { cluster in
            let ledger = try await system.fill(cluster)
            let process = try await cluster.processIdentifier(of: FailureSystem.app)
            try await FailureLoad.run(against: system.appEndpoint, ledger: ledger) { load in
                try await cluster.wait(until: "the load is served", of: FailureSystem.app) {
                    Observation(load.calm >= 500, else: "\(load.calm) good answers in a row")
                }
                for (number, kind) in kinds.enumerated() {
                    let report = await round(number + 1, of: kind, on: system, cluster, load)
                    table.rounds.append(report)
                    try #require(await cluster.isRunning(FailureSystem.app), "the app has ended")
                }
                while table.requests < Self.requests {
                    table.rounds.append(await round(table.rounds.count + 1, of: .repliesCut, on: system, cluster, load))
                }
            }
            #expect(try await cluster.processIdentifier(of: FailureSystem.app) == process)
        }
    }

    private func round(
        _ number: Int, of kind: FailureKind, on system: FailureSystem, _ cluster: LocalCluster, _ load: FailureLoad
    ) async -> RoundReport {
        let events = FailureEvents(system: system, cluster: cluster, load: load)
        let replica = FailureSystem.replicas[number % 2]
        let start = ContinuousClock.now
        var disturbance: Disturbance?
        var findings: [String] = []
        do {
            let done = try await events.perform(kind, on: replica)
            disturbance = done
            try await settle(cluster, load, since: done.returned)
            findings = try await readBack(cluster, load)
        } catch {
            Issue.record("round \(number), \(kind.rawValue): \(error)")
        }
        load.resumeWrites()
        var report = RoundReport(kind, disturbance, outcomes: load.takeOutcomes(), since: start)
        for finding in findings { report.violate(atRest: "an acknowledged value that cannot be read", finding) }
        for (what, seen) in report.violations.sorted(by: { $0.key < $1.key }) {
            let line = "under failure: round \(number), \(kind.rawValue): \(what): \(seen.count) times; \(seen.example)"
            print(line)
            Issue.record("\(line)")
        }
        return report
    }

    /// Waits until everything is as before the event, for the next one to be the only one.
    private func settle(_ cluster: LocalCluster, _ load: FailureLoad, since returned: ContinuousClock.Instant)
        async throws
    {
        try await cluster.wait(untilReplicasOf: "master", are: 2)
        for server in FailureSystem.servers { try await cluster.wait(untilAppIsConnectedTo: server) }
        // Errors that come later than the rules allow are to be seen, too.
        let limit = returned + RoundReport.recoveryLimit
        try await cluster.wait(until: "the load is served without errors or stale answers", of: FailureSystem.app) {
            Observation(
                load.calm >= 500 && load.answers(sentAfter: limit) >= 100,
                else: "\(load.calm) good and fresh answers in a row")
        }
    }

    /// Reads every key while the writers rest and the replicas have all.
    private func readBack(_ cluster: LocalCluster, _ load: FailureLoad) async throws -> [String] {
        load.pauseWrites()
        try await cluster.wait(until: "the writers rest", of: FailureSystem.app) {
            Observation(load.restingLedger != nil, else: "they do not")
        }
        let ledger = try #require(load.restingLedger)
        try await cluster.wait(untilReplicasOf: "master", are: 2)
        let requests = NamedValue.keys.indices.map { LoadRequest(action: .get, key: $0) }
        let answers = try await LoopbackHTTP.exchange(
            requests.map { .get("/get?key=\(NamedValue.keys[$0.key])") },
            with: try #require(cluster.spec.nodes.last).endpoint)
        return zip(requests, answers).compactMap { request, answer in
            let name = NamedValue.keys[request.key]
            let verdict = Verdict(
                of: WireAnswer(status: answer.status, headers: answer.headerFields, body: answer.body[...]),
                to: request)
            guard case .value(let counter, isStale: false) = verdict else { return "\(name): \(verdict)" }
            if ledger.mayHold(counter, key: request.key) { return nil }
            let acknowledged = ledger.acknowledged[request.key]
            return "\(name)#\(counter), acknowledged \(acknowledged), sent \(ledger.sent[request.key])"
        }
    }
}

extension LoopbackHTTP.Response {
    /// Names in small letters.
    fileprivate var headerFields: [String: String] {
        let fields = headers.map { $0.split(separator: ":", maxSplits: 1) }.filter { $0.count == 2 }
        return Dictionary(fields.map { ($0[0].lowercased(), String($0[1].drop { $0 == " " })) }) { first, _ in first }
    }
}
