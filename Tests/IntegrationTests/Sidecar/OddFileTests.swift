import Glibc
import LocalTopology
import SystemPackage
import Testing

@Suite("Files that are none, or that never answer", .serialized)
struct OddFileTests {
    @Test("a probe of a healthy server does not care for the record", arguments: OddFile.all)
    func probe(file: OddFile) async throws {
        let scratch = try Scratch()
        try file.make(scratch["record"])
        let pair = try Pair()
        try await withLocalCluster(pair.spec) { cluster in
            let environment = [
                "REDIS_MASTER_RECORD_FILE": scratch["record"], "REDIS_MASTER_HOST": "redis-master",
            ]
            let life = try await cluster.probe("replica", ["live"], environment: environment)
            #expect(life.isYes("live: answers PING"), "\(life)")
            let readiness = try await cluster.probe("replica", ["ready"], environment: environment)
            #expect(readiness.isYes("ready: replica, its link to the master is up"), "\(readiness)")
        }
    }

    @Test("a probe whose secret is none says so in one line, within its time", arguments: OddFile.all)
    func probeSecret(file: OddFile) async throws {
        let scratch = try Scratch()
        try file.make(scratch["password"])
        try await withLocalCluster(try Pair().spec) { cluster in
            let answer = try await cluster.probe(
                "replica", ["ready", "--timeout", "5s"], environment: ["REDIS_PASSWORD_FILE": scratch["password"]])
            #expect(!answer.line.isEmpty && !answer.line.contains("\0"), "\(answer)")
        }
    }

    @Test("a start whose secret or configuration is none ends at once, in one line", arguments: OddFile.all)
    func start(file: OddFile) throws {
        let scratch = try Scratch()
        try file.make(scratch["odd"])
        for name in ["REDIS_PASSWORD_FILE", "REDIS_MASTER_PASSWORD_FILE", "REDIS_CONFIG_FILE"] {
            let run = try Spawned(
                try Programs.built("redis-replica-init").string, ["check"],
                environment: ["REDIS_MASTER_HOST": "redis-master", name: scratch["odd"], "REDIS_VERSION": "7.0.15"],
                in: scratch.path, log: scratch["log"])
            let ending = run.ended()
            #expect(run.output.split(separator: "\n").contains { $0.contains("odd") }, "\(name): \(run.output)")
            #expect(ending != .exited(0), "\(name): \(ending), \(run.output)")
        }
    }

    @Test("a sidecar whose record is none goes on without it, and says so once", arguments: OddFile.all)
    func record(file: OddFile) async throws {
        let scratch = try Scratch()
        try file.make(scratch["record"])
        try await withSidecar(recordAt: scratch["record"]) { _, cluster in
            try await cluster.wait(untilStatusOf: "sidecar", says: #""state": "in-step""#)
            let log = try await cluster.log(of: "sidecar")
            let lines = log.split(separator: "\n").filter { $0.contains("the record") }
            #expect((1...2).contains(lines.count), "\(log)")
            #expect(try await cluster.terminate("sidecar") == .exited(code: 0))
        }
    }

    @Test("a probe answers though the record's disk hangs", .enabled(if: HungMount.isPossible))
    func hungRecord() async throws {
        let scratch = try Scratch()
        let mount = try HungMount(at: scratch["hung"])
        defer { mount.end() }
        try await withLocalCluster(try Pair().spec) { cluster in
            let environment = [
                "REDIS_MASTER_RECORD_FILE": scratch["hung/record"], "REDIS_MASTER_HOST": "redis-master",
            ]
            let life = try await cluster.probe("replica", ["live"], environment: environment)
            #expect(life.isYes("live: answers PING"), "\(life)")
            let readiness = try await cluster.probe("replica", ["ready"], environment: environment)
            #expect(readiness.isYes("ready: replica, its link to the master is up"), "\(readiness)")
            // Without its configuration it cannot know where to ask; it ends all the same, and says why.
            let blind = try await cluster.probe(
                "replica", ["live", "--timeout", "500ms"],
                environment: ["REDIS_CONFIG_FILE": scratch["hung/redis.conf"]])
            #expect(blind.exitCode == 1 && blind.line.contains("its disk does not answer"), "\(blind)")
        }
    }

    @Test(
        "a sidecar that is started while a disk hangs answers, moves nothing, and ends when asked to",
        .enabled(if: HungMount.isPossible))
    func hungStart() async throws {
        let scratch = try Scratch()
        let mount = try HungMount(at: scratch["hung"])
        defer { mount.end() }
        try await withSidecar(recordAt: scratch["hung/record"]) { servers, cluster in
            try await cluster.wait(untilStatusOf: "sidecar", says: #""state": "record-unread""#)
            #expect(try await cluster.http("sidecar", .get("/livez"))[0].status == 200)
            #expect(try await cluster.http("sidecar", .get("/readyz"))[0].status == 200, "the replica is fit for reads")
            #expect(try await cluster.metric("redis_replica_sidecar_alarm") == 1)
            #expect(try await cluster.log(of: "sidecar").contains("its disk does not answer"))
            // An operator moves the replica; the sidecar does not judge who did it before it knows the record.
            _ = try await servers.redis("replica", "REPLICAOF", "NO", "ONE")
            try await cluster.wait(untilStatusOf: "sidecar", says: #""role": "master""#)
            #expect(try await cluster.metric("redis_replica_sidecar_moves_by_hand_total") == 0)
            // The disk is back, with an error: a record that cannot be read is none.
            mount.end()
            try await cluster.wait(untilStatusOf: "sidecar", says: #""state": "is-master""#)
            #expect(try await cluster.terminate("sidecar") == .exited(code: 0))
        }
        let secret = try HungMount(at: scratch["secret"])
        defer { secret.end() }
        try await withSidecar(recordAt: scratch["record"], secret: scratch["secret/password"]) { _, cluster in
            try await cluster.wait(untilServed: .get("/livez"), by: "sidecar")
            let readiness = try await cluster.http("sidecar", .get("/readyz"))[0]
            #expect(readiness.status == 503 && readiness.text.contains("reads its configuration"), "\(readiness.text)")
            #expect(try await cluster.http("sidecar", .get("/metrics"))[0].status == 503)
            #expect(try await cluster.terminate("sidecar") == .exited(code: 0))
        }
    }

    private func withSidecar(
        recordAt record: String, secret: String? = nil,
        _ body: (_ servers: LocalCluster, _ cluster: LocalCluster) async throws -> Void
    ) async throws {
        let pair = try Pair()
        try await withLocalCluster(pair.spec) { servers in
            var node = try SidecarProgramTests.sidecar(at: Endpoint(port: try Loopback.freePorts(1)[0]))
            node.environment["SIDECAR_REDIS"] = "\(pair.replica.endpoint)"
            node.environment["REDIS_MASTER_SERVICE_HOST"] = pair.master.endpoint.host
            node.environment["REDIS_MASTER_SERVICE_PORT"] = "\(pair.master.endpoint.port)"
            node.environment["REDIS_MASTER_RECORD_FILE"] = record
            node.environment["SIDECAR_SOCKET"] = "{directory}/sidecar.sock"
            if let secret { node.environment["REDIS_MASTER_PASSWORD_FILE"] = secret }
            try await withLocalCluster(ClusterSpec([node])) { try await body(servers, $0) }
        }
    }
}
