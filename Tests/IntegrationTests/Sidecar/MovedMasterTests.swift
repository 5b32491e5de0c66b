import Hiredis
import LocalTopology
import Testing

@Suite("A sidecar whose master moves")
struct MovedMasterTests {
    @Test("has the replica connect to where the name leads now, by a partial resync")
    func nameMoves() async throws {
        try await onEveryServer { path in
            try await withSidecarScene(path) { scene in
                let cluster = scene.cluster
                try await scene.promoteB()
                _ = try await cluster.redis("b", "SET", "k", "of b")
                let before = try await cluster.info("b", section: "stats")["sync_partial_ok"]
                let start = ContinuousClock.now
                try scene.lead(to: scene.b)
                try await cluster.wait(until: "replica", isLinkedTo: "b")
                let time = ContinuousClock.now - start
                // On an idle machine 3 s are the bound; half of that again is left to a busy one.
                #expect(time < scene.patience, "\(scene.server): \(time)")
                try await cluster.wait(until: "replica", holds: "of b")
                let after = try await cluster.info("b", section: "stats")["sync_partial_ok"]
                #expect(Int(after ?? "") == (Int(before ?? "") ?? 0) + 1, "a partial resync")
                #expect(try await cluster.info("replica")["master_host"] == "redis-master", "a name stays a name")
                #expect(try await cluster.changes() == 1)
            }
        }
    }

    @Test("has it copy another data set, and says so, where the new master has one")
    func anotherDataset() async throws {
        try await onEveryServer { path in
            try await withSidecarScene(path, isSibling: false) { scene in
                let start = ContinuousClock.now
                try scene.lead(to: scene.b)
                try await scene.cluster.wait(until: "replica", holds: "of b")
                let time = ContinuousClock.now - start
                #expect(time < scene.patience, "\(scene.server): \(time)")
                let log = try await scene.cluster.log(of: "sidecar")
                #expect(log.contains("another history with 1 keys; the 1 keys here are replaced"))
            }
        }
    }

    @Test("follows an environment that names another master, and leaves it to the next start")
    func environmentSwitch() async throws {
        try await onEveryServer { path in
            try await withSidecarScene(path) { scene in
                let cluster = scene.cluster
                try await scene.promoteB()
                _ = try await cluster.redis("b", "SET", "k", "of b")
                try scene.network.setNames(
                    ["redis-master": [scene.a.address], "redis-master-b": [scene.b.address]], on: scene.host)
                try await cluster.terminate("sidecar")
                let record = ["REDIS_MASTER_RECORD_FILE": "\(cluster.folder)/replica.record"]
                let other = try NodeSpec.sidecar(on: scene.host, master: "redis-master-b", environment: record)
                try await withSidecar(other, besides: cluster) { sidecar in
                    let start = ContinuousClock.now
                    try await cluster.wait(until: "replica", isLinkedTo: "b")
                    let time = ContinuousClock.now - start
                    #expect(time < scene.patience, "\(scene.server): \(time)")
                    try await cluster.wait(until: "replica", holds: "of b")
                    #expect(try await cluster.info("replica")["master_host"] == "redis-master-b")
                    try await sidecar.wait(untilStateIs: "in-step")
                    #expect(try await sidecar.status("decided_by") == "sidecar")
                    // In the server's own file too, since it has one.
                    let file = "\(cluster.folder)/replica/redis.conf"
                    let lines = String(decoding: try Scratch.read(file), as: UTF8.self)
                    #expect(lines.contains("replicaof redis-master-b 6379"))
                }
            }
        }
    }

    @Test("warns once of a change that the server refuses, however often it is tried")
    func refused() async throws {
        let user = "user watcher on >s3cret ~* -@all +info +role +client|setname"
        let environment = ["REDIS_PROBE_USER": "watcher", "REDIS_PROBE_PASSWORD": "s3cret"]
        try await withSidecarScene(environment: environment, lines: [user]) { scene in
            let cluster = scene.cluster
            try await scene.promoteB()
            try scene.lead(to: scene.b)
            try await cluster.wait(until: "it is refused twice", of: "sidecar", within: .seconds(30)) {
                let failures = try await cluster.metric("redis_replica_sidecar_change_failures_total")
                return Observation(failures >= 2, else: "\(failures)")
            }
            let log = try await cluster.log(of: "sidecar")
            let lines = log.split(separator: "\n").filter { $0.contains("could not ") }
            #expect(lines.count >= 2, "\(log)")
            #expect(lines.count { $0.contains("\"level\":\"warning\"") } == 1, "\(log)")
            #expect(lines.allSatisfy { $0.contains("+client|kill)") }, "\(log)")
        }
    }

    @Test("follows no new master while the name flaps: ten changes in ten seconds are one change at the most")
    func flappingName() async throws {
        try await withSidecarScene { scene in
            try await scene.promoteB()
            let clock = ContinuousClock()
            let start = clock.now
            for round in 1...10 {
                try scene.lead(to: round % 2 == 1 ? scene.b : scene.a)
                let next = start + .seconds(round)
                try await scene.cluster.wait(until: "a second is over", within: .seconds(30)) {
                    Observation(clock.now >= next, else: "not yet")
                }
            }
            #expect(try await scene.cluster.changes() <= 1)
        }
    }

    @Test("leaves the replica alone where the name leads to what is no master")
    func wrongAddresses() async throws {
        try await withSidecarScene { scene in
            let cluster = scene.cluster
            // A replica, which answers.
            try scene.lead(to: scene.b)
            try await cluster.wait(untilStateIs: "no-master")
            #expect(try await cluster.status("reason").contains("is a replica of"))
            // Itself.
            try scene.lead(to: scene.host)
            try await cluster.wait(untilStateIs: "no-master")
            // No server, at once and after a silence.
            try scene.lead()
            try await cluster.wait(untilStateIs: "master-unresolved")
            try scene.network.setNames(["redis-master": [scene.host.segment.silentAddress]], on: scene.host)
            try await cluster.wait(until: "no server answers there", of: "sidecar") {
                let reason = try await cluster.status("reason")
                return Observation(reason.contains("no answer to the connect"), else: reason)
            }
            // Two masters.
            try await scene.promoteB()
            try scene.lead(to: scene.a, scene.b)
            try await cluster.wait(untilStateIs: "several-masters")
            #expect(try await cluster.changes() == 0)
            #expect(try await cluster.http("sidecar", .get("/readyz"))[0].status == 200)
            _ = try await cluster.redis("a", "SET", "k", "later")
            try await cluster.wait(until: "replica", holds: "later")
            try scene.lead(to: scene.a)
            try await cluster.wait(untilStateIs: "in-step")
        }
    }

    @Test("does nothing for a master that is stopped, and moves on when the name does")
    func stoppedMaster() async throws {
        try await onEveryServer { path in
            try await withSidecarScene(path) { scene in
                let cluster = scene.cluster
                try await cluster.pause("a")
                try await cluster.wait(untilStateIs: "no-master")
                #expect(
                    try await cluster.http("sidecar", .get("/readyz"))[0].status == 200, "stale reads beat no reads")
                #expect(try await cluster.changes() == 0)
                try await scene.promoteB()
                let start = ContinuousClock.now
                try scene.lead(to: scene.b)
                try await cluster.wait(until: "replica", isLinkedTo: "b")
                let time = ContinuousClock.now - start
                #expect(time < scene.patience, "\(scene.server): \(time)")
                try await cluster.resume("a")
            }
        }
    }

    @Test("ends a connect that hangs once the name leads elsewhere")
    func hangingConnect() async throws {
        try await onEveryServer { path in
            try await withSidecarScene(path) { scene in
                let cluster = scene.cluster
                // To an address where no host answers, not even with a refusal.
                try scene.network.setNames(["redis-master": [scene.host.segment.silentAddress]], on: scene.host)
                try await cluster.kill("a")
                try await cluster.wait(until: "Redis waits for a connect", of: "replica") {
                    let role = try await cluster.redis("replica", "ROLE")
                    guard case .array(let words) = role, words.count > 3 else { return .notYet("\(role)") }
                    return Observation(words[3].text == "connecting", else: "\(words[3])")
                }
                try await scene.promoteB()
                _ = try await cluster.redis("b", "SET", "k", "of b")
                let start = ContinuousClock.now
                try scene.lead(to: scene.b)
                try await cluster.wait(until: "replica", isLinkedTo: "b")
                let time = ContinuousClock.now - start
                #expect(time < scene.patience, "\(scene.server): \(time)")
                try await cluster.wait(until: "replica", holds: "of b")
                #expect(try await cluster.info("replica")["master_host"] == "redis-master", "a name stays a name")
                #expect(try await cluster.info("b", section: "stats")["sync_full"] == "0", "a partial resync")
                #expect(try await cluster.status("decided_by") == "start")
            }
        }
    }

    @Test("says what it would do in a dry run, and does nothing")
    func dryRun() async throws {
        try await withSidecarScene(environment: ["SIDECAR_DRY_RUN": "yes"]) { scene in
            try await scene.promoteB()
            try scene.lead(to: scene.b)
            try await scene.cluster.wait(untilStateIs: "rehearsed")
            #expect(try await scene.cluster.changes() == 0)
            #expect(try await scene.cluster.metric("redis_replica_sidecar_rehearsals_total") == 1)
            _ = try await scene.cluster.redis("a", "SET", "k", "still of a")
            try await scene.cluster.wait(until: "replica", holds: "still of a")
        }
    }

    @Test("answers while a look-up hangs")
    func hangingLookUp() async throws {
        try await withSidecarScene { scene in
            try scene.network.setUnknownNames(.silent(seconds: 4), on: scene.host)
            try scene.lead("another-name", to: scene.a)
            try await scene.cluster.wait(untilStateIs: "master-unresolved")
            let reason = try await scene.cluster.status("reason")
            #expect(reason.contains("the name server does not answer"), "\(reason)")
            let start = ContinuousClock.now
            for path in ["/livez", "/readyz", "/status", "/metrics"] {
                #expect(try await scene.cluster.http("sidecar", .get(path))[0].status == 200)
            }
            let time = ContinuousClock.now - start
            #expect(time < .seconds(1))
            try scene.lead(to: scene.a)
            try await scene.cluster.wait(untilStateIs: "in-step")
        }
    }
}

/// Runs a further sidecar beside a cluster.
func withSidecar(
    _ sidecar: NodeSpec, besides cluster: LocalCluster, _ body: (LocalCluster) async throws -> Void
) async throws {
    try await withLocalCluster(ClusterSpec([sidecar])) { own in
        try await own.wait(until: "the sidecar answers", of: sidecar.name) {
            Observation(try await own.http(sidecar.name, .get("/livez"))[0].status == 200, else: "not yet")
        }
        try await body(own)
    }
}
