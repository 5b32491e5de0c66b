/// How many durations fell between which bounds.
public struct DurationHistogram: Equatable, Sendable {
    public struct Bound: Sendable {
        public let nanoseconds: Int
        /// In seconds, as it is written in a metric's label.
        public let text: StaticString
    }

    /// In rising order; each belongs to what is below it.
    public static let bounds = [
        Bound(nanoseconds: 100_000, text: "0.0001"), Bound(nanoseconds: 250_000, text: "0.00025"),
        Bound(nanoseconds: 500_000, text: "0.0005"), Bound(nanoseconds: 1_000_000, text: "0.001"),
        Bound(nanoseconds: 2_500_000, text: "0.0025"), Bound(nanoseconds: 5_000_000, text: "0.005"),
        Bound(nanoseconds: 10_000_000, text: "0.01"), Bound(nanoseconds: 25_000_000, text: "0.025"),
        Bound(nanoseconds: 50_000_000, text: "0.05"), Bound(nanoseconds: 100_000_000, text: "0.1"),
        Bound(nanoseconds: 250_000_000, text: "0.25"), Bound(nanoseconds: 500_000_000, text: "0.5"),
        Bound(nanoseconds: 1_000_000_000, text: "1"), Bound(nanoseconds: 2_500_000_000, text: "2.5"),
        Bound(nanoseconds: 5_000_000_000, text: "5"), Bound(nanoseconds: 10_000_000_000, text: "10"),
    ]

    /// Each bound's own, and at the end those above all bounds.
    public private(set) var counts: [Int]
    public private(set) var sumNanoseconds: Int

    /// - Parameter counts: one more than there are ``bounds``.
    public init(counts: [Int], sumNanoseconds: Int) {
        self.counts = counts
        self.sumNanoseconds = sumNanoseconds
    }

    public var count: Int { counts.reduce(0, +) }

    public static func + (left: DurationHistogram, right: DurationHistogram) -> DurationHistogram {
        DurationHistogram(
            counts: zip(left.counts, right.counts).map { $0 + $1 },
            sumNanoseconds: left.sumNanoseconds + right.sumNanoseconds)
    }
}
