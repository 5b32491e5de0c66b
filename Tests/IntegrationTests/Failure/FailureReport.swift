import LocalTopology

/// What one round's answers add up to, and what in them is against the rules.
struct RoundReport: Sendable {
    let kind: FailureKind
    private(set) var requests = 0
    private(set) var readErrors = 0
    private(set) var writeErrors = 0
    /// By status and code.
    private(set) var errors: [String: Int] = [:]
    private(set) var staleAnswers = 0
    /// Told as surely not applied, as not known, and how many of the former were looked for at the master.
    private(set) var refusedWrites = 0
    private(set) var unknownWrites = 0
    private(set) var checks = 0
    private(set) var slowestAnswer = Duration.zero
    private(set) var longestReadGap = Duration.zero
    private(set) var longestWriteGap = Duration.zero
    /// From the servers' return to the last error after it.
    private(set) var recovery = Duration.zero
    /// Each kind of violation, with its first example and how often it was seen.
    private(set) var violations: [String: (count: Int, example: String)] = [:]

    /// The longest an error may still be seen after the server's return. Behind a proxy, as the master is here, a server
    /// whose connections have ended is looked for, for up to 1.5 s, before a new one behind its name is written to.
    static let recoveryLimit = Duration.seconds(2)

    /// - Parameters:
    ///   - disturbance: `nil` where the event could not be performed to its end.
    ///   - start: the round's, with which its first gap begins.
    init(_ kind: FailureKind, _ disturbance: Disturbance?, outcomes: [LoadOutcome], since start: Disturbance.Instant) {
        self.kind = kind
        requests = outcomes.count
        var lastRead = start
        var lastWrite = start
        for outcome in outcomes {
            slowestAnswer = max(slowestAnswer, outcome.answered - outcome.sent)
            switch outcome.result {
            case .verdict(.value(_, let isStale)):
                if case .check = outcome.request.action { checks += 1 }
                longestReadGap = max(longestReadGap, outcome.answered - lastRead)
                lastRead = outcome.answered
                if isStale { staleAnswers += 1 } else { checkMark(outcome, disturbance) }
            case .verdict(.stored):
                longestWriteGap = max(longestWriteGap, outcome.answered - lastWrite)
                lastWrite = outcome.answered
            case .verdict(.unavailable(let status, let code)):
                if outcome.request.isWrite { refusedWrites += 1 }
                checkError(outcome, "\(status) \(code)", disturbance)
            case .verdict(.unknown):
                unknownWrites += 1
                checkError(outcome, "504 write-outcome-unknown", disturbance)
            case .verdict(.wrong(let what)): violate("a wrong answer", what, outcome, disturbance)
            case .connectionLost(let how): violate("a connection without its answer", how, outcome, disturbance)
            case .silence: violate("no answer within \(LoadClient.answerLimit)", "", outcome, disturbance)
            }
        }
    }

    private mutating func checkMark(_ read: LoadOutcome, _ disturbance: Disturbance?) {
        guard let stale = disturbance?.stale, read.sent > stale.lowerBound + FailureEvents.staleMarkLimit,
            read.answered < stale.upperBound
        else { return }
        violate("an old answer without its mark", "", read, disturbance)
    }

    private mutating func checkError(_ outcome: LoadOutcome, _ error: String, _ disturbance: Disturbance?) {
        errors[error, default: 0] += 1
        guard outcome.request.needsMaster else {
            readErrors += 1
            return violate("a read refused though servers live: \(error)", "", outcome, disturbance)
        }
        writeErrors += 1
        if let returned = disturbance?.withoutMaster?.upperBound {
            recovery = max(recovery, outcome.answered - returned)
        }
        guard let span = disturbance?.withoutMaster, outcome.answered >= span.lowerBound else {
            return violate("a write refused though the master lives: \(error)", "", outcome, disturbance)
        }
        if outcome.answered > span.upperBound + Self.recoveryLimit {
            violate(
                "a write refused later than \(Self.recoveryLimit) after the return: \(error)", "", outcome, disturbance)
        }
    }

    /// Notes what a read after the round found, with the writers at rest and the replicas in step.
    mutating func violate(atRest what: String, _ detail: String) { note(what, detail) }

    private mutating func violate(
        _ what: String, _ detail: String, _ outcome: LoadOutcome, _ disturbance: Disturbance?
    ) {
        let took = (outcome.answered - outcome.sent).milliseconds
        var times = "\(outcome.request), answered after \(took) ms"
        if let disturbance {
            times += ", \((outcome.answered - disturbance.began).milliseconds) ms after the event began"
            times += ", \((outcome.answered - disturbance.returned).milliseconds) ms after the return"
        }
        note(what, detail.isEmpty ? times : "\(detail); \(times)")
    }

    private mutating func note(_ what: String, _ example: String) {
        violations[what] = ((violations[what]?.count ?? 0) + 1, violations[what]?.example ?? example)
    }
}

/// The rounds by kind, as a table whose every line begins with `under failure`.
struct FailureTable: CustomStringConvertible {
    var seed: UInt64
    var rounds: [RoundReport]

    var description: String {
        var lines = [Self.line(Self.titles)]
        for kind in FailureKind.allCases {
            let rounds = rounds.filter { $0.kind == kind }
            if !rounds.isEmpty { lines.append(Self.line(Self.cells(kind.rawValue, rounds))) }
        }
        lines.append(Self.line(Self.cells("all", rounds)))
        let errors = rounds.reduce(into: [:]) { $0.merge($1.errors, uniquingKeysWith: +) }.sorted { $0.key < $1.key }
        lines.append("under failure: errors: " + errors.map { "\($0.value) of \($0.key)" }.joined(separator: ", "))
        let counts = ["wrong": "a wrong answer", "lost": "a connection without", "unanswered": "no answer within"]
            .mapValues { what in
                rounds.flatMap(\.violations).filter { $0.key.hasPrefix(what) }.reduce(0) { $0 + $1.value.count }
            }
        let violations = rounds.flatMap(\.violations).reduce(0) { $0 + $1.value.count }
        lines.append(
            "under failure: seed \(seed), \(rounds.count) rounds, \(rounds.sum(\.requests)) requests: "
                + "\(counts["wrong"] ?? 0) wrong answers, \(counts["lost"] ?? 0) lost, "
                + "\(counts["unanswered"] ?? 0) unanswered, \(rounds.sum(\.readErrors)) read errors, "
                + "\(rounds.sum(\.writeErrors)) write errors; \(violations) against the rules")
        let applied = rounds.flatMap(\.violations).filter {
            $0.value.example.contains("told as not applied, and stored")
        }
        lines.append(
            "under failure: writes told as not applied: \(rounds.sum(\.refusedWrites)), "
                + "\(rounds.sum(\.checks)) of them looked for at the master, "
                + "\(applied.reduce(0) { $0 + $1.value.count }) were applied; "
                + "told as not known: \(rounds.sum(\.unknownWrites))")
        return lines.joined(separator: "\n")
    }

    var requests: Int { rounds.sum(\.requests) }

    private static let titles = [
        "event", "rounds", "requests", "read errors", "write errors", "marked stale", "longest read gap ms",
        "longest write gap ms", "slowest answer ms", "worst recovery ms",
    ]

    private static func cells(_ name: String, _ rounds: [RoundReport]) -> [String] {
        let counts = [
            rounds.count, rounds.sum(\.requests), rounds.sum(\.readErrors), rounds.sum(\.writeErrors),
            rounds.sum(\.staleAnswers),
        ]
        let times = [\RoundReport.longestReadGap, \.longestWriteGap, \.slowestAnswer, \.recovery]
            .map { path in rounds.map { $0[keyPath: path] }.max()?.milliseconds ?? 0 }
        return [name] + (counts + times).map(String.init)
    }

    private static func line(_ cells: [String]) -> String {
        let padded = zip(cells, titles).map { cell, title in
            let width = title == "event" ? 29 : title.count
            let padding = String(repeating: " ", count: max(0, width - cell.count))
            return title == "event" ? cell + padding : padding + cell
        }
        return "under failure | " + padded.joined(separator: " | ")
    }
}

extension [RoundReport] {
    fileprivate func sum(_ path: KeyPath<RoundReport, Int>) -> Int { reduce(0) { $0 + $1[keyPath: path] } }
}

extension Duration {
    var milliseconds: Int { Int(self / .milliseconds(1)) }
}
