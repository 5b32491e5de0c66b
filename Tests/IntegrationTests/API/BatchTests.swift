import Hiredis
import LocalTopology
import Testing

@Suite("Many operations by /v1/batch")
struct BatchTests {
    @Test("each operation has a result, regardless of the others; writes go to the master, with a token")
    func mixed() async throws {
        let system = try DirectCluster(replicaLines: [[]])
        try await withLocalCluster(system.spec) { cluster in
            _ = try await cluster.redis("master", [["LPUSH", "list", "a"], ["SET", "old", "o"]])
            let answer = try await cluster.http(
                "app",
                .batch(
                    #"{"set":"new","value":"é\""}"#, #"{"get":"new"}"#, #"{"get":"list"}"#, #"{"get":"nobody"}"#,
                    #"{"set_base64":"/wA=","value_base64":"AP8="}"#, #"{"get_base64":"/wA="}"#,
                    #"{"set":"old","value":"p","if_absent":true}"#,
                    #"{"set":"fresh","value":"1","ttl":"600s","if_absent":true}"#,
                    #"{"delete":"old"}"#, #"{"delete":"old"}"#, #"{"set":"list","value":""}"#, #"{"get":"list"}"#))[0]
            #expect(answer.status == 200)
            #expect(
                answer.text
                    == #"{"results":[{"status":204},{"status":200,"value":"é\""},{"status":409,"code":"wrong-type"},"#
                    + #"{"status":404,"code":"key-not-found"},{"status":204},{"status":200,"value_base64":"AP8="},"#
                    + #"{"status":412,"code":"precondition-failed"},{"status":201},{"status":204},"#
                    + #"{"status":404,"code":"key-not-found"},{"status":204},{"status":200,"value":""}]}"#)
            #expect(answer.header("Content-Type") == "application/json")
            #expect(answer.header("Served-Role") == "master")
            let info = try await cluster.info("master")
            let token = try #require(answer.header("Replication-Token"))
            #expect(token.hasPrefix("\(info["master_replid"] ?? "?"):"), "\(token)")
            let left = try await cluster.redis("master", "PTTL", "fresh")
            #expect(left != .integer(-1) && left != .integer(-2), "\(left)")
        }
    }

    @Test("a thousand keys of every byte are set and read in two requests, the second by a replica")
    func everyByte() async throws {
        let system = try DirectCluster(replicaLines: [[]])
        try await withLocalCluster(system.spec) { cluster in
            // Each as its Base64, which is what comes back for what is not UTF-8.
            let keys = (0..<1000).map { number in
                [UInt8(truncatingIfNeeded: number), 0xFF, UInt8(truncatingIfNeeded: number >> 8)]
            }
            let sets = keys.map { #"{"set_base64":"\#(base64($0))","value_base64":"\#(base64($0.reversed()))"}"# }
            let written = try await cluster.http("app", .batch(sets), timeout: .seconds(20))[0]
            #expect(written.text.split(separator: #"{"status":204}"#).count == 1001)
            try await cluster.wait(until: "the replica has all keys") {
                let size = try await cluster.redis("replica-1", "DBSIZE")
                return Observation(size == .integer(1000), else: "\(size)")
            }
            let read = try await cluster.http(
                "app", .batch(keys.map { #"{"get_base64":"\#(base64($0))"}"# }), timeout: .seconds(20))[0]
            let results = keys.map { #"{"status":200,"value_base64":"\#(base64($0.reversed()))"}"# }
            #expect(read.text == #"{"results":[\#(results.joined(separator: ","))]}"#)
            #expect(read.header("Served-Role") == "replica")
            #expect(read.header("Replication-Token") == nil)
        }
    }

    @Test("a batch that only reads is asked of another server where one is lost")
    func readsElsewhere() async throws {
        let system = try DirectCluster()
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.store("k", "v", on: system.replicas)
            let load = try await Load.run(
                .batch(#"{"get":"k"}"#, #"{"get":"k"}"#), on: system.app.endpoint, clients: 4,
                expecting: #"{"results":[{"status":200,"value":"v"},{"status":200,"value":"v"}]}"#
            ) { load in
                try await cluster.wait(forAnswers: 50, to: load)
                try await cluster.kill("replica-1")
                try await cluster.wait(forAnswers: 50, to: load)
                try await cluster.kill("replica-2")
                try await cluster.wait(forAnswers: 50, to: load)
            }
            #expect(load.count(status: 200) == load.total, "\(load.answers)")
            #expect(load.unexpected == [])
            try await cluster.kill("master")
            try await cluster.wait(untilReadinessSays: #""ready":false"#)
            try await cluster.wait(until: "no client is left", of: "app") {
                let answers = try await cluster.http("app", .batch(#"{"get":"k"}"#), .batch(#"{"delete":"k"}"#))
                return Observation(
                    answers.map(\.code) == ["redis-unavailable", "redis-unavailable"], else: "\(answers.map(\.text))")
            }
        }
    }

    @Test("a batch that a replica refuses is sent once more when the master is there, and applied once")
    func appliedOnce() async throws {
        let system = try DirectCluster(replicaLines: [[]])
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.expectRefusedOnce(
                {
                    .batch(
                        #"{"get":"k"}"#, #"{"set":"once-\#($0)","value":"v","if_absent":true}"#, #"{"get":"k"}"#)
                }, replica: system.replicas[0].endpoint
            ) { _, answer in
                let value = #"{"status":200,"value":"v"}"#
                #expect(answer.text == #"{"results":[\#(value),{"status":201},\#(value)]}"#)
            }
        }
    }

    @Test("what all operations fail with is the answer; what some fail with are results")
    func failures() async throws {
        let system = try DirectCluster(replicaLines: [[]])
        try await withLocalCluster(system.spec) { cluster in
            _ = try await cluster.redis("master", [["SET", "k", "v"], ["CONFIG", "SET", "maxmemory", "1"]])
            let answers = try await cluster.http(
                "app", .batch(#"{"set":"a","value":"x"}"#, #"{"set":"b","value":"x"}"#),
                .batch(#"{"set":"a","value":"x"}"#, #"{"get":"k"}"#, #"{"delete":"k"}"#))
            #expect(answers.map(\.status) == [507, 200])
            #expect(answers[0].code == "redis-out-of-memory")
            #expect(
                answers[1].text
                    == #"{"results":[{"status":507,"code":"redis-out-of-memory"},{"status":200,"value":"v"},{"status":204}]}"#
            )
        }
    }

    @Test("a body that is none is refused before anything is done")
    func refusals() async throws {
        let system = try DirectCluster(replicaLines: [])
        try await withLocalCluster(system.spec) { cluster in
            let set = #"{"set":"k","value":"v"}"#
            let cases: [(LoopbackHTTP.Request, status: Int, code: String)] = [
                (.batch(set, "{}"), 400, "invalid-operation"), (.batch(set, #"{"get":""}"#), 400, "empty-key"),
                (.batch(set, #"{"get":"a","ttl":"1s"}"#), 400, "invalid-operation"),
                (.batch(set, #"{"incr":"a"}"#), 400, "unknown-member"),
                (.batch(set, #"{"set":"a","value":"x","ttl":"1h"}"#), 400, "invalid-duration"),
                (.batch(set, "1"), 400, "invalid-json"), (.batch(), 400, "batch-size"),
                (.batch(Array(repeating: set, count: 1001)), 400, "batch-size"),
                (
                    .init("POST", "/v1/batch", headers: ["Content-Type: application/json"], body: Array("{}".utf8)),
                    400, "missing-member"
                ),
                (
                    .init("POST", "/v1/batch", headers: ["Content-Type: text/plain"], body: [1]), 415,
                    "unsupported-media-type"
                ),
                (.get("/v1/batch"), 405, "method-not-allowed"),
            ]
            let answers = try await LoopbackHTTP.exchange(cases.map(\.0), with: system.app.endpoint)
            for (answer, expected) in zip(answers, cases) {
                #expect(answer.status == expected.status && answer.code == expected.code, "\(answer.text)")
            }
            #expect(try await cluster.redis("master", "DBSIZE") == .integer(0), "nothing was done")
        }
    }

    private func base64(_ bytes: some Collection<UInt8>) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        let group = bytes.reduce(0) { $0 << 8 | Int($1) }
        return String([18, 12, 6, 0].map { alphabet[group >> $0 & 63] })
    }
}

extension LoopbackHTTP.Request {
    static func batch(_ operations: String...) -> LoopbackHTTP.Request { batch(operations) }

    static func batch(_ operations: [String]) -> LoopbackHTTP.Request {
        LoopbackHTTP.Request(
            "POST", "/v1/batch", headers: ["Content-Type: application/json"],
            body: Array("{\"operations\":[\(operations.joined(separator: ","))]}".utf8))
    }
}
