import HTTPWire
import RedisCore

/// What a read asks for beyond a value: what it has to know, and a token of what it saw.
struct ConsistencyDemand: Equatable, Sendable {
    /// The answer has to know this write.
    var after: ReplicationToken?
    /// How long to wait for a replica that knows it before the master is asked; 0…10,000.
    var waitMilliseconds: Int64 = 0
    /// The answer has to know all that the master had written so long ago; 1…3,600,000.
    var maximumLagMilliseconds: Int64?
    /// The answer shall carry a token of what it saw.
    var wantsToken = false

    /// Whether a server has to show something before its value is given.
    var needsProof: Bool { after != nil || maximumLagMilliseconds != nil }

    /// A plain read.
    init() {}

    /// - Throws: ``Problem/invalidReplicationToken``, ``Problem/invalidDuration(_:_:)``, ``Problem/invalidTokenRequest``,
    ///   ``Problem/missingParameter(_:because:)``.
    /// - Returns: `nil` for a plain read.
    init?(_ request: borrowing RequestView, _ target: borrowing RequestTarget) throws(Problem) {
        // Most reads end here.
        let lag = target.hasQuery ? try target.queryValue("max-lag") : nil
        guard lag != nil || request.head.hasReplicationField else { return nil }
        if let text = request.value(of: .replicationAfter) {
            guard !request.head.isRepeated(.replicationAfter), let token = ReplicationToken(parsing: text) else {
                throw .invalidReplicationToken
            }
            after = token
        }
        wantsToken = try Self.asksForToken(request)
        if let lag {
            maximumLagMilliseconds = try DurationText.milliseconds(lag.span, of: "max-lag", in: .lag)
        }
        if let text = request.value(of: .replicationWait) {
            waitMilliseconds = try DurationText.milliseconds(text, of: "Replication-Wait", in: .wait)
            guard needsProof else { throw .missingParameter("Replication-After", because: "Replication-Wait") }
        }
        guard needsProof || wantsToken else { return nil }
    }

    /// Refuses what only a read can meet, in a request that is none. `Replication-Token: want` is met by every write.
    ///
    /// - Throws: ``Problem/unsupportedConsistency``, ``Problem/invalidTokenRequest``.
    static func refuse(in request: borrowing RequestView, _ target: borrowing RequestTarget) throws(Problem) {
        guard target.hasQuery || request.head.hasReplicationField else { return }
        _ = try asksForToken(request)
        guard request.head.value(of: .replicationAfter) == nil, request.head.value(of: .replicationWait) == nil else {
            throw .unsupportedConsistency
        }
        if target.hasQuery, try target.queryValue("max-lag") != nil { throw .unsupportedConsistency }
    }

    private static func asksForToken(_ request: borrowing RequestView) throws(Problem) -> Bool {
        guard let text = request.value(of: .replicationToken) else { return false }
        guard text.equals("want") else { throw .invalidTokenRequest }
        return true
    }
}

extension RequestHead {
    /// Whether there is a field that may demand something of replication.
    fileprivate var hasReplicationField: Bool {
        value(of: .replicationAfter) != nil || value(of: .replicationToken) != nil
            || value(of: .replicationWait) != nil
    }
}
