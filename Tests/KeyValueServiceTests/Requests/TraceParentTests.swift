import Testing

@testable import KeyValueService

@Suite("The field traceparent")
struct TraceParentTests {
    static let trace = "0af7651916cd43dd8448eb211c80319c"
    static let span = "b7ad6b7169203331"

    @Test(arguments: [
        "00-\(trace)-\(span)-01", "00-\(trace)-\(span)-00", "00-\(trace)-\(span)-ff", "cc-\(trace)-\(span)-01",
        "cc-\(trace)-\(span)-01-what-comes-later", "01-\(trace)-\(span)-01-",
    ])
    func `names the trace and the caller's span`(text: String) throws {
        let parent = try #require(parse(text))
        #expect(parent.traceID == Self.trace)
        #expect(parent.spanID == Self.span)
    }

    @Test(arguments: [
        "", "00", "00-\(trace)-\(span)", "00-\(trace)-\(span)-", "00-\(trace)-\(span)-1", "00-\(trace)-\(span)-01-",
        "00-\(trace)-\(span)-01x", "00-\(trace)-\(span)-011", "cc-\(trace)-\(span)-01x", "ff-\(trace)-\(span)-01",
        "0-\(trace)-\(span)-01x", "00_\(trace)-\(span)-01", "00-\(trace)_\(span)-01", "00-\(trace)-\(span)_01",
        "00-\(trace.uppercased())-\(span)-01", "00-\(trace)-\(span.uppercased())-01", "0G-\(trace)-\(span)-01",
        "00-\(trace)-\(span)-0g", "00-00000000000000000000000000000000-\(span)-01", "00-\(trace)-0000000000000000-01",
        " 00-\(trace)-\(span)-01", "00-\(trace)-\(span)-01 ", "00-\(trace.dropLast())é-\(span)-01",
    ])
    func `is passed over where it is not that to the letter`(text: String) {
        #expect(parse(text) == nil)
    }

    private func parse(_ text: String) -> TraceParent? {
        let bytes = Array(text.utf8)
        return TraceParent(parsing: bytes.span)
    }
}
