import Foundation

/// Time since a moment, for upper bounds: on a machine where processes wait for a processor, a bound of wall time tells
/// more of the machine than of the product.
struct Stopwatch {
    private let start = ContinuousClock.now
    private let waitedBefore = Self.waited

    /// Wall time.
    var elapsed: Duration { ContinuousClock.now - start }

    /// Wall time, less the time in which any process of the machine was kept from a processor by others.
    var undisturbed: Duration { max(.zero, elapsed - (Self.waited - waitedBefore)) }

    /// What Linux has counted since the machine's start (`/proc/pressure/cpu`); none where it does not count.
    private static var waited: Duration {
        guard let text = try? String(contentsOfFile: "/proc/pressure/cpu", encoding: .utf8),
            let total = text.split(separator: "\n").first?.firstRange(of: "total="),
            let microseconds = Int64(text[total.upperBound...].prefix { $0.isNumber })
        else { return .zero }
        return .microseconds(microseconds)
    }
}
