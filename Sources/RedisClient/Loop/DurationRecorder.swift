public import NIOCore
public import Telemetry

/// Counts durations into histograms, each with its number: plain integers side by side, no lock. Of one event loop.
public final class DurationRecorder {
    /// A histogram after the other: its counts, then its sum.
    private let numbers: Tallies
    private let bounds = DurationHistogram.bounds.map(\.nanoseconds)
    private let stride = DurationHistogram.bounds.count + 2

    /// - Parameter histograms: how many.
    public init(histograms: Int) {
        numbers = Tallies(count: histograms * stride)
    }

    /// - Parameters:
    ///   - duration: 0 or more.
    ///   - count: how many took this long.
    ///   - histogram: its number, from 0.
    public func record(_ duration: TimeAmount, count: Int = 1, in histogram: Int) {
        let nanoseconds = Int(truncatingIfNeeded: duration.nanoseconds)
        // Most durations are below the first few bounds.
        var place = 0
        while place < bounds.count, nanoseconds > bounds[place] { place &+= 1 }
        let start = histogram &* stride
        numbers.add(count, at: start &+ place)
        numbers.add(nanoseconds &* count, at: start &+ bounds.count &+ 1)
    }

    /// All histograms as they are now.
    public var histograms: [DurationHistogram] {
        let numbers = numbers.copy
        return Swift.stride(from: 0, to: numbers.count, by: stride).map { start in
            DurationHistogram(
                counts: Array(numbers[start..<start + stride - 1]), sumNanoseconds: numbers[start + stride - 1])
        }
    }
}
