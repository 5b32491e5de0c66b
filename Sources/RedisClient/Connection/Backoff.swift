/// How long to wait before the next connect. The longest wait, jitter included, is what a server's return may go unnoticed.
struct Backoff: Equatable, Sendable {
    var first: Duration = .milliseconds(50)
    var longest: Duration = .milliseconds(700)

    /// Doubles with each failure up to `longest`; half of it is jitter, so that many clients do not come back at once.
    ///
    /// - Parameters:
    ///   - failures: failures in a row, 1 or more.
    ///   - jitter: 0..<1, drawn by the caller.
    func delay(afterFailures failures: Int, jitter: Double) -> Duration {
        precondition(failures >= 1)
        let full = min(first * (1 << min(failures - 1, 16)), longest)
        return full / 2 + full / 2 * jitter
    }
}
