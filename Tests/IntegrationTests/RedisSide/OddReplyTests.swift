import LocalTopology
import Testing

/// What a server may send in place of an answer. Bytes of RESP and what the log says of it are in ``HiredisTests``.
@Suite("Replies that are not what was asked for")
struct OddReplyTests {
    private static let answers = [
        OddServer.Answer(begin: "*1000000\r\n", piece: "$0\r\n\r\n", count: 1_000_000),
        OddServer.Answer(begin: "", piece: "*1000\r\n", count: 100_000),
        OddServer.Answer(begin: "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n", piece: "$1\r\nm\r\n", count: 1_000_000),
        OddServer.Answer(begin: ">2\r\n", piece: "+x\r\n", count: 1_000_000),
        OddServer.Answer(begin: "%1000000\r\n", piece: "+x\r\n", count: 1_000_000),
        OddServer.Answer(begin: "-ERR ", piece: String(repeating: "x", count: 1024), count: 16 << 10),
        OddServer.Answer(begin: "+", piece: "OK ", count: 1 << 20),
        OddServer.Answer(begin: "+OK\r\n", piece: "+OK\r\n", count: 1_000_000),
        OddServer.Answer(begin: "$536870912\r\n", piece: String(repeating: "x", count: 1024), count: 16 << 10),
    ]

    @Test(
        "take little memory in the app, are reported with command and bound, and a server that answers again is used",
        arguments: [
            ("GET", LoopbackHTTP.Request.get("/get?key=k")), ("SCAN", .get("/v1/keys?limit=1000")),
            ("SET", .set(#"{"key":"k","value":"v"}"#)), ("INFO", .get("/get?key=k")),
            ("PTTL", .init("GET", "/v1/keys/k", headers: ["Accept: application/json"])),
        ])
    func app(command: String, request: LoopbackHTTP.Request) async throws {
        let server = try OddServer()
        defer { server.stop() }
        var app = DirectCluster.app(
            at: Endpoint(port: try Loopback.freePorts(1)[0]), master: server.endpoint, replicas: [],
            program: try Programs.built("KVApp"))
        app.readiness = .running
        try await withLocalCluster(ClusterSpec([app])) { cluster in
            try await cluster.wait(untilServed: request, by: "app")
            let process = try await cluster.processIdentifier(of: "app")
            let before = try ClientMemoryTests.mebibytes("VmHWM", of: process)
            for (index, answer) in Self.answers.enumerated() {
                let asked = server.asked
                server.answer(command, with: answer)
                try await cluster.wait(until: "\(command) is answered with \(answer.begin)", of: "app") {
                    let code = try await cluster.http("app", request, timeout: .seconds(40))[0].code
                    return Observation(server.asked > asked, else: "\(code ?? "")")
                }
                // The next of the same kind within a minute may be told once.
                if index == 0 { try await cluster.wait(untilLogOf: "app", says: "its answer to \(command) ") }
                server.answer(command, with: nil)
                try await cluster.wait(untilServed: request, by: "app")
            }
            let peak = try ClientMemoryTests.mebibytes("VmHWM", of: process)
            print("\(command): \(before) MiB before, \(peak) MiB at the most")
            // Two values of 8 MiB, and what one of them needs while it grows.
            #expect(peak < before + 32, "\(before) MiB before")
        }
    }

    @Test(
        "take little memory in the sidecar, which tells of them", arguments: ["ROLE", "INFO", "CONFIG"])
    func sidecar(command: String) async throws {
        let server = try OddServer()
        defer { server.stop() }
        var sidecar = try SidecarProgramTests.sidecar(at: Endpoint(port: try Loopback.freePorts(1)[0]))
        sidecar.environment["SIDECAR_REDIS"] = "\(server.endpoint)"
        try await withLocalCluster(ClusterSpec([sidecar])) { cluster in
            try await cluster.wait(untilLogOf: "sidecar", says: "listening on")
            try await cluster.wait(untilServed: .get("/metrics"), by: "sidecar")
            let process = try await cluster.processIdentifier(of: "sidecar")
            let before = try ClientMemoryTests.mebibytes("VmHWM", of: process)
            for answer in Self.answers {
                let asked = server.asked
                server.answer(command, with: answer)
                try await cluster.wait(until: "\(command) is answered with \(answer.begin)", of: "sidecar") {
                    let answer = try await cluster.http("sidecar", .get("/metrics"), timeout: .seconds(20))[0]
                    return Observation(server.asked > asked + 1, else: answer.text)
                }
                server.answer(command, with: nil)
                try await cluster.wait(until: "the server is asked again", of: "sidecar") {
                    let text = try await cluster.http("sidecar", .get("/metrics"), timeout: .seconds(20))[0].text
                    return Observation(text.contains("redis_up 1"), else: text)
                }
            }
            let peak = try ClientMemoryTests.mebibytes("VmHWM", of: process)
            print("\(command): \(before) MiB before, \(peak) MiB at the most")
            #expect(peak < 48, "\(before) MiB before")
        }
    }
}
