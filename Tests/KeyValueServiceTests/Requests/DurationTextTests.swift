import Testing

@testable import KeyValueService

@Suite("A duration in a request")
struct DurationTextTests {
    @Test(arguments: [
        ("0s", 0), ("0ms", 0), ("1ms", 1), ("500ms", 500), ("30s", 30_000), ("007s", 7000),
        ("315360000s", 315_360_000_000),
        ("9999999999ms", 9_999_999_999), ("9999999999s", 9_999_999_999_000),
    ])
    func `is a whole number of milliseconds or seconds`(text: String, milliseconds: Int64) {
        #expect(DurationText(parsing: text.utf8.span)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "0", "30", "s", "ms", "-1s", "+1s", "1.5s", "1e3ms", " 1s", "1s ", "1 s", "1S", "1Ms", "1m", "1h", "1d",
        "1sec",
        "1us", "1mss", "1ss", "0x1s", "1,000ms", "1s1ms", "٣s", "1s\0", "12345678901ms", "99999999999999999999s",
    ])
    func `is nothing else`(text: String) {
        #expect(DurationText(parsing: text.utf8.span) == nil)
    }

    @Test(arguments: [
        (DurationText.Range.timeToLive, "1ms", "315360000s", ["0ms", "0s", "315360001s", "9999999999s"]),
        (.acknowledgement, "1ms", "10s", ["0ms", "10001ms", "11s"]),
        (.wait, "0s", "10000ms", ["10001ms"]),
        (.lag, "1ms", "3600s", ["0s", "3600001ms"]),
    ])
    func `is within bounds`(range: DurationText.Range, least: String, most: String, others: [String]) throws {
        let name: StaticText = "name"
        #expect(
            try DurationText.milliseconds(least.utf8.span, of: name, in: range) == range.milliseconds.lowerBound)
        #expect(try DurationText.milliseconds(most.utf8.span, of: name, in: range) == range.milliseconds.upperBound)
        for other in others + ["", "1"] {
            #expect(throws: Problem.invalidDuration(name, range)) {
                try DurationText.milliseconds(other.utf8.span, of: name, in: range)
            }
        }
    }
}
