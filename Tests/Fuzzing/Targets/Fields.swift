import HTTPWire
import RedisCore

@testable import KeyValueService

/// The value of a field, as each of those that have a grammar.
func checkField(_ input: [UInt8]) throws(BrokenPromise) {
    if let token = ReplicationToken(parsing: input.span) {
        try require(token.bytes == input, "there is one spelling of a token", text(input))
    }
    if let parent = TraceParent(parsing: input.span) {
        let again = TraceParent(parsing: "00-\(parent.traceID)-\(parent.spanID)-01".utf8.span)
        try require(again == parent, "a trace is read as it is written", text(input))
    }
    if let duration = DurationText(parsing: input.span) {
        let again = DurationText(parsing: "\(duration.milliseconds)ms".utf8.span)
        // Ten digits at the most, which a number of seconds has more of in milliseconds.
        try require(again == duration || duration.milliseconds > 9_999_999_999, "a duration is read as it is written")
        try require(0...9_999_999_999_000 ~= duration.milliseconds, "a duration is bounded")
    }
    let weak = EntityTagList(wellFormed: input.span, .weak)
    let strong = EntityTagList(wellFormed: input.span, .strong)
    try require((weak == nil) == (strong == nil), "how tags are compared does not change what is well-formed")
    if case .tags(let tags) = strong, let first = tags.first {
        try require(weak?.matches(first) == true, "a strong tag is a weak one, too")
    }
    let preference = AcceptedTypes(input.span).preference(for: "application/json")
    try require(0...1000 ~= preference.quality, "a quality is 0 to 1000", "\(preference)")
    if let best = AcceptedTypes(input.span).best(of: ["text/html", "application/json"]) {
        let name: StaticString = best == 0 ? "text/html" : "application/json"
        try require(AcceptedTypes(input.span).preference(for: name).quality > 0, "what is chosen is accepted")
    }
    _ = input.span.isMediaType("application/json")
}
