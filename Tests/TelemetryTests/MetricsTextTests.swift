import NIOCore
import Telemetry
import Testing

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

    @Test(arguments: [
        ("a\u{1B}[31m\u{7}\u{9B}", #"a\\x1b[31m\\x07\\u009b"#), ("\u{202E}x\u{2028}", #"\\u202ex\\u2028"#),
        (String(repeating: "x", count: 256), String(repeating: "x", count: 256)),
        (String(repeating: "é", count: 129), String(repeating: "é", count: 128) + "…"),
    ])
    func `a label holds nothing that a terminal obeys, and is cut where it is long`(value: String, shown: String) {
        var text = MetricsText()
        text.begin("a", .gauge, "What it is.")
        text.add([("label", value)], 1)
        #expect(String(buffer: text.buffer).hasSuffix("\na{label=\"\(shown)\"} 1\n"))
    }

    @Test func `a histogram adds up from bucket to bucket`() {
        var counts = Array(repeating: 0, count: DurationHistogram.bounds.count + 1)
        counts[0] = 1
        counts[1] = 2
        counts[DurationHistogram.bounds.count] = 1
        var text = MetricsText()
        text.begin("a_seconds", .histogram, "What it is.")
        text.add([("role", "none")], DurationHistogram(counts: counts, sumNanoseconds: 11_000_302_000))
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

    @Test func `the process's own families are there, with numbers`() {
        var text = MetricsText()
        text.add(ProcessStatistics.now)
        let samples = String(buffer: text.buffer).split(separator: "\n").filter { !$0.hasPrefix("#") }
        let names = samples.map { $0.prefix { $0 != " " } }
        #expect(
            names == [
                "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds",
                "process_start_time_seconds",
            ])
        for sample in samples { #expect(Double(sample.drop { $0 != " " }.dropFirst()) ?? 0 > 0, "\(sample)") }
    }
}
