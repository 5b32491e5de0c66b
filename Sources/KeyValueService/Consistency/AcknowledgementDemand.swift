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
        guard let replicas = try target.queryNumber("replicas", in: 1...64) else {
            guard within == nil else { throw .missingParameter("replicas", because: "within") }
            return nil
        }
        self.replicas = replicas
        withinMilliseconds =
            if let within {
                try DurationText.milliseconds(within.span, of: "within", in: .acknowledgement)
            } else {
                1000
            }
    }
}
