import NIOCore
import RedisClient
import Testing

@testable import KeyValueService

@Suite("Metrics in words")
struct MetricsTextTests {
    @Test func `a family is its help, its type and its samples, labels escaped`() {
        var text = MetricsText()
        text.begin("a_total", .counter, "What it is.")
        text.add(3)
        text.add([("endpoint", "a\\b\"c\nd"), ("role", "ä")], 1.5)
        #expect(
            String(buffer: text.buffer) == """
                # HELP a_total What it is.
                # TYPE a_total counter
                a_total 3
                a_total{endpoint="a\\\\b\\"c\\nd",role="ä"} 1.5

                """)
    }

    @Test func `a histogram adds up from bucket to bucket`() {
        let recorder = DurationRecorder(histograms: 1)
        recorder.record(.microseconds(100), in: 0)
        recorder.record(.microseconds(101), count: 2, in: 0)
        recorder.record(.seconds(11), in: 0)
        var text = MetricsText()
        text.begin("a_seconds", .histogram, "What it is.")
        text.add([("role", "none")], recorder.histograms[0])
        let lines = String(buffer: text.buffer).split(separator: "\n").dropFirst(2)
        #expect(lines.count == DurationHistogram.bounds.count + 3)
        #expect(
            lines.prefix(3) == [
                #"a_seconds_bucket{role="none",le="0.0001"} 1"#, #"a_seconds_bucket{role="none",le="0.00025"} 3"#,
                #"a_seconds_bucket{role="none",le="0.0005"} 3"#,
            ])
        #expect(
            lines.suffix(4) == [
                #"a_seconds_bucket{role="none",le="10"} 3"#, #"a_seconds_bucket{role="none",le="+Inf"} 4"#,
                #"a_seconds_sum{role="none"} 11.000302"#, #"a_seconds_count{role="none"} 4"#,
            ])
    }
}
