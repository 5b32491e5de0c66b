import LocalTopology
import Testing

/// Each in a control group with the memory of `k8s/key-value-app-deploy.yaml`, where one can be made.
@Suite("Attacks of strangers")
struct AttackTests {
    private static let limitMiB = 256
    private static let mebibyte = 1 << 20

    private static func get(_ path: String, _ fields: String = "") -> [UInt8] {
        Array("GET \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n".utf8)
    }

    private static func send(_ method: String, _ path: String, type: String, _ body: [UInt8]) -> [UInt8] {
        Array(
            "\(method) \(path) HTTP/1.1\r\nHost: a\r\nContent-Type: \(type)\r\nContent-Length: \(body.count)\r\n\r\n"
                .utf8)
            + body
    }

    /// One after the other, in one piece.
    private static func pipelined(_ count: Int, _ request: (Int) -> [UInt8]) -> [UInt8] {
        (0..<count).flatMap(request)
    }

    private static let bigBatch: [UInt8] = {
        let operations = (0..<40).map { #"{"get":"big\#($0 % 8)"}"# }.joined(separator: ",")
        return send("POST", "/v1/batch", type: "application/json", Array("{\"operations\":[\(operations)]}".utf8))
    }()

    private static let writingBatch: [UInt8] = {
        let value = String(repeating: "v", count: 50_000)
        let operations = (0..<40).map { #"{"set":"w\#($0)","value":"\#(value)"}"# }.joined(separator: ",")
        return send("POST", "/v1/batch", type: "application/json", Array("{\"operations\":[\(operations)]}".utf8))
    }()

    private static let longText: [UInt8] =
        Array(#"{"key":"left","value":""#.utf8) + [UInt8](repeating: UInt8(ascii: "v"), count: 8_000_000)
        + Array(#""}"#.utf8)

    private static let value = [UInt8](repeating: UInt8(ascii: "v"), count: 900_000)

    static let kinds: [Attack.Kind] =
        [true, false].flatMap { reads in
            [
                Attack.Kind(name: "/get of one value of 1 MiB", clients: 64, reads: reads) { _ in
                    pipelined(100) { _ in get("/get?key=big0") }
                },
                Attack.Kind(name: "values of 1 MiB", clients: 64, reads: reads) { client in
                    pipelined(100) { get("/v1/keys/big\((client + $0) % 8)") }
                },
                Attack.Kind(name: "batches of forty values of 1 MiB", clients: 16, reads: reads) { _ in
                    pipelined(8) { _ in bigBatch }
                },
                Attack.Kind(name: "lists of keys", clients: 64, reads: reads) { _ in
                    pipelined(200) { _ in get("/v1/keys?limit=1000") }
                },
            ]
        } + [
            Attack.Kind(name: "small values and large ones in turn", clients: 64, reads: true) { client in
                pipelined(100) { get($0 % 2 == 0 ? "/get?key=small" : "/get?key=big\((client + $0) % 8)") }
            },
            Attack.Kind(name: "one value of 1 MiB each", clients: 600, reads: false) { client in
                get("/get?key=big\(client % 8)")
            },
            Attack.Kind(name: "100,000 small requests", clients: 8, reads: true) { _ in
                pipelined(2000) { _ in get("/get?key=small") }
            },
            Attack.Kind(name: "the page", clients: 64, reads: false) { _ in
                pipelined(1000) { _ in get("/", "Accept: text/html\r\n") }
            },
            Attack.Kind(name: "the topology", clients: 64, reads: true) { _ in
                pipelined(1000) { _ in get("/v1/topology") }
            },
            Attack.Kind(name: "the topology's history", clients: 64, reads: true) { _ in
                pipelined(1000) { _ in get("/v1/topology/history") }
            },
            Attack.Kind(name: "/metrics", clients: 64, reads: false) { _ in pipelined(1000) { _ in get("/metrics") } },
            Attack.Kind(name: "PUTs of 900 kB", clients: 32, reads: true) { client in
                send("PUT", "/v1/keys/put\(client)", type: "application/octet-stream", value)
            },
            Attack.Kind(name: "batches that write 2 MB", clients: 16, reads: true) { _ in writingBatch },
            Attack.Kind(name: "bodies of 8 MiB that do not end", clients: 60, reads: false) { client in
                Array(
                    """
                    POST /set HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 8388608\r\n\r\n{"key":"
                    """.utf8) + [UInt8](repeating: UInt8(ascii: "k"), count: 8_000_000)
            },
            Attack.Kind(name: "bodies of 8 MB", clients: 32, reads: false, leaves: true) { _ in
                send("POST", "/set", type: "application/json", longText)
            },
            Attack.Kind(name: "heads of 15 kB that do not end", clients: 2000, reads: false) { _ in
                Array("GET / HTTP/1.1\r\nHost: a\r\nX: ".utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: 15_000)
            },
        ]

    private static let honest = [
        get("/v1/keys/small"), get("/get?key=small"), get("/livez"), get("/readyz"),
        send("PUT", "/v1/keys/own", type: "application/octet-stream", [1]),
    ].map { String(decoding: $0, as: UTF8.self) }

    /// Answers that the honest client gets beside each attack.
    private static let wantedAnswers = 15

    /// One app stands all of them, one after the other.
    @Test("end nothing, use little memory, and leave their answers to others")
    func attacks() async throws {
        // As much as the app takes by itself where 256 MiB are the limit.
        let system = try DirectCluster(replicaLines: [[]], environment: ["MEMORY_BUDGET_MIB": "42"], loops: 2)
        var group: MemoryGroup?
        defer { group?.remove() }
        try await withLocalCluster(system.spec) { cluster in
            try await prepare(cluster, system)
            let process = try await cluster.processIdentifier(of: "app")
            group = MemoryGroup(of: process, limitMiB: Self.limitMiB)
            if group == nil { print("no control group can be made here: the process' own figure has to do") }
            for kind in Self.kinds {
                try attack(kind, on: system.app.endpoint, process)
                #expect((group?.kills ?? 0) == 0, "\(kind.testDescription)")
                try await cluster.wait(untilServed: .get("/livez"), by: "app")
                try #require(await cluster.processIdentifier(of: "app") == process, "\(kind.testDescription)")
            }
        }
    }

    private func attack(_ kind: Attack.Kind, on endpoint: Endpoint, _ process: Int32) throws {
        let begin = ContinuousClock.now
        MemoryGroup.forgetPeak(of: process)
        let attack = try Attack(kind, on: endpoint)
        let honest = try HonestClient(Self.honest, to: endpoint)
        while honest.statuses.count < Self.wantedAnswers, ContinuousClock.now < begin + .seconds(120) {
            try attack.goOn()
            try honest.goOn()
        }
        let peak = try ClientMemoryTests.mebibytes("VmHWM", of: process)
        let name = kind.testDescription
        let taken = attack.takenBytes / Self.mebibyte
        print("\(name): \(peak) MiB at the most, \(taken) MiB taken, \(ContinuousClock.now - begin)")
        #expect(honest.statuses.count >= Self.wantedAnswers, "answers of the honest client beside \(name)")
        #expect(honest.statuses.allSatisfy { $0.hasPrefix("20") }, "\(Set(honest.statuses)) beside \(name)")
        // Between two answers of the honest client, the others' are a few turns of the event loops.
        #expect(attack.takenBytes < Self.wantedAnswers * 24 * Self.mebibyte, "\(name)")
        #expect(peak <= Self.limitMiB * 3 / 4, "\(name)")
    }

    private func prepare(_ cluster: LocalCluster, _ system: DirectCluster) async throws {
        try await cluster.store("small", "v", on: system.replicas)
        let big = String(repeating: "b", count: Self.mebibyte)
        for number in 0..<8 { _ = try await cluster.redis("master", "SET", "big\(number)", big) }
        let names = (0..<2000).flatMap { ["key:\($0)", "v"] }
        _ = try await cluster.redis("master", [["MSET"] + names])
        try await cluster.wait(until: "the replica has the values", of: "replica-1", within: .seconds(20)) {
            let reply = try await cluster.redis("replica-1", "STRLEN", "big7")
            return Observation("\(reply)".contains("\(Self.mebibyte)"), else: "\(reply)")
        }
        try await cluster.wait(untilServed: .get("/v1/keys/small"))
        try await cluster.wait(untilServed: .get("/v1/keys/big7"))
    }
}
