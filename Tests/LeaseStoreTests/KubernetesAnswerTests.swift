import Testing

@testable import LeaseStore

@Suite("What the API server's answers mean")
struct KubernetesAnswerTests {
    private static func status(_ code: Int, _ reason: String, kind: String = "leases", message: String = "m") -> String
    {
        #"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"\#(message)","reason":"\#(reason)","#
            + #""details":{"name":"main","kind":"\#(kind)"},"code":\#(code)}"#
    }

    @Test(
        "each answer, by its status and reason",
        arguments: [
            (200, "{}", nil, KubernetesAnswer.done(Array("{}".utf8))), (201, "", nil, .done([])),
            (404, status(404, "NotFound"), nil, .absent),
            (404, status(404, "NotFound", kind: "namespaces"), nil, .noNamespace),
            (404, status(404, "NotFound", kind: "pods"), nil, .invalid("404: m")),
            (
                404, "404 page not found", nil,
                .unavailable("404: it has no coordination.k8s.io/v1, or is no API server", retryAfter: nil)
            ),
            (409, status(409, "Conflict"), nil, .conflict), (409, status(409, "AlreadyExists"), nil, .conflict),
            (410, status(410, "Expired"), nil, .expired), (401, status(401, "Unauthorized"), nil, .unknownToken),
            (403, status(403, "Forbidden"), nil, .forbidden), (422, status(422, "Invalid"), nil, .invalid("422: m")),
            (
                429, status(429, "TooManyRequests"), 1,
                .unavailable("429, too many requests: m", retryAfter: 1)
            ),
            (500, status(500, "InternalError"), nil, .unavailable("500: m", retryAfter: nil)),
            (503, "", nil, .unavailable("503", retryAfter: nil)),
            (302, "", nil, .unavailable("302", retryAfter: nil)),
        ] as [(Int, String, Int?, KubernetesAnswer)])
    func meanings(status: Int, body: String, retryAfter: Int?, meaning: KubernetesAnswer) {
        #expect(KubernetesAnswer(status: status, body: Array(body.utf8), retryAfter: retryAfter) == meaning)
    }

    @Test("a refusal counts once it has lasted: an API server that starts refuses what it allows later")
    func patience() {
        let start = ContinuousClock.now
        var patience = RefusalPatience()
        func refused(_ verb: KubernetesVerb, _ second: Int) -> Bool {
            patience.refused(verb, at: start + .seconds(second))
        }
        let first = [refused(.update, 0), refused(.update, 10), refused(.update, 11)]
        // Each right by itself.
        let other = refused(.watch, 12)
        patience.allowed(.update)
        let second = [refused(.update, 20), refused(.update, 31)]
        // Much later: another start of the API server.
        let late = refused(.update, 100)
        #expect(first == [false, false, true] && !other && second == [false, true] && !late)
    }
}
