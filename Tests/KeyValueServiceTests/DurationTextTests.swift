import Testing

@testable import KeyValueService

@Suite("A duration in a request")
struct DurationTextTests {
    @Test(arguments: [
        ("1ms", Int64(1)), ("0ms", 0), ("500ms", 500), ("30s", 30_000), ("0030s", 30_000), ("0s", 0),
        ("9999999999s", 9_999_999_999_000), ("9999999999ms", 9_999_999_999),
    ])
    func `is a number of seconds or milliseconds`(text: String, milliseconds: Int64) {
        #expect(DurationText(parsing: Array(text.utf8).span)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "s", "ms", "1", "-1s", "+1s", "1.5s", "1 s", " 1s", "1s ", "1S", "1m", "1h", "1us", "1mss", "1sms", "s1",
        "99999999999s", "18446744073709551615s",
    ])
    func `is nothing else`(text: String) {
        #expect(DurationText(parsing: Array(text.utf8).span) == nil)
    }

    @Test func `has to be within its range`() throws {
        for (text, isTimeToLive) in [("0s", false), ("1ms", true), ("315360000s", true), ("315360001s", false)] {
            let bytes = Array(text.utf8)
            let milliseconds = try? DurationText.milliseconds(bytes.span, of: "ttl", in: .timeToLive)
            #expect((milliseconds != nil) == isTimeToLive, "\(text)")
        }
        let text = Array("11s".utf8)
        #expect(throws: Problem.invalidDuration("Replication-Wait", .wait)) {
            try DurationText.milliseconds(text.span, of: "Replication-Wait", in: .wait)
        }
    }
}
