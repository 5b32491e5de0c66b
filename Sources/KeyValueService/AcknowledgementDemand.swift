/// `?replicas=N&within=200ms`: the write is answered when so many replicas have acknowledged it, or when the time is over.
struct AcknowledgementDemand: Equatable, Sendable {
    /// 1…64.
    var replicas: Int
    /// 1…10,000; a second unless it is said.
    var withinMilliseconds: Int64

    /// - Throws: ``Problem/invalidNumber(_:_:)``, ``Problem/invalidDuration(_:_:)``,
    ///   ``Problem/missingParameter(_:because:)``.
    /// - Returns: `nil` where the request asks for nothing of it.
    init?(_ target: borrowing RequestTarget) throws(Problem) {
        let within = try target.queryValue("within")
        guard let replicas = try target.queryValue("replicas") else {
            guard within == nil else { throw .missingParameter("replicas", because: "within") }
            return nil
        }
        self.replicas = try Self.number(replicas.span, of: "replicas", in: 1...64)
        withinMilliseconds =
            if let within {
                try DurationText.milliseconds(within.span, of: "within", in: .acknowledgement)
            } else {
                1000
            }
    }

    private static func number(
        _ text: Span<UInt8>, of name: StaticText, in range: ClosedRange<Int>
    ) throws(Problem) -> Int {
        let digits = text.text
        guard digits.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }), let number = Int(digits),
            range.contains(number)
        else { throw .invalidNumber(name, range) }
        return number
    }
}
