import Telemetry

/// What the process has answered since it began.
struct RequestLoad: Equatable, Sendable {
    /// Answers to requests that read keys.
    var reads = 0
    /// Answers to requests that write keys, and to batches.
    var writes = 0
    /// Those of both with a status of 500 or more.
    var errors = 0
    /// Answers by a replica that had lost its master.
    var stale = 0
    var durations = DurationHistogram(
        counts: Array(repeating: 0, count: DurationHistogram.bounds.count + 1), sumNanoseconds: 0)

    static func + (left: RequestLoad, right: RequestLoad) -> RequestLoad {
        RequestLoad(
            reads: left.reads + right.reads, writes: left.writes + right.writes, errors: left.errors + right.errors,
            stale: left.stale + right.stale, durations: left.durations + right.durations)
    }
}

/// One point a second, for five minutes.
struct LoadSamples: Equatable, Sendable {
    static let capacity = 300
    /// Over how many points the share of stale reads is taken.
    static let staleWindow = 10

    struct Sample: Equatable, Sendable {
        var at: WallTime
        var reads: Double
        var writes: Double
        var errors: Double
        var p99: Double?
        /// Reads in all, and stale ones, in the time before.
        var answers: Int
        var stale: Int
        /// By endpoint; absent where it is not known.
        var lags: [String: Int64]
    }

    /// The oldest first.
    private(set) var samples: [Sample] = []
    private var last: (load: RequestLoad, at: WallTime)?

    static func == (left: LoadSamples, right: LoadSamples) -> Bool { left.samples == right.samples }

    /// - Parameter seconds: since the last one, by a clock that does not jump.
    mutating func take(_ load: RequestLoad, lags: [String: Int64], after seconds: Double, at now: WallTime) {
        defer { last = (load, now) }
        guard let before = last?.load, seconds > 0 else { return }
        func rate(_ path: KeyPath<RequestLoad, Int>) -> Double {
            Double(max(0, load[keyPath: path] - before[keyPath: path])) / seconds
        }
        samples.append(
            Sample(
                at: now, reads: rate(\.reads), writes: rate(\.writes), errors: rate(\.errors),
                p99: Self.p99(load.durations, since: before.durations), answers: max(0, load.reads - before.reads),
                stale: max(0, load.stale - before.stale), lags: lags))
        if samples.count > Self.capacity { samples.removeFirst(samples.count - Self.capacity) }
    }

    /// Of the reads of the last seconds; `nil` where there were none.
    var staleShare: Double? {
        let recent = samples.suffix(Self.staleWindow)
        let answers = recent.reduce(0) { $0 + $1.answers }
        guard answers > 0 else { return nil }
        return min(1, Double(recent.reduce(0) { $0 + $1.stale }) / Double(answers))
    }

    /// The bound below which 99 of 100 durations lie that were added, in seconds; `nil` where none were.
    static func p99(_ histogram: DurationHistogram, since before: DurationHistogram) -> Double? {
        let added = zip(histogram.counts, before.counts).map { max(0, $0 - $1) }
        let count = added.reduce(0, +)
        guard count > 0 else { return nil }
        var rest = count - count / 100
        for (number, bound) in zip(added, DurationHistogram.bounds) {
            rest -= number
            if rest <= 0 { return Double(bound.nanoseconds) / 1e9 }
        }
        return DurationHistogram.bounds.last.map { Double($0.nanoseconds) / 1e9 }
    }
}
