import HTTPWire

/// A duration as requests write it: `30s` or `500ms`.
struct DurationText: Equatable, Sendable {
    let milliseconds: Int64

    /// Reads decimal digits and a unit, `s` or `ms`; nothing else, not even a sign or a blank.
    ///
    /// - Returns: `nil` where it is not that, or beyond ten digits.
    init?(parsing text: Span<UInt8>) {
        var number: Int64 = 0
        var index = 0
        while index < text.count, UInt8(ascii: "0")...UInt8(ascii: "9") ~= text[index] {
            number = number * 10 + Int64(text[index] - UInt8(ascii: "0"))
            index += 1
            guard index <= 10 else { return nil }
        }
        guard index > 0 else { return nil }
        let unit = text.extracting(index..<text.count)
        switch unit.count {
        case 1 where unit.starts(with: "s"): milliseconds = number * 1000
        case 2 where unit.starts(with: "ms"): milliseconds = number
        default: return nil
        }
    }

    /// Reads a parameter or a header field that has to be within a range.
    ///
    /// - Throws: ``Problem/invalidDuration(_:_:)``.
    static func milliseconds(
        _ text: Span<UInt8>, of name: StaticText, in range: Range
    ) throws(Problem) -> Int64 {
        guard let duration = DurationText(parsing: text), range.milliseconds.contains(duration.milliseconds) else {
            throw .invalidDuration(name, range)
        }
        return duration.milliseconds
    }

    /// The allowed range of a duration, and how messages describe it.
    struct Range: Equatable, Sendable {
        let milliseconds: ClosedRange<Int64>
        let words: StaticText

        static let timeToLive = Range(milliseconds: 1...315_360_000_000, words: "1ms to 315360000s")
        static let acknowledgement = Range(milliseconds: 1...10_000, words: "1ms to 10s")
        static let wait = Range(milliseconds: 0...10_000, words: "0ms to 10s")
        static let lag = Range(milliseconds: 1...3_600_000, words: "1ms to 3600s")
    }
}
