import HTTPWire
import Replication

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

    /// - Throws: ``Problem/invalidReplicationToken``, ``Problem/invalidDuration(_:_:)``, ``Problem/invalidTokenRequest``.
    /// - Returns: `nil` for a plain read.
    init?(_ request: borrowing RequestView, _ target: borrowing RequestTarget) throws(Problem) {
        // Most reads end here.
        guard
            target.hasQuery || request.head.value(of: .replicationAfter) != nil
                || request.head.value(of: .replicationToken) != nil
        else { return nil }
        if let text = request.value(of: .replicationAfter) {
            guard let token = ReplicationToken(parsing: text) else { throw .invalidReplicationToken }
            after = token
        }
        if let text = request.value(of: .replicationWait) {
            waitMilliseconds = try DurationText.milliseconds(text, of: "Replication-Wait", in: .wait)
        }
        if let text = request.value(of: .replicationToken) {
            guard text.equals("want") else { throw .invalidTokenRequest }
            wantsToken = true
        }
        if target.hasQuery, let text = try target.queryValue("max-lag") {
            maximumLagMilliseconds = try DurationText.milliseconds(text.span, of: "max-lag", in: .lag)
        }
        guard after != nil || maximumLagMilliseconds != nil || wantsToken else { return nil }
    }
}
