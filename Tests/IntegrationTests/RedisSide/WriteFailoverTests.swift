import Hiredis
import LocalTopology
import Testing

@Suite("Writes, while the master moves")
struct WriteFailoverTests {
    private static let write = LoopbackHTTP.Request.set(#"{"key":"k","value":"v"}"#)

    @Test("a write that the old master refuses is sent once more, to the new one behind the same name")
    func failOver() async throws {
        let system = try DirectCluster(replicaLines: [[]])
        let old = system.master.endpoint
        let new = system.replicas[0].endpoint
        try await withLoopbackProxy(to: [old]) { proxy in
            let app = DirectCluster.app(
                at: system.app.endpoint, master: proxy.endpoint, replicas: [new], program: system.app.executable)
            try await withLocalCluster(ClusterSpec([system.master, system.replicas[0], app])) { cluster in
                try await cluster.store("k", "v", on: system.replicas)
                let load = try await Load.run(Self.write, on: app.endpoint, clients: 4, expecting: #""value":"v""#) {
                    load in
                    try await cluster.wait(forAnswers: 50, to: load)
                    proxy.retarget([new])
                    _ = try await cluster.redis("replica-1", "REPLICAOF", "NO", "ONE")
                    _ = try await cluster.redis("master", "REPLICAOF", new.host, "\(new.port)")
                    try await cluster.wait(until: "the new master has writes", of: "replica-1") {
                        let stats = try await cluster.info("replica-1", section: "commandstats")
                        return Observation(stats["cmdstat_set"]?.hasPrefix("calls=") == true, else: "\(stats)")
                    }
                    try await cluster.wait(forAnswers: 50, to: load)
                }
                #expect(try await cluster.errors("READONLY", of: "master") > 0, "a write met the old master")
                // Those that were refused were sent again; those that came while there was no connection were told so.
                let known: Set<Load.Answer> = [
                    .init(status: 200), .init(status: 503, code: "redis-read-only"),
                    // While the app makes sure that the old one is gone, whose connections have ended.
                    .init(status: 503, code: "redis-unavailable"),
                ]
                #expect(Set(load.answers.keys).isSubset(of: known), "\(load.answers)")
                #expect(load.unexpected == [])
                #expect(try await cluster.http("app", Self.write)[0].status == 200)
            }
        }
    }

    @Test("a write that waited for its master is applied once")
    func appliedOnce() async throws {
        let system = try DirectCluster(replicaLines: [[]])
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.expectRefusedOnce(
                { .set(#"{"key":"once-\#($0)","value":"v"}"#) }, replica: system.replicas[0].endpoint
            ) { attempt, answer in
                #expect(answer.status == 200)
                let stored = try await cluster.redis("master", "GET", "once-\(attempt)").text
                #expect(stored == "v")
            }
        }
    }

    @Test("reads that are always under way do not keep the app from looking for the master, nor from finding it")
    func readsMeanwhile() async throws {
        let system = try DirectCluster(replicaLines: [[]])
        try await withLoopbackProxy(to: [system.master.endpoint]) { proxy in
            let app = DirectCluster.app(
                at: system.app.endpoint, master: proxy.endpoint, replicas: [], program: system.app.executable)
            try await withLocalCluster(ClusterSpec([system.master, system.replicas[0], app])) { cluster in
                try await cluster.store("k", "v", on: system.replicas)
                let replica = system.replicas[0].endpoint
                _ = try await cluster.redis("replica-1", "REPLICAOF", "NO", "ONE")
                _ = try await cluster.redis("master", "REPLICAOF", replica.host, "\(replica.port)")
                try await cluster.wait(untilReadinessSays: #""state":"is a replica, and the master is looked for"#)
                // Longer than the pause between two answers: some read is always under way, and mostly nothing else.
                proxy.delay(byMilliseconds: 100)
                let load = try await Load.run(
                    .get("/get?key=k"), on: app.endpoint, clients: 8, expecting: "get k: v"
                ) { load in
                    // Both connections of both event loops, twice.
                    let accepted = proxy.accepted
                    try await cluster.wait(until: "the app has looked for the master", of: "app", within: .seconds(20))
                    {
                        Observation(proxy.accepted >= accepted + 8, else: "\(proxy.accepted - accepted) connections")
                    }
                    _ = try await cluster.redis("master", "REPLICAOF", "NO", "ONE")
                    try await cluster.wait(untilServed: Self.write)
                    try await cluster.wait(forAnswers: 50, to: load)
                }
                #expect(load.unexpected == [])
            }
        }
    }

    @Test(
        "a master that stays a replica of an unknown server takes no writes, is reported in /readyz, and serves reads"
    )
    func staysReplica() async throws {
        let system = try DirectCluster(replicaLines: [[]])
        let app = DirectCluster.app(
            at: system.app.endpoint, master: system.master.endpoint, replicas: [], program: system.app.executable)
        try await withLocalCluster(ClusterSpec([system.master, system.replicas[0], app])) { cluster in
            try await cluster.store("k", "v", on: system.replicas)
            let replica = system.replicas[0].endpoint
            _ = try await cluster.redis("replica-1", "REPLICAOF", "NO", "ONE")
            _ = try await cluster.redis("master", "REPLICAOF", replica.host, "\(replica.port)")
            let first = try await cluster.http("app", Self.write)[0]
            #expect(first.status == 503)
            #expect(first.code == "redis-read-only")
            #expect(first.header("Retry-After") == "1")
            try await cluster.wait(untilReadinessSays: #""state":"is a replica, and the master is looked for"#)
            let refused = try await cluster.errors("READONLY", of: "master")
            for _ in 0..<50 {
                #expect(try await cluster.http("app", Self.write)[0].code == "redis-read-only")
            }
            // The other event loop may not have known.
            #expect(try await cluster.errors("READONLY", of: "master") <= refused + 1)
            #expect(try await cluster.readiness().status == 200)
            try await cluster.kill("replica-1")
            // The replica that is called the master.
            try await cluster.wait(untilServed: .get("/get?key=k"))
        }
    }

    @Test("a master that loads its data is reported as unavailable, and takes writes afterwards")
    func masterLoads() async throws {
        let slow = [
            "key-load-delay 50000", "loading-process-events-interval-bytes 1024", "rdbcompression no",
            "save 3600 1",
        ]
        let system = try DirectCluster(masterLines: slow, replicaLines: [[]])
        try await withLocalCluster(system.spec) { cluster in
            _ = try await cluster.redis("master", (0..<30).map { ["SETRANGE", "filler-\($0)", "2048", "x"] })
            try await cluster.terminate("master")
            try await cluster.launch("master")
            try await cluster.wait(until: "a write meets -LOADING", of: "app") {
                let answer = try await cluster.http("app", Self.write)[0]
                let errors = try await cluster.errors("LOADING", of: "master")
                return Observation(answer.code == "redis-unavailable" && errors > 0, else: "\(answer) \(errors)")
            }
            try await cluster.wait(untilServed: Self.write)
        }
    }
}

extension LocalCluster {
    /// Has the master be a replica while a request is under way, again until one has met that, which has to be once.
    ///
    /// - Parameters:
    ///   - request: makes the request of an attempt.
    ///   - check: takes the answer to the request that was refused first.
    nonisolated func expectRefusedOnce(
        _ request: (_ attempt: Int) -> LoopbackHTTP.Request, replica: Endpoint,
        check: (_ attempt: Int, LoopbackHTTP.Response) async throws -> Void
    ) async throws {
        var refusals = 0
        for attempt in 0..<20 where refusals == 0 {
            try await store("k", "v", on: [])
            let before = try await errors("READONLY", of: "master")
            // A health check that comes first ends the connection before the request: then the next attempt counts.
            _ = try await redis("master", "REPLICAOF", replica.host, "\(replica.port)")
            let request = request(attempt)
            async let answer = http("app", request)[0]
            try? await wait(until: "the request is refused", within: .milliseconds(300)) {
                let count = try await self.errors("READONLY", of: "master")
                return Observation(count > before, else: "\(count)")
            }
            _ = try await redis("master", "REPLICAOF", "NO", "ONE")
            let response = try await answer
            refusals = try await errors("READONLY", of: "master") - before
            if refusals > 0 { try await check(attempt, response) }
            try await wait(untilServed: .set(#"{"key":"k","value":"v"}"#))
        }
        #expect(refusals == 1, "refused once, and sent once more")
    }
}
