import Glibc
import Hiredis
import LocalTopology
import Synchronization
import Testing

@Suite("Large values", .serialized)
struct LargeValueTests {
    private static let mebibyte = 1 << 20

    private func run(
        replicas: Int = 0, environment: [String: String] = [:], loops: Int = 1,
        _ body: (DirectCluster, LocalCluster) async throws -> Void
    ) async throws {
        let lines = ["save \"\"", "repl-diskless-sync yes", "repl-diskless-sync-delay 0"]
        let system = try DirectCluster(
            masterLines: lines, replicaLines: Array(repeating: lines, count: replicas),
            environment: environment, loops: loops)
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilServersUp: replicas + 1)
            try await body(system, cluster)
        }
    }

    @Test("come whole, byte for byte, with their length, in bounded memory")
    func sizes() async throws {
        try await run { system, cluster in
            let mebibyte = Self.mebibyte
            let sizes = [mebibyte - 1, mebibyte, mebibyte + 1, 8 * mebibyte, 8 * mebibyte + 1, 65 * mebibyte]
            for size in sizes {
                try await LargeContent.store("v", bytes: size, on: "master", of: cluster)
                // The first one meets the value, the second one knows it.
                for turn in 1...2 {
                    let answer = try await LargeGet.run("/v1/keys/v", at: system.app.endpoint)
                    #expect(answer.isWhole && answer.contentLength == size, "\(size), \(turn): \(answer)")
                    #expect((answer.header("ETag") != nil) == (size <= 8 * mebibyte), "\(size)")
                    #expect(answer.header("Served-Role") == "master")
                }
                let head = try await cluster.http(
                    "app", LoopbackHTTP.Request("HEAD", "/v1/keys/v"), timeout: .seconds(20))[0]
                #expect(head.status == 200 && head.header("Content-Length") == "\(size)", "\(size): \(head)")
                let tag = try #require(head.header("ETag"))
                let known = try await LargeGet.run(
                    "/v1/keys/v", headers: ["If-None-Match: \(tag)"], at: system.app.endpoint)
                #expect(known.status == 304 && known.bodyBytes == 0 && known.header("ETag") == tag, "\(size): \(known)")
                let other = try await LargeGet.run(
                    "/v1/keys/v", headers: ["If-None-Match: \"\(String(repeating: "0", count: 32))\""],
                    at: system.app.endpoint)
                #expect(other.isWhole && other.header("ETag") == tag, "\(size): \(other)")
                let any = try await LargeGet.run("/v1/keys/v", headers: ["If-None-Match: *"], at: system.app.endpoint)
                #expect(any.status == 304, "\(size)")
            }
            // A key that is known for a large value, and has a small one.
            _ = try await cluster.redis("master", "SET", "v", "small")
            for _ in 1...2 {
                let small = try await cluster.http("app", .get("/v1/keys/v"))[0]
                #expect(small.text == "small" && small.header("ETag") != nil)
            }
            _ = try await cluster.redis("master", "DEL", "v")
            #expect(try await cluster.http("app", .get("/v1/keys/v"))[0].status == 404)
            #expect(try await cluster.peakMemory(of: "app") < 96)
        }
    }

    @Test("of 200 and 512 MiB come whole in bounded memory, from a replica, while small values are served beside them")
    func largest() async throws {
        try await run(replicas: 1) { system, cluster in
            for size in [200, 512] {
                try await LargeContent.store("v", bytes: size * Self.mebibyte, on: "master", of: cluster)
                try await cluster.wait(until: "the replica has the value", of: "replica-1", within: .seconds(60)) {
                    let reply = try await cluster.redis("replica-1", "STRLEN", "v", timeout: .seconds(20))
                    return Observation(reply == .integer(Int64(size * Self.mebibyte)), else: "\(reply)")
                }
                // It was busy with the value, and is asked again once it answers soon.
                try await cluster.wait(until: "the replica serves reads", of: "app") {
                    let small = try await cluster.http("app", .get("/v1/keys/none"))[0]
                    return Observation(small.header("Served-Role") == "replica", else: small.text)
                }
                let answer = try await LargeGet.run("/v1/keys/v", at: system.app.endpoint)
                #expect(answer.isWhole && answer.contentLength == size * Self.mebibyte, "\(answer)")
                #expect(answer.header("Served-Role") == "replica")
            }
            #expect(try await cluster.peakMemory(of: "app") < 96)
        }
    }

    @Test("one that is read beside 16 writers fails none of their writes, and none of the reads")
    func besideWriters() async throws {
        try await run { system, cluster in
            try await LargeContent.store("v", bytes: 70 * Self.mebibyte, on: "master", of: cluster)
            let writers = try await Load.run(
                .put("/v1/keys/small", "x"), on: system.app.endpoint, clients: 16, expecting: ""
            ) { load in
                try await cluster.wait(forAnswers: 100, to: load)
                for _ in 1...6 {
                    let answer = try await LargeGet.run("/v1/keys/v", at: system.app.endpoint)
                    #expect(answer.isWhole, "\(answer)")
                }
                try await cluster.wait(forAnswers: 100, to: load)
            }
            #expect(writers.count(status: 204) + writers.count(status: 201) == writers.total, "\(writers.answers)")
        }
    }

    @Test("one that is met by chance displaces small reads, which all are answered all the same", arguments: [0, 1])
    func besideReaders(replicas: Int) async throws {
        try await run(replicas: replicas) { system, cluster in
            try await cluster.store("small", "x", on: system.replicas)
            let readers = try await Load.run(
                .get("/v1/keys/small"), on: system.app.endpoint, clients: 16, expecting: "x"
            ) { load in
                try await cluster.wait(forAnswers: 100, to: load)
                for number in 1...12 {
                    // A key that was not read yet.
                    try await LargeContent.store("v\(number)", bytes: 3 * Self.mebibyte, on: "master", of: cluster)
                    try await cluster.wait(untilLength: 3 * Self.mebibyte, of: "v\(number)", on: system.replicas)
                    let answer = try await LargeGet.run("/v1/keys/v\(number)", at: system.app.endpoint)
                    #expect(answer.isWhole, "\(answer)")
                }
                try await cluster.wait(forAnswers: 100, to: load)
            }
            #expect(readers.count(status: 200) == readers.total && readers.unexpected == [], "\(readers.answers)")
        }
    }

    @Test("many different ones that are asked for in the same moment are all answered")
    func manyAtOnce() async throws {
        try await run(environment: ["REDIS_MAX_LARGE_READS": "4"]) { system, cluster in
            for number in 0..<12 {
                try await LargeContent.store("v\(number)", bytes: 9 * Self.mebibyte, on: "master", of: cluster)
            }
            try await withThrowingTaskGroup(of: LargeGet.self) { group in
                for number in 0..<24 {
                    group.addTask { try await LargeGet.run("/v1/keys/v\(number % 12)", at: system.app.endpoint) }
                }
                for try await answer in group { #expect(answer.isWhole, "\(answer)") }
            }
            #expect(try await cluster.peakMemory(of: "app") < 96)
        }
    }

    @Test("a kept connection goes on behind a value of any size")
    func keptConnection() async throws {
        try await run { _, cluster in
            for bytes in [65_000, 65_536, 100_000, 131_072, 786_432, Self.mebibyte, Self.mebibyte + 1] {
                _ = try await cluster.redis(
                    "master", [["DEL", "v"], ["SETRANGE", "v", "\(bytes - 1)", "x"]], timeout: .seconds(10))
                let read = LoopbackHTTP.Request.get("/v1/keys/v?max-lag=1ms")
                let answers = try await cluster.http("app", read, read, .get("/livez"), read, timeout: .seconds(10))
                #expect(answers.map(\.status) == [200, 200, 200, 200])
                #expect([0, 1, 3].allSatisfy { answers[$0].body.count == bytes }, "\(bytes)")
            }
        }
    }

    @Test("in JSON are answered up to 8 MiB, and refused for good above, without harm to others")
    func inJSON() async throws {
        try await run { system, cluster in
            for (mebibytes, isServed) in [(2, true), (9, false)] {
                // Of bytes 0, which are text to /get.
                let last = mebibytes * Self.mebibyte - 1
                _ = try await cluster.redis(
                    "master", [["DEL", "v"], ["SETRANGE", "v", "\(last)", "x"]], timeout: .seconds(10))
                try await cluster.wait(untilServersUp: 1)
                let writers = try await Load.run(
                    .put("/v1/keys/small", "x"), on: system.app.endpoint, clients: 2, expecting: ""
                ) { load in
                    let requests: [LoopbackHTTP.Request] = [
                        .get("/get?key=v"),
                        LoopbackHTTP.Request("GET", "/v1/keys/v", headers: ["Accept: application/json"]),
                        .batch(#"{"operations":[{"get":"v"}]}"#),
                    ]
                    for request in requests {
                        let answer = try await cluster.http("app", request, timeout: .seconds(20))[0]
                        #expect(
                            answer.status == (isServed ? 200 : 507),
                            "\(request.path): \(answer.status) \(answer.code ?? "")")
                        #expect(answer.code == (isServed ? nil : "answer-too-large"))
                        #expect(isServed ? answer.body.count > mebibytes * Self.mebibyte : answer.body.count < 1000)
                    }
                    let mixed = try await cluster.http(
                        "app", .batch(#"{"operations":[{"set":"a","value":"1"},{"get":"v"},{"get":"a"}]}"#),
                        timeout: .seconds(20))[0]
                    #expect(mixed.status == 200)
                    if !isServed {
                        #expect(
                            mixed.text
                                == #"{"results":[{"status":204},{"status":507,"code":"answer-too-large"},{"status":200,"value":"1"}]}"#
                        )
                    }
                    try await cluster.wait(forAnswers: 20, to: load)
                }
                #expect(writers.count(status: 204) + writers.count(status: 201) == writers.total, "\(writers.answers)")
            }
        }
    }

    @Test("are proven fresh as small ones are, and have tokens that are satisfied")
    func consistent() async throws {
        try await run(replicas: 1) { system, cluster in
            for mebibytes in [3, 20] {
                try await LargeContent.store("v", bytes: mebibytes * Self.mebibyte, on: "master", of: cluster)
                let written = try await cluster.http("app", .put("/v1/keys/w", "x"))[0]
                let token = try #require(written.header("Replication-Token"))
                for headers in [["Replication-After: \(token)", "Replication-Wait: 5s"], ["Replication-Token: want"]] {
                    for turn in 1...2 {
                        let answer = try await LargeGet.run("/v1/keys/v", headers: headers, at: system.app.endpoint)
                        #expect(
                            answer.isWhole && answer.contentLength == mebibytes * Self.mebibyte, "\(turn): \(answer)")
                        if headers.count == 2 {
                            #expect(answer.header("Replication-Verdict") == "satisfied")
                        } else {
                            let own = try #require(answer.header("Replication-Token"))
                            let again = try await LargeGet.run(
                                "/v1/keys/v", headers: ["Replication-After: \(own)"], at: system.app.endpoint)
                            #expect(again.isWhole && again.header("Replication-Verdict") == "satisfied", "\(again)")
                        }
                    }
                }
                let bounded = try await LargeGet.run("/v1/keys/v?max-lag=5s", at: system.app.endpoint)
                #expect(bounded.isWhole, "\(bounded)")
                let lost = "\(String(repeating: "0", count: 40)):7"
                let unknown = try await LargeGet.run(
                    "/v1/keys/v", headers: ["Replication-After: \(lost)"], at: system.app.endpoint)
                #expect(unknown.isWhole && unknown.header("Replication-Verdict") == "unknown", "\(unknown)")
            }
        }
    }

    @Test("for clients that read nothing cost little memory, and end when the clients leave")
    func readersOfNothing() async throws {
        try await run { system, cluster in
            try await LargeContent.store("v", bytes: 9 * Self.mebibyte, on: "master", of: cluster)
            try await LargeContent.store("w", bytes: 3 * Self.mebibyte, on: "master", of: cluster)
            _ = try await cluster.redis("master", "SET", "small", "x")
            // A busy machine may take longer for them than a command may.
            try await cluster.wait(untilServersUp: 1)
            let before = try await cluster.connections(of: "master")
            var sockets: [CInt] = []
            defer { for socket in sockets { close(socket) } }
            for number in 0..<80 {
                sockets.append(
                    try LargeGet.open(number % 2 == 0 ? "/v1/keys/v" : "/v1/keys/w", at: system.app.endpoint))
            }
            try await cluster.wait(until: "the app reads for many of them", of: "master") {
                let count = try await cluster.connections(of: "master")
                return Observation(count >= before + 30, else: "\(count) connections, \(before) before")
            }
            for _ in 0..<50 {
                let answer = try await cluster.http("app", .get("/v1/keys/small"))[0]
                #expect(answer.text == "x", "\(answer.status) \(answer.text)")
            }
            #expect(try await cluster.peakMemory(of: "app") < 96)
            for socket in sockets { close(socket) }
            sockets = []
            try await cluster.wait(until: "their connections to the server are closed", of: "master") {
                let count = try await cluster.connections(of: "master")
                return Observation(count <= before + 1, else: "\(count) connections, \(before) before")
            }
            #expect(try await LargeGet.run("/v1/keys/v", at: system.app.endpoint).isWhole)
        }
    }

    @Test("come whole to a client that reads slowly")
    func slowReader() async throws {
        try await run { system, cluster in
            try await LargeContent.store("v", bytes: 24 * Self.mebibyte, on: "master", of: cluster)
            let answer = try await LargeGet.run(
                "/v1/keys/v", at: system.app.endpoint, pace: .init(chunk: 1 << 18, pause: .milliseconds(40)))
            #expect(answer.isWhole, "\(answer)")
            #expect(try await cluster.peakMemory(of: "app") < 96)
        }
    }

    @Test("of a server that dies midway are cut off, so that the client sees it")
    func serverDies() async throws {
        try await run { system, cluster in
            try await LargeContent.store("v", bytes: 200 * Self.mebibyte, on: "master", of: cluster)
            // A busy machine may take longer for it than a command may.
            try await cluster.wait(untilServersUp: 1)
            let isOnItsWay = Flag()
            async let read = LargeGet.run(
                "/v1/keys/v", at: system.app.endpoint,
                pace: .init(chunk: 1 << 18, pause: .milliseconds(5), whenBodyBegins: { isOnItsWay.set() }))
            try await cluster.wait(until: "the value is on its way", within: .seconds(20)) {
                Observation(isOnItsWay.isSet, else: "not yet")
            }
            try await cluster.kill("master")
            let answer = try await read
            #expect(answer.status == 200 && answer.contentLength == 200 * Self.mebibyte && answer.isRight)
            #expect(answer.bodyBytes < 200 * Self.mebibyte)
        }
    }

    @Test("over a slow wire come whole, while small values beside them are answered, and no write fails")
    func slowWire() async throws {
        let system = try DirectCluster(masterLines: ["save \"\""], replicaLines: [])
        try await withLoopbackProxy(to: [system.master.endpoint]) { wire in
            let app = DirectCluster.app(
                at: system.app.endpoint, master: wire.endpoint, replicas: [], program: system.app.executable)
            try await withLocalCluster(ClusterSpec([system.master, app])) { cluster in
                try await cluster.wait(untilServersUp: 1)
                try await LargeContent.store("v", bytes: 30 * Self.mebibyte, on: "master", of: cluster)
                _ = try await cluster.redis("master", "SET", "small", "x")
                wire.limit(toBytesASecond: 12_500_000)
                let session = try await LoopbackHTTP.Session(with: app.endpoint)
                for path in ["/v1/keys/v", "/v1/keys/v"] {
                    // Small ones, until the large one is there.
                    let isOver = Flag()
                    async let large = {
                        defer { isOver.set() }
                        return try await LargeGet.run(path, at: app.endpoint)
                    }()
                    var times: [Duration] = []
                    while !isOver.isSet {
                        let start = ContinuousClock.now
                        #expect(try await session.ask(.get("/v1/keys/small")).text == "x")
                        times.append(.now - start)
                        #expect(try await session.ask(.put("/v1/keys/w", "x")).status / 100 == 2)
                    }
                    let answer = try await large
                    #expect(answer.isWhole, "\(path): \(answer)")
                    times.sort()
                    #expect(times.count > 20, "\(times.count) small reads in \(answer.duration)")
                    print(
                        "\(path): \(answer.duration), \(times.count) small reads, median \(times[times.count / 2]), longest \(times.last!)"
                    )
                }
            }
        }
    }

    @Test("a server that answers byte by byte is given up, and asked again when it answers")
    func dribble() async throws {
        let system = try DirectCluster(masterLines: ["save \"\""], replicaLines: [])
        try await withLoopbackProxy(to: [system.master.endpoint]) { wire in
            let app = DirectCluster.app(
                at: system.app.endpoint, master: wire.endpoint, replicas: [], program: system.app.executable)
            try await withLocalCluster(ClusterSpec([system.master, app])) { cluster in
                try await cluster.wait(untilServersUp: 1)
                _ = try await cluster.redis("master", "SET", "small", String(repeating: "x", count: 1000))
                wire.limit(toBytesASecond: 4)
                let answer = try await cluster.http("app", .get("/v1/keys/small"))[0]
                #expect(answer.status == 504 && answer.code == "redis-timeout", "\(answer.text)")
                wire.limit(toBytesASecond: nil)
                try await cluster.wait(untilServed: .get("/v1/keys/small"))
            }
        }
    }
}

private final class Flag: Sendable {
    private let state = Atomic(false)

    var isSet: Bool { state.load(ordering: .acquiring) }
    func set() { state.store(true, ordering: .releasing) }
}

extension LoopbackHTTP.Request {
    fileprivate static func batch(_ json: String) -> LoopbackHTTP.Request {
        LoopbackHTTP.Request("POST", "/v1/batch", headers: ["Content-Type: application/json"], body: Array(json.utf8))
    }
}

extension LocalCluster {
    fileprivate nonisolated func connections(of name: String) async throws -> Int {
        Int(try await info(name, section: "clients")["connected_clients"] ?? "") ?? 0
    }

    fileprivate nonisolated func wait(untilLength length: Int, of key: String, on replicas: [NodeSpec]) async throws {
        for replica in replicas {
            try await wait(until: "\(replica.name) has \(key)", of: replica.name) {
                let reply = try await self.redis(replica.name, "STRLEN", key)
                return Observation(reply == .integer(Int64(length)), else: "\(reply)")
            }
        }
    }
}
