import LocalTopology
import Testing

@Suite("Reads, while servers fail")
struct ReadFailoverTests {
    private static let read = LoopbackHTTP.Request.get("/get?key=k")

    /// Clients read a key that every server has; every answer must have its value, regardless of what `body` does meanwhile.
    private func expectReads(
        from system: DirectCluster, _ cluster: LocalCluster, during body: (Load) async throws -> Void
    ) async throws {
        try await cluster.store("k", "v", on: system.replicas)
        let load = try await Load.run(Self.read, on: system.app.endpoint, expecting: "get k: v", during: body)
        #expect(load.count(status: 200) == load.total, "\(load.answers)")
        #expect(load.unexpected == [])
    }

    @Test("both replicas killed in one instant cost no read: the master answers")
    func bothReplicasDie() async throws {
        let system = try DirectCluster()
        try await withLocalCluster(system.spec) { cluster in
            try await expectReads(from: system, cluster) { load in
                try await cluster.wait(forAnswers: 400, to: load)
                async let first: Void = cluster.kill("replica-1")
                async let second: Void = cluster.kill("replica-2")
                _ = try await (first, second)
                try await cluster.wait(forAnswers: 400, to: load)
            }
        }
    }

    @Test("a replica that stops answering costs no read: what waits is asked elsewhere at the deadline")
    func replicaStops() async throws {
        let system = try DirectCluster()
        try await withLocalCluster(system.spec) { cluster in
            try await expectReads(from: system, cluster) { load in
                try await cluster.wait(forAnswers: 200, to: load)
                try await cluster.pause("replica-1")
                try await cluster.wait(untilReadinessSays: "did not answer within 2.0 seconds")
                try await cluster.wait(forAnswers: 200, to: load)
            }
            try await cluster.resume("replica-1")
        }
    }

    @Test("a replica that loads its data is left out with its first -LOADING, and the read is asked elsewhere")
    func replicaLoads() async throws {
        // A full synchronisation that takes 3 s to load: 50 ms a key, and clients are answered in between.
        let slow = ["key-load-delay 50000", "loading-process-events-interval-bytes 1024"]
        let system = try DirectCluster(masterLines: ["rdbcompression no"], replicaLines: [slow, []])
        try await withLocalCluster(system.spec) { cluster in
            _ = try await cluster.redis("master", (0..<60).map { ["SETRANGE", "filler-\($0)", "2048", "x"] })
            let master = system.master.endpoint
            try await expectReads(from: system, cluster) { load in
                try await cluster.wait(forAnswers: 100, to: load)
                // A separate history: the next synchronisation has to be a full one.
                _ = try await cluster.redis(
                    "replica-1",
                    [["REPLICAOF", "NO", "ONE"], ["SET", "own", "x"], ["REPLICAOF", master.host, "\(master.port)"]])
                try await cluster.wait(until: "a read has met -LOADING", of: "replica-1") {
                    let count = try await cluster.errors("LOADING", of: "replica-1")
                    return Observation(count > 0, else: "\(count)")
                }
                try await cluster.wait(untilReadinessSays: "loading its data")
                try await cluster.wait(until: "it is in step again") {
                    let info = try await cluster.info("replica-1")
                    return Observation(info["master_link_status"] == "up", else: "\(info)")
                }
                try await cluster.wait(forAnswers: 200, to: load)
            }
        }
    }

    @Test("a replica that serves nothing without its master is asked once for it, then left out until its link is up")
    func masterDown() async throws {
        let system = try DirectCluster(replicaLines: [["replica-serve-stale-data no"], []])
        try await withLocalCluster(system.spec) { cluster in
            try await expectReads(from: system, cluster) { load in
                try await cluster.wait(forAnswers: 100, to: load)
                try await cluster.kill("master")
                try await cluster.wait(untilReadinessSays: "replica-serve-stale-data no")
                try await cluster.wait(untilReadinessSays: "up, but its link to the master is down")
                try await cluster.wait(forAnswers: 400, to: load)
                #expect(load.answers[.init(status: 200, isStale: true)] != nil)
            }
            let refused = try await cluster.errors("MASTERDOWN", of: "replica-1")
            // Each of the two event loops may have had a read for each client under way; none is sent after that.
            #expect(1...32 ~= refused, "\(refused)")
            try await cluster.start("master")
            try await cluster.wait(untilReplicasOf: "master", are: 2)
            try await cluster.wait(until: "the app uses it again", of: "app") {
                let body = try await cluster.readiness().text
                return Observation(!body.contains("serve-stale-data"), else: body)
            }
        }
    }
}
