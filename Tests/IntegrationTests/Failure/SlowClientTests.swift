import LocalTopology
import Testing

@Suite("Slow clients")
struct SlowClientTests {
    /// ``HTTPLimits/transferTimeout`` as KVApp has it.
    static let transferTimeout = Duration.seconds(30)

    static let set = "POST /set HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    /// What a client sends before it stalls.
    static let stalls = [
        "half a request line": "GET /liv",
        "half a head": "GET /livez HTTP/1.1\r\nHost: a\r\nX-",
        "half a head after a whole request": "GET /livez HTTP/1.1\r\nHost: a\r\n\r\nGET /livez HTTP/1.1\r\n",
        "half a body": set + "Content-Length: 23\r\n\r\n" + #"{"key":"k","#,
        "no body": set + "Content-Length: 23\r\n\r\n",
        "half a body after a whole request": "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n" + set
            + "Content-Length: 23\r\n\r\n" + #"{"key":"k","#,
        "half a chunk": set + "Transfer-Encoding: chunked\r\n\r\na\r\n{\"key\"",
        "no last chunk": set + "Transfer-Encoding: chunked\r\n\r\na\r\n{\"key\":\"k\"\r\n",
    ]

    @Test("who stalls within a head or a body gets 408 and a close after the transfer timeout, and others are served")
    func stalled() async throws {
        let system = try KeyValueCluster(apps: 1)
        var app = system.apps[0]
        app.readiness = .running
        try await withLocalCluster(ClusterSpec([app])) { cluster in
            try await cluster.wait(until: "the app answers", of: "app-1") {
                Observation(try await cluster.http("app-1", .get("/livez"))[0].status == 200, else: "no")
            }
            let endpoint = app.endpoint
            let began = ContinuousClock.now
            await withTaskGroup(of: (String, Duration, Result<String, any Error>).self) { stalled in
                for (what, wire) in Self.stalls {
                    stalled.addTask {
                        let result: Result<String, any Error>
                        do {
                            result = .success(
                                try await LoopbackHTTP.transcript(
                                    of: Array(wire.utf8), with: endpoint, timeout: Self.transferTimeout + .seconds(5)))
                        } catch {
                            result = .failure(error)
                        }
                        return (what, .now - began, result)
                    }
                }
                for await (what, took, result) in stalled {
                    guard case .success(let transcript) = result else {
                        Issue.record("\(what): \(result)")
                        continue
                    }
                    let answers = transcript.split(separator: "HTTP/1.1 ")
                    #expect(answers.count == (what.hasSuffix("whole request") ? 2 : 1), "\(what): \(transcript)")
                    #expect(answers.last?.hasPrefix("408 ") == true, "\(what): \(transcript)")
                    #expect(answers.last?.contains("request-timeout") == true, "\(what)")
                    #expect(answers.last?.contains("\r\nConnection: close\r\n") == true, "\(what)")
                    // Deadlines are looked at once a second.
                    let limits = (Self.transferTimeout - .seconds(1))...(Self.transferTimeout + .seconds(4))
                    #expect(limits.contains(took), "\(what): \(took)")
                    let others = try? await cluster.http("app-1", .get("/livez"))[0].status
                    #expect(others == 200, "\(what)")
                }
            }
        }
    }
}
