import HTTPWire
import RedisCore
import Testing

@testable import KeyValueService

@Suite("What a request demands of replication")
struct DemandTests {
    private static let token = "0123456789abcdef0123456789abcdef01234567:42"

    @Test(arguments: [
        ("/v1/keys/k?replicas=1", 1, 1000), ("/v1/keys/k?replicas=64&within=10s", 64, 10_000),
        ("/v1/keys/k?within=1ms&replicas=2", 2, 1), ("/v1/keys/k?a=b&replicas=02&ttl=5", 2, 1000),
    ])
    func `acknowledgements have a number and a time`(target: String, replicas: Int, milliseconds: Int64) throws {
        let demand = try #require(try acknowledgement(target))
        #expect(demand.replicas == replicas)
        #expect(demand.withinMilliseconds == milliseconds)
    }

    @Test func `acknowledgements are demanded by name only`() throws {
        for target in [
            "/v1/keys/k", "/v1/keys/k?", "/v1/keys/k?Replicas=2", "/v1/keys/replicas=2", "/v1/keys/k?ttl=1s",
        ] {
            #expect(try acknowledgement(target) == nil)
        }
    }

    @Test(arguments: [
        ("replicas=", Problem.invalidNumber("replicas", 1...64)), ("replicas=0", .invalidNumber("replicas", 1...64)),
        ("replicas=65", .invalidNumber("replicas", 1...64)), ("replicas=-1", .invalidNumber("replicas", 1...64)),
        ("replicas=%2b1", .invalidNumber("replicas", 1...64)), ("replicas=two", .invalidNumber("replicas", 1...64)),
        ("replicas=99999999999999999999", .invalidNumber("replicas", 1...64)),
        ("within=1s", .missingParameter("replicas", because: "within")),
        ("replicas=1&within=0ms", .invalidDuration("within", .acknowledgement)),
        ("replicas=1&within=11s", .invalidDuration("within", .acknowledgement)),
        ("replicas=1&within=", .invalidDuration("within", .acknowledgement)),
        ("replicas=1&within=%zz", .invalidPercentEncoding),
    ])
    func `acknowledgements that make no sense are refused`(query: String, problem: Problem) {
        #expect(throws: problem) { try acknowledgement("/v1/keys/k?\(query)") }
    }

    @Test(arguments: [
        ("/v1/keys/k", []), ("/v1/keys/k?x=1", []), ("/v1/keys/max-lag=2s", ["Accept: */*"]),
    ])
    func `most reads demand nothing`(target: String, headers: [String]) throws {
        #expect(try consistency(target, headers) == nil)
    }

    @Test func `a read demands a token, a write that it has to know, a bound, or all of it`() throws {
        var demand = try #require(try consistency("/v1/keys/k", ["Replication-Token: want"]))
        #expect(demand.wantsToken && !demand.needsProof)
        demand = try #require(try consistency("/v1/keys/k", ["replication-after:  \(Self.token) "]))
        #expect(demand.after?.description == Self.token)
        #expect(demand.needsProof && !demand.wantsToken && demand.waitMilliseconds == 0)
        demand = try #require(try consistency("/v1/keys/k?a=1&max-lag=2s", ["Replication-Wait: 500ms"]))
        #expect(demand.maximumLagMilliseconds == 2000 && demand.waitMilliseconds == 500)
        #expect(demand.needsProof && demand.after == nil)
        demand = try #require(
            try consistency(
                "/v1/keys/k?max-lag=1ms",
                ["Replication-Wait: 10s", "Replication-After: \(Self.token)", "Replication-Token: want"]))
        #expect(demand.after != nil && demand.maximumLagMilliseconds == 1 && demand.wantsToken)
        #expect(demand.waitMilliseconds == 10_000)
    }

    @Test(arguments: [
        ("/v1/keys/k", "Replication-After:", Problem.invalidReplicationToken),
        ("/v1/keys/k", "Replication-After: want", .invalidReplicationToken),
        ("/v1/keys/k", "Replication-After: \(token)0 ", nil),
        ("/v1/keys/k", "Replication-After: \(token) 1", .invalidReplicationToken),
        ("/v1/keys/k", "Replication-After: 0\(token)", .invalidReplicationToken),
        ("/v1/keys/k", "Replication-Token: \(token)", .invalidTokenRequest),
        ("/v1/keys/k", "Replication-Token: Want", .invalidTokenRequest),
        ("/v1/keys/k", "Replication-Token: wanted", .invalidTokenRequest),
        ("/v1/keys/k", "Replication-After: \(token)\r\nReplication-After: \(token)", .invalidReplicationToken),
        // Nothing to wait for.
        ("/v1/keys/k", "Replication-Wait: 1s", .missingParameter("Replication-After", because: "Replication-Wait")),
        (
            "/v1/keys/k?", "Replication-Wait: 1s\r\nReplication-Token: want",
            .missingParameter("Replication-After", because: "Replication-Wait")
        ),
        ("/v1/keys/k", "Replication-Wait: soon", .invalidDuration("Replication-Wait", .wait)),
        ("/v1/keys/k?max-lag=", "A: b", .invalidDuration("max-lag", .lag)),
        ("/v1/keys/k?max-lag=0s", "A: b", .invalidDuration("max-lag", .lag)),
        ("/v1/keys/k?max-lag=2h", "A: b", .invalidDuration("max-lag", .lag)),
        ("/v1/keys/k?max-lag=1s", "Replication-Wait: 11s", .invalidDuration("Replication-Wait", .wait)),
        ("/v1/keys/k?max-lag=1s", "Replication-Wait: 5", .invalidDuration("Replication-Wait", .wait)),
    ])
    func `what cannot be read is refused`(target: String, header: String, problem: Problem?) throws {
        if let problem {
            #expect(throws: problem) { try consistency(target, [header]) }
        } else {
            #expect(try consistency(target, [header]) != nil)
        }
    }

    @Test(arguments: [
        (Problem.invalidDuration("ttl", .timeToLive), 400, "invalid-duration"),
        (.invalidNumber("replicas", 1...64), 400, "invalid-number"),
        (.missingParameter("replicas", because: "within"), 400, "missing-parameter"),
        (.unsupportedPrecondition, 400, "unsupported-precondition"),
        (.invalidReplicationToken, 400, "invalid-replication-token"),
        (.invalidTokenRequest, 400, "invalid-token-request"), (.replicationLost, 409, "replication-lost"),
        (.preconditionFailed, 412, "precondition-failed"), (.redisOverloaded, 503, "redis-overloaded"),
        (.redisReadOnly, 503, "redis-read-only"), (.redisUnavailable(role: "Redis master"), 503, "redis-unavailable"),
        (.replicationLagUnknown, 503, "replication-lag-unknown"), (.writeContended, 503, "write-contended"),
        (.writeOutcomeUnknown, 504, "write-outcome-unknown"), (.redisTimeout, 504, "redis-timeout"),
        (.unsupportedConsistency, 400, "unsupported-consistency"),
        (.valueTooLargeToCompare(limitBytes: 8 << 20), 409, "value-too-large-to-compare"),
    ])
    func `each refusal has its status and code, and a sentence; those that pass say when to try again`(
        problem: Problem, status: Int, code: String
    ) {
        #expect(problem.status.rawValue == status)
        #expect(problem.code.description == code)
        #expect(problem.detail.last == "." && problem.detail.utf8.count > 20)
        #expect((problem.retryAfterSeconds != nil) == (status == 503))
    }

    private func acknowledgement(_ target: String) throws(Problem) -> AcknowledgementDemand? {
        let bytes = Array(target.utf8)
        return try AcknowledgementDemand(RequestTarget(bytes.span))
    }

    private func consistency(_ target: String, _ headers: [String]) throws -> ConsistencyDemand? {
        let bytes = Array((["GET \(target) HTTP/1.1", "Host: a"] + headers + ["", ""]).joined(separator: "\r\n").utf8)
        var decoder = RequestDecoder()
        var offset = 0
        guard case .head(let head) = decoder.next(bytes.span, from: &offset) else {
            Issue.record("no request")
            return nil
        }
        let request = RequestView(head, in: bytes.span)
        return try ConsistencyDemand(request, RequestTarget(request.target))
    }
}
