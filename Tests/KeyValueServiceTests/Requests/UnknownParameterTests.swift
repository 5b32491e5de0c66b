import HTTPWire
import NIOCore
import Testing

@testable import KeyValueService

@Suite("Parameters of a query")
struct UnknownParameterTests {
    private func check(_ uri: String, _ method: RequestMethod = .get) throws {
        let bytes = Array(uri.utf8)
        let target = RequestTarget(bytes.span)
        guard let route = Route(path: target.path) else {
            Issue.record("no route")
            return
        }
        try route.checkParameters(of: target, method)
    }

    @Test func `that a route takes with its method are taken`() throws {
        try check("/v1/keys/k?max-lag=1s")
        try check("/v1/keys/k?m%61x-lag=1s")
        try check("/v1/keys/k?ttl=1s&replicas=1&within=1s", .put)
        try check("/v1/keys/k?replicas=1&within=1s", .delete)
        try check("/v1/keys?prefix=a&cursor=b&limit=1&max-lag=1s")
        // Refused in words of its own.
        try check("/v1/keys/k?max-lag=1s", .put)
        try check("/v1/demo?key=a&max-lag=1s")
        for path in ["/v1/topology", "/v1/topology/events", "/v1/batch"] { try check(path + "?&&") }
        for path in ["/get", "/set", "/", "/livez", "/readyz", "/metrics", "/openapi.json"] {
            try check(path + "?a=1&a=2&b")
        }
    }

    @Test(arguments: [
        ("/v1/keys/k?tll=5s", RequestMethod.put, "tll" as String?, "ttl" as String?, nil as String?),
        ("/v1/keys/k?TTL=5s", .put, "TTL", "ttl", nil), ("/v1/keys/k?tl=5s", .put, "tl", "ttl", nil),
        ("/v1/keys/k?ltt=5s", .put, "ltt", nil, nil), ("/v1/keys/k?replica=1", .put, "replica", "replicas", nil),
        ("/v1/keys/k?witihn=1s", .put, "witihn", "within", nil),
        ("/v1/keys/k?max_lag=1s", .get, "max_lag", "max-lag", nil),
        ("/v1/keys/k?maxlag=1s", .head, "maxlag", "max-lag", nil), ("/v1/keys/k?ttl=5s", .get, "ttl", "ttl", "PUT"),
        ("/v1/keys/k?ttl=5s", .delete, "ttl", "ttl", "PUT"),
        ("/v1/keys/k?maxlag=5s", .put, "maxlag", "max-lag", "GET"),
        ("/v1/keys/k?=5s", .get, nil, nil, nil), ("/v1/keys/k?expire=5s", .put, "expire", nil, nil),
        ("/v1/keys/k?a%00b=1", .get, nil, nil, nil), ("/v1/keys/k?<b>=1", .get, nil, nil, nil),
        ("/v1/topology?verbose=1", .get, "verbose", nil, nil), ("/v1/batch?ttl=1", .post, "ttl", nil, nil),
    ])
    func `that it does not take are refused with the nearest that there is`(
        uri: String, method: RequestMethod, name: String?, nearest: String?, otherMethod: String?
    ) throws {
        let error = try #require(throws: Problem.self) { try check(uri, method) }
        guard case .unknownParameter(let parameter) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(parameter.name == name)
        #expect(parameter.nearest?.description == nearest)
        #expect(parameter.otherMethod?.description == otherMethod)
        for text in [name, nearest, otherMethod].compactMap(\.self) { #expect(parameter.detail.contains(text)) }
        #expect(!parameter.detail.contains("<") && !parameter.detail.contains("\0"))
    }

    @Test func `are compared and repeated up to a bound alone`() throws {
        let long = String(repeating: "t", count: 4000)
        let error = try #require(throws: Problem.self) { try check("/v1/keys/k?\(long)=1", .put) }
        #expect(error.detail.count < 150 && !error.detail.contains("ttt"))
    }

    @Test func `may come once`() {
        #expect(throws: Problem.repeatedParameter("ttl")) { try check("/v1/keys/k?ttl=1s&ttl=1s", .put) }
        #expect(throws: Problem.repeatedParameter("ttl")) { try check("/v1/keys/k?ttl=1s&replicas=1&tt%6c=1s", .put) }
        #expect(throws: Problem.invalidPercentEncoding) { try check("/v1/keys/k?%=1", .put) }
    }
}

@Suite("What cannot be parsed is reported")
struct MalformationTests {
    @Test func `by a reason and a sentence of its own, which say nothing of what came`() {
        let all = Malformation.allCases
        #expect(Set(all.map(\.reason.description)).count == all.count)
        #expect(Set(all.map(\.detail)).count == all.count)
        for malformation in all {
            #expect(malformation.detail.hasSuffix("."))
            let problem = Problem.malformedRequest(malformation)
            #expect(problem.code.description == "malformed-request" && problem.status == .badRequest)
            #expect(String(buffer: problem.body).contains("\"reason\":\"\(malformation.reason)\""))
        }
    }
}
