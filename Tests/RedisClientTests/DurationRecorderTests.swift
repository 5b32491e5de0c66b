import NIOCore
import RedisClient
import Telemetry
import Testing

@Suite("Recorded durations")
struct DurationRecorderTests {
    @Test func `a bound belongs to what is below it, and each histogram is its own`() {
        let recorder = DurationRecorder(histograms: 2)
        recorder.record(.microseconds(100), in: 0)
        recorder.record(.microseconds(101), count: 2, in: 0)
        recorder.record(.seconds(11), in: 0)
        recorder.record(.nanoseconds(0), in: 1)
        let bounds = DurationHistogram.bounds.count
        var counts = Array(repeating: 0, count: bounds + 1)
        (counts[0], counts[1], counts[bounds]) = (1, 2, 1)
        let first = DurationHistogram(counts: counts, sumNanoseconds: 11_000_302_000)
        (counts[0], counts[1], counts[bounds]) = (1, 0, 0)
        #expect(recorder.histograms == [first, DurationHistogram(counts: counts, sumNanoseconds: 0)])
        #expect(first.count == 4)
    }
}
