import LocalTopology
import Testing

@Suite("A token for the API")
struct BearerTokenTests {
    @Test func `is asked for on all but the open paths, and never logged`() async throws {
        let token = "t0ken-of-the-test"
        let system = try DirectCluster(
            replicaLines: [], environment: ["API_TOKEN": token, "ACCESS_LOG_SAMPLE": "1"])
        try await withLocalCluster(system.spec) { cluster in
            let closed: [(LoopbackHTTP.Request, status: Int)] = [
                (.set(#"{"key":"k","value":"v"}"#), 200), (.get("/v1/keys/k"), 200), (.get("/get?key=k"), 200),
                (.get("/metrics"), 200), (.get("/nowhere"), 404), (.init("DELETE", "/get"), 405),
            ]
            for (request, status) in closed {
                for field in [nil, "", "Basic \(token)", "Bearer", "Bearer \(token)x", "Bearer wrong"] {
                    var request = request
                    if let field { request.headers.append("Authorization: \(field)") }
                    let answers = try await cluster.http("app", request, .get("/livez"))
                    #expect(answers[0].status == 401, "\(request)")
                    #expect(answers[0].code == "unauthorized")
                    #expect(answers[0].header("WWW-Authenticate") == "Bearer")
                    #expect(answers[1].status == 200, "the connection goes on")
                }
                var shown = request
                shown.headers.append("Authorization: Bearer \(token)")
                #expect(try await cluster.http("app", shown)[0].status == status, "\(request)")
            }
            for path in ["/", "/livez", "/readyz", "/openapi.json"] {
                #expect(try await cluster.http("app", .get(path))[0].status == 200, "\(path)")
            }
            let log = try await cluster.log(of: "app")
            #expect(log.contains("answered 401"))
            #expect(!log.contains("ken-of-the-test"))
        }
    }
}
