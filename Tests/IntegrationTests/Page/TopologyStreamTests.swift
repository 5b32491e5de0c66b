import LocalTopology
import Testing

@Suite("The topology, once and as a stream")
struct TopologyStreamTests {
    private static let events = "GET /v1/topology/events HTTP/1.1\r\nHost: a\r\n\r\n"

    /// A master, two replicas and an app with an event loop a core.
    private func withApp(_ body: (LocalCluster, KeyValueCluster, Endpoint) async throws -> Void) async throws {
        let system = try KeyValueCluster(apps: 1)
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilReplicasOf: "master", are: 2)
            try await cluster.wait(untilTopologyHas: #""connected_replicas":2"#)
            try await body(cluster, system, system.apps[0].endpoint)
        }
    }

    @Test("tells roles, links, offsets and who answers reads; and what is the matter with a server, within two seconds")
    func topology() async throws {
        try await withApp { cluster, system, _ in
            _ = try await cluster.http("app-1", .set(#"{"key":"k","value":"v"}"#))
            for _ in 0..<20 { _ = try await cluster.http("app-1", .get("/v1/demo?key=k")) }
            let answer = try await cluster.http("app-1", .get("/v1/topology"))[0]
            #expect(answer.status == 200)
            #expect(answer.header("Content-Type") == "application/json")
            #expect(answer.header("Cache-Control") == "no-store, max-age=0")
            #expect(answer.text.hasPrefix(#"{"app":{"pod_ip":"127.0.0.11","host_name":"app-1","version":"0."#))
            #expect(
                answer.text.contains(
                    #""master":{"endpoint":"\#(system.master.endpoint)","state":"up","serving":true,"role":"master""#))
            for replica in system.replicas {
                let server = try #require(answer.text.server(replica.endpoint))
                #expect(server.contains(#""state":"up","serving":true,"role":"replica","link":"up","#))
                let reads = try #require(server.firstMatch(of: /"reads":(\d+)/).flatMap { Int($0.1) })
                #expect(1...20 ~= reads, "\(server)")
            }
            try await cluster.kill("replica-1")
            try await cluster.wait(
                untilTopologyHas: #""endpoint":"\#(system.replicas[0].endpoint)","state":"#, within: .seconds(30)
            ) { $0.server(system.replicas[0].endpoint)?.contains(#""serving":false,"role":"replica""#) == true }
            let text = try await cluster.http("app-1", .get("/v1/topology"))[0].text
            let server = try #require(text.server(system.replicas[0].endpoint))
            #expect(server.contains(#""last_known_at":"20"#), "what it was is shown with its age: \(server)")
        }
    }

    @Test("a stream tells of a replica that is stopped, and does not answer, within two seconds")
    func stopped() async throws {
        try await withApp { cluster, system, endpoint in
            let stream = try LoadSocket(to: endpoint)
            _ = try await cluster.receive(from: stream, sending: Self.events, until: "event: topology")
            try await cluster.pause("replica-1")
            let paused = Stopwatch()
            let text = try await cluster.receive(from: stream, until: "does not answer")
            #expect(paused.undisturbed < .seconds(2))
            let endpoint = system.replicas[0].endpoint
            #expect(text.contains(#""endpoint":"\#(endpoint)","state":"does not answer","serving":false"#))
            try await cluster.resume("replica-1")
        }
    }

    @Test("streams are bounded, and 500 of them leave nothing behind")
    func bounds() async throws {
        try await withApp { cluster, _, endpoint in
            for round in 1...8 {
                var streams: [LoadSocket] = []
                for _ in 0..<63 {
                    let stream = try LoadSocket(to: endpoint)
                    var bytes = Array(Self.events.utf8)
                    try stream.send(&bytes)
                    streams.append(stream)
                }
                try await cluster.wait(untilTopologyHas: #""streams":63}"#)
                let last = try LoadSocket(to: endpoint)
                let begun = try await cluster.receive(from: last, sending: Self.events, until: "event: topology")
                #expect(begun.contains("\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"))
                #expect(begun.contains("\r\nCache-Control: no-transform, no-store, max-age=0\r\n"))
                #expect(begun.contains("\r\nX-Accel-Buffering: no\r\n"))
                #expect(begun.contains("\r\n\r\nd\r\nretry: 1000\n\n\r\n"), "\(begun)")
                #expect(begun.contains("id: "))
                let refused = try await cluster.http("app-1", .get("/v1/topology/events"))[0]
                #expect(refused.status == 503, "round \(round)")
                #expect(refused.code == "too-many-streams")
                #expect(refused.header("Retry-After") == "1")
                streams.removeAll()
                _ = consume last
                try await cluster.wait(untilTopologyHas: #""streams":0}"#)
            }
            // The connection goes on, and so does the poller with the next stream.
            let again = try LoadSocket(to: endpoint)
            _ = try await cluster.receive(from: again, sending: Self.events, until: #""streams":1}"#)
        }
    }

    @Test("SIGTERM ends a stream at once and as it should end")
    func drains() async throws {
        try await withApp { cluster, _, endpoint in
            async let chunked = LoopbackHTTP.transcript(of: Array(Self.events.utf8), with: endpoint)
            async let plain = LoopbackHTTP.transcript(
                of: Array("GET /v1/topology/events HTTP/1.0\r\n\r\n".utf8), with: endpoint)
            try await cluster.wait(untilTopologyHas: #""streams":2}"#)
            let began = Stopwatch()
            let ending = try await cluster.terminate("app-1")
            #expect(ending == .exited(code: 0))
            #expect(began.undisturbed < .seconds(4))
            #expect(try await chunked.hasSuffix("\r\n0\r\n\r\n"))
            let text = try await plain
            #expect(!text.contains("Transfer-Encoding"))
            #expect(text.contains("\r\n\r\nretry: 1000\n\n"))
        }
    }

    @Test("a demo read names the app and closes its connection, and the page is for those who ask for HTML")
    func pageAndDemo() async throws {
        try await withApp { cluster, _, endpoint in
            _ = try await cluster.http("app-1", .set(#"{"key":"k","value":"v"}"#))
            let demo = try await LoopbackHTTP.transcript(
                of: Array("GET /v1/demo?key=k HTTP/1.1\r\nHost: a\r\n\r\n".utf8), with: endpoint)
            #expect(demo.contains("\r\nServed-App: 127.0.0.11\r\n"))
            #expect(demo.contains("\r\nConnection: close\r\n"))
            let answers = try await cluster.http(
                "app-1", .get("/"), .init("GET", "/", headers: ["Accept: */*"]),
                .init("GET", "/", headers: ["Accept: text/html,*/*;q=0.8"]),
                .init("HEAD", "/", headers: ["Accept: text/html"]), .get("/v1/demo?key="))
            #expect(answers.map(\.status) == [200, 200, 200, 200, 400])
            #expect(answers[0].text == "You've hit <app-1>")
            #expect(answers[1].text == "You've hit <app-1>")
            #expect(answers[2].text.hasPrefix("<!DOCTYPE html>"))
            for answer in answers[2...3] {
                #expect(answer.header("Content-Type") == "text/html; charset=utf-8")
                #expect(answer.header("Vary")?.contains("Accept") == true)
                #expect(answer.header("Content-Security-Policy")?.hasPrefix("default-src 'none'; ") == true)
                #expect(answer.header("X-Content-Type-Options") == "nosniff")
            }
        }
    }
}

extension LocalCluster {
    /// Waits until /v1/topology holds the text, and more where that is asked for.
    fileprivate nonisolated func wait(
        untilTopologyHas text: String, within limit: Duration = .seconds(30),
        and holds: @escaping @Sendable (String) -> Bool = { _ in true }
    ) async throws {
        try await wait(until: "the topology has \(text)", of: "app-1", within: limit) {
            let body = try await self.http("app-1", .get("/v1/topology"))[0].text
            return Observation(body.contains(text) && holds(body), else: body)
        }
    }

    /// Sends a request, and reads until the text has come.
    fileprivate nonisolated func receive(
        from socket: LoadSocket, sending request: String = "", until text: String
    ) async throws -> String {
        var bytes = Array(request.utf8)
        if !bytes.isEmpty { try socket.send(&bytes) }
        var received = ""
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(10)
        while !received.contains(text) {
            switch socket.receive() {
            case .bytes(let more): received += String(decoding: more, as: UTF8.self)
            case .nothing: socket.waitForBytes(until: deadline)
            case .end(let reason): throw LoadSocket.Failure(reason: "\(reason) after: \(received)")
            }
            guard clock.now < deadline else { throw LoadSocket.Failure(reason: "only this came: \(received)") }
        }
        return received
    }
}

extension String {
    /// The part of a topology that is about one server.
    fileprivate func server(_ endpoint: Endpoint) -> String? {
        firstRange(of: #"{"endpoint":"\#(endpoint)","state""#).map {
            String(self[$0.lowerBound...].prefix { $0 != "}" })
        }
    }
}
