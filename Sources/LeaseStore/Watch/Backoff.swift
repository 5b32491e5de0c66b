/// How long to wait before the next try: twice as long each time, up to a limit, and a part of it by chance, so that
/// the nodes do not come back all at once.
struct Backoff: Equatable, Sendable {
    static let least = Duration.milliseconds(100)
    static let most = Duration.seconds(5)

    private let most: Duration
    private var failures = 0

    init(most: Duration = most) { self.most = most }

    /// - Parameter chance: 0…1.
    mutating func next(chance: Double) -> Duration {
        let whole = min(most, Self.least * (1 << min(failures, 10)))
        failures += 1
        return whole / 2 + whole / 2 * chance
    }

    mutating func succeeded() { failures = 0 }
}
