import RedisConf
import RedisCore
import ReplicaPlanning
import Testing

@Suite("A plan with Sentinel")
struct SentinelPlanTests {
    private func plan(
        _ environment: [String: String], file: String = "", files: [String: String] = [:], word: SentinelWord?
    ) throws -> Plan {
        var table = files.mapValues(bytes)
        table["/etc/redis/redis.conf"] = bytes(file)
        let all = environment.merging(["REDIS_SENTINEL_HOST": "s1,s2", "ALLOW_EMPTY_PASSWORD": "yes"]) { given, _ in
            given
        }
        return try Plan(
            try Invocation([]), environment: Environment(entries: all.map { bytes($0.key + "=" + $0.value) }),
            identity: Identity(userID: 999, groupID: 999, hostname: bytes("pod-1"), workingFolder: bytes("/")),
            files: TableFiles(table: table), sentinel: word)
    }

    @Test("asks nothing where no Sentinel is named, and with the modes standalone and failover")
    func notFollowed() throws {
        #expect(try Start().plan().sentinel == nil)
        for mode in ["standalone", "failover"] {
            let plan = try plan(["REDIS_REPLICATION_MODE": mode], word: nil)
            #expect(plan.sentinel == nil)
            #expect(plan.diagnostics.contains { $0.severity == .warning && $0.problem == .sentinelNotFollowed })
        }
    }

    @Test("needs no master in the environment, and asks once")
    func question() throws {
        let plan = try plan(
            [
                "REDIS_SENTINEL_USERNAME": "u", "REDIS_SENTINEL_PASSWORD": "p", "REDIS_SENTINEL_MASTER_NAME": "m",
                "REDIS_SENTINEL_PORT_NUMBER": "5", "REDIS_GUARD_TIMEOUT": "7", "POD_IP": "10.0.0.1",
            ], word: nil)
        let question = try #require(plan.sentinel)
        #expect(question.settings.sentinels.map(\.port) == [5, 5])
        #expect(question.settings.masterName == "m")
        #expect(question.access.credentials?.user == bytes("u"))
        #expect(question.access.credentials?.password == bytes("p"))
        #expect(question.access.tls == nil)
        #expect(question.timeoutSeconds == 7 && !question.isMaster && question.configured == nil)
        #expect(question.own.contains(bytes("10.0.0.1"), 6379) && !question.own.contains(bytes("10.0.0.1"), 6380))
        #expect(!plan.lines.contains { $0.hasPrefix("replicaof") })
        #expect(try self.plan([:], word: .nothing).sentinel == nil)
    }

    @Test("Sentinel's master wins over mode, variables, record and file; once, and with its origin")
    func follows() throws {
        let record = MasterRecord(
            .master(.init(host: "10.0.0.8", port: 6379)), by: .sidecar,
            superseding: [.init(host: "10.0.0.5", port: 6379)], configured: .init(host: "10.0.0.5", port: 6379),
            serverRunID: "a")
        for mode in ["master", "slave"] {
            let plan = try plan(
                ["REDIS_REPLICATION_MODE": mode, "REDIS_MASTER_HOST": "10.0.0.5"], file: "replicaof file 1\n",
                files: ["/run/redis/master-record": record.text], word: .master(.init(host: "10.0.0.2", port: 6380)))
            #expect(plan.role == .replica)
            #expect(plan.lines.filter { $0.hasPrefix("replicaof") } == ["replicaof 10.0.0.2 6380"])
            #expect(plan.decisions.last { $0.directive == "replicaof" }?.origin == .sentinel)
        }
    }

    @Test(
        "a first guess that is this server itself stops no start: Sentinel's word comes first, and without it a master is made",
        arguments: [
            (["REDIS_MASTER_HOST": "10.0.0.1"], ""), (["REDIS_MASTER_HOST": "pod-1"], ""),
            (["REDIS_MASTER_SERVICE_HOST": "10.0.0.1"], ""), ([:], "replicaof 10.0.0.1 6379\n"),
        ])
    func guessIsItself(variables: [String: String], file: String) throws {
        let environment = variables.merging(["POD_IP": "10.0.0.1", "REDIS_REPLICATION_MODE": "replica"]) { given, _ in
            given
        }
        let asking = try plan(environment, file: file, word: nil)
        let question = try #require(asking.sentinel)
        #expect(question.isMaster)
        let isTold = asking.diagnostics.contains { $0.severity == .note && "\($0)".contains("is this server itself") }
        #expect(isTold, "\(asking.diagnostics)")
        let other = try plan(environment, file: file, word: .master(.init(host: "10.0.0.2", port: 6380)))
        #expect(other.role == .replica)
        #expect(other.lines.filter { $0.hasPrefix("replicaof") } == ["replicaof 10.0.0.2 6380"])
        for word in [SentinelWord.thisServer, .nothing] {
            let plan = try plan(environment, file: file, word: word)
            #expect(plan.role == .master && !plan.lines.contains { $0.hasPrefix("replicaof") })
        }
        // Without data it starts as the variables say; with data it waits for Sentinel.
        func step(hasData: Bool) -> SentinelStart.Step {
            SentinelStart(question, hasData: hasData).step(
                .unknown(.noneReached(["s1"])), isMajorityAnswering: false, isReplacementDue: false,
                isThisServer: { _ in false }, elapsedSeconds: 60)
        }
        guard case .asConfigured = step(hasData: false), case .block = step(hasData: true) else {
            Issue.record("\(step(hasData: false)), \(step(hasData: true))")
            return
        }
    }

    @Test("the sidecar's record comes before a first guess that is this server itself")
    func recordBeforeGuess() throws {
        let record = MasterRecord(
            .master(.init(host: "10.0.0.8", port: 6379)), by: .sidecar,
            superseding: [.init(host: "10.0.0.1", port: 6379)], configured: .init(host: "10.0.0.1", port: 6379),
            serverRunID: "a")
        let plan = try plan(
            ["REDIS_MASTER_HOST": "10.0.0.1", "POD_IP": "10.0.0.1"],
            files: ["/run/redis/master-record": record.text], word: .nothing)
        #expect(plan.lines.filter { $0.hasPrefix("replicaof") } == ["replicaof 10.0.0.8 6379"])
    }

    @Test("named itself, a replica starts as a master, and is guarded as one")
    func leads() throws {
        let plan = try plan(
            ["REDIS_REPLICATION_MODE": "slave", "REDIS_MASTER_HOST": "10.0.0.5", "REDIS_SLAVE_NODES_HOST": "nodes"],
            file: "replicaof file 1\n", word: .thisServer)
        #expect(plan.role == .master)
        #expect(!plan.lines.contains { $0.hasPrefix("replicaof") })
        #expect(plan.startupGuard?.peers.count == 1)
    }

    @Test("a master has the password of the others too: Sentinel may make it a replica")
    func masterauth() throws {
        let plan = try plan(["REDIS_REPLICATION_MODE": "master", "REDIS_PASSWORD": "x"], word: .thisServer)
        #expect(plan.lines.contains("masterauth x"))
    }

    @Test("the fence is off by default, and has a lag where the file gives none")
    func fence() throws {
        #expect(!(try plan([:], word: .thisServer)).lines.contains { $0.hasPrefix("min-") })
        let on = try plan(["REDIS_SENTINEL_MIN_REPLICAS_TO_WRITE": "1"], word: .thisServer)
        #expect(on.lines.contains("min-replicas-to-write 1") && on.lines.contains("min-replicas-max-lag 5"))
        let own = try plan(
            ["REDIS_SENTINEL_MIN_REPLICAS_TO_WRITE": "2"], file: "min-replicas-max-lag 9\n", word: .thisServer)
        #expect(own.lines.contains("min-replicas-to-write 2") && own.lines.contains("min-replicas-max-lag 9"))
        let off = try plan(["REDIS_SENTINEL_MIN_REPLICAS_TO_WRITE": "0"], word: .thisServer)
        #expect(off.lines.contains("min-replicas-to-write 0") && !off.lines.contains { $0.contains("max-lag") })
    }

    @Test(
        "what is wrong stops the start, and check as well",
        arguments: [
            ("REDIS_SENTINEL_HOST", "tcp://10.0.0.1:1"), ("REDIS_SENTINEL_HOST", "a,,b"),
            ("REDIS_SENTINEL_PORT_NUMBER", "x"),
            ("REDIS_SENTINEL_MASTER_NAME", "a b"), ("REDIS_SENTINEL_TLS", "maybe"), ("REDIS_SENTINEL_TLS", "yes"),
            ("REDIS_SENTINEL_USERNAME", "u"), ("REDIS_SENTINEL_PASSWORD_FILE", "/nowhere"),
            ("REDIS_SENTINEL_MIN_REPLICAS_TO_WRITE", "1.5"),
        ])
    func wrong(variable: String, value: String) throws {
        var start = Start()
        start.environment["REDIS_SENTINEL_HOST"] = "s"
        start.environment[variable] = value
        #expect(throws: PlanError.self) { try start.plan() }
        #expect(try start.report().exitCode != 0)
    }

    @Test("over TLS by the server's files, or by the variables alone where the server speaks none")
    func tls() throws {
        let plan = try plan(
            [
                "REDIS_SENTINEL_TLS": "yes", "REDIS_TLS_CA_FILE": "/ca", "REDIS_TLS_CERT_FILE": "/c",
                "REDIS_TLS_KEY_FILE": "/k",
            ],
            files: ["/ca": "", "/c": "", "/k": ""], word: nil)
        let tls = try #require(plan.sentinel?.access.tls)
        #expect(tls.authorities == bytes("/ca") && tls.client == .init(certificate: bytes("/c"), key: bytes("/k")))
    }

    @Test("behind published ports only the announced pair is this server, and a pod's name counts in its own namespace")
    func own() throws {
        var start = Start(environment: [
            "REDIS_SENTINEL_HOST": "s", "REDIS_REPLICATION_MODE": "master", "REDIS_REPLICA_IP": "192.0.2.1",
            "REDIS_REPLICA_PORT": "6380", "POD_NAME": "redis-0", "POD_NAMESPACE": "here",
        ])
        let own = try #require(try start.plan().sentinel).own
        #expect(own.contains(bytes("192.0.2.1"), 6380))
        // Another container of the same host.
        #expect(!own.contains(bytes("192.0.2.1"), 6379) && !own.contains(bytes("192.0.2.2"), 6380))
        #expect(own.contains(bytes("redis-0"), 6379) && own.contains(bytes("redis-0.redis-nodes"), 6379))
        #expect(own.contains(bytes("redis-0.redis-nodes.here.svc.cluster.local"), 6379))
        #expect(!own.contains(bytes("redis-0.redis-nodes.there.svc.cluster.local"), 6379))
        #expect(!own.contains(bytes("redis-01.redis-nodes"), 6379))
        start.environment["POD_IP"] = "192.0.2.1"
        let pod = try #require(try start.plan().sentinel).own
        #expect(pod.contains(bytes("192.0.2.1"), 6380) && pod.contains(bytes("192.0.2.1"), 6379))
    }
}
