/// Whether bytes move fast enough in one direction of a connection, as a value: it is asked about once a second.
///
/// The deadline counts from the last progress: in each window of time as many bytes have to move as the minimum rate makes of
/// it. A faster client may take as long as the whole transfer takes; a byte a second ends with the first window.
struct TransferMeter: Equatable, Sendable {
    /// Nanoseconds of a clock that never goes back.
    typealias Nanoseconds = Int64

    struct Limits: Equatable, Sendable {
        /// In nanoseconds.
        var window: Nanoseconds
        /// On average over a window. With 0, one byte a window is enough.
        var minimumBytesPerSecond: Int

        /// How much has to move in a time, at least a byte.
        func bytes(in time: Nanoseconds) -> Int {
            let (product, isTooLarge) = minimumBytesPerSecond.multipliedReportingOverflow(by: Int(time / 1_000_000))
            return isTooLarge ? .max : max(1, product / 1000)
        }
    }

    private var windowBeganAt: Nanoseconds
    private var atWindow: Int
    private var lookedAt: Nanoseconds
    private var atLook: Int
    private var slowFrom: Nanoseconds?

    /// - Parameter moved: how much had moved before, by the counter that is shown to ``look(at:moved:_:)``.
    init(at now: Nanoseconds, moved: Int) {
        windowBeganAt = now
        atWindow = moved
        lookedAt = now
        atLook = moved
    }

    /// Takes in how much has moved by now.
    ///
    /// - Parameter moved: a counter that only grows.
    /// - Returns: whether a window has passed in which too little moved.
    mutating func look(at now: Nanoseconds, moved: Int, _ limits: Limits) -> Bool {
        if moved &- atLook >= limits.bytes(in: now &- lookedAt) {
            slowFrom = nil
        } else if slowFrom == nil {
            slowFrom = lookedAt
        }
        lookedAt = now
        atLook = moved
        guard now &- windowBeganAt >= limits.window else { return false }
        let isTooSlow = moved &- atWindow < limits.bytes(in: limits.window)
        windowBeganAt = now
        atWindow = moved
        return isTooSlow
    }

    /// How long the rate has been below the minimum at every check; 0 where it was not at the last one.
    func slowness(at now: Nanoseconds) -> Nanoseconds { slowFrom.map { now &- $0 } ?? 0 }
}
