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
            let right = "Authorization: Bearer \(token)"
            for shown in [[], ["Authorization: Bearer \(token)x"], [right]] {
                let ready = try await cluster.http("app", .init("GET", "/readyz", headers: shown))[0]
                let isDetailed = shown == [right]
                #expect(ready.status == 200, "\(shown)")
                #expect(isDetailed == (ready.text != #"{"ready":true}"#), "\(shown): \(ready.text)")
                #expect(ready.text.contains("\(system.master.endpoint)") == isDetailed, "\(ready.text)")
            }
            for path in ["/readyz", "/v1/keys/k", "/livez", "/"] {
                for second in [right, "Authorization: Bearer wrong", "authorization: \(token)"] {
                    let twice = LoopbackHTTP.Request("GET", path, headers: [right, second])
                    let answer = try await cluster.http("app", twice)[0]
                    #expect(answer.status == 400 && answer.code == "malformed-request", "\(twice): \(answer.text)")
                    #expect(answer.text.contains(#""reason":"several-authorizations""#))
                }
            }
            // A token needs no Content-Type beside it: no page of another origin has a browser send one.
            let untyped = LoopbackHTTP.Request(
                "POST", "/set", headers: [right], body: Array(#"{"key":"k","value":"w"}"#.utf8))
            #expect(try await cluster.http("app", untyped)[0].status == 200)
            try await cluster.kill("master")
            try await cluster.wait(until: "/readyz says 503", of: "app") {
                let bare = try await cluster.http("app", .get("/readyz"))[0]
                return Observation(bare.status == 503 && bare.text == #"{"ready":false}"#, else: bare.text)
            }
            let told = try await cluster.http("app", .init("GET", "/readyz", headers: [right]))[0]
            #expect(told.status == 503 && told.text.contains("\(system.master.endpoint)"))
            let log = try await cluster.log(of: "app")
            #expect(log.contains("answered 401"))
            #expect(!log.contains("ken-of-the-test"))
        }
    }
}
