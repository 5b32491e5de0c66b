import RedisCore
import ReplicaPlanning
import Testing

@Suite struct MasterRecordPlanTests {
    private static let path = "/run/redis/master-record"
    private let a = MasterAddress(host: "10.0.0.5", port: 6379)
    private let b = MasterAddress(host: "redis-master-b", port: 6380)

    private func start(_ record: MasterRecord?, _ environment: [String: String] = [:]) -> Start {
        var start = Start()
        start.environment.merge(environment) { $1 }
        if let record { start.files[Self.path] = record.text }
        return start
    }

    private func replicaof(_ start: Start) throws -> [String] {
        try start.plan().lines.filter { $0.hasPrefix("replicaof") }
    }

    @Test func aDecisionInThePlaceOfTheNamedMasterWins() throws {
        let record = MasterRecord(.master(b), by: .sidecar, superseding: [a], configured: b, serverRunID: "x")
        #expect(try replicaof(start(record)) == ["replicaof redis-master-b 6380"])
        #expect(start(record).diagnostics().map(\.severity).contains(.note))
    }

    @Test func anEnvironmentThatNamesYetAnotherMasterIsNewer() throws {
        let record = MasterRecord(.master(b), by: .sidecar, superseding: [a], configured: b, serverRunID: "x")
        let other = start(record, ["REDIS_MASTER_SERVICE_HOST": "10.0.0.7"])
        #expect(try replicaof(other) == ["replicaof 10.0.0.7 6379"])
    }

    @Test func aRecordOfTheStartChangesNothing() throws {
        let record = MasterRecord(.master(a), by: .start, configured: a, serverRunID: "x")
        #expect(try replicaof(start(record)) == ["replicaof 10.0.0.5 6379"])
    }

    @Test func aPromotionByHandStaysAPromotion() throws {
        let record = MasterRecord(.nobody, by: .hand, superseding: [a], configured: a, serverRunID: "x")
        #expect(try replicaof(start(record)).isEmpty)
        #expect(start(record).diagnostics().contains { $0.severity == .warning && "\($0)".contains("follows nobody") })
        var withFile = start(record)
        withFile.file = "replicaof 10.0.0.5 6379\n"
        #expect(try replicaof(withFile).isEmpty)
    }

    @Test func aRecordThatCannotBeReadIsToldAndLeftOut() throws {
        for contents in ["", "replicaof", "denied"] {
            var start = start(nil)
            start.files[Self.path] = contents
            #expect(try replicaof(start) == ["replicaof 10.0.0.5 6379"])
            #expect(start.diagnostics().contains { $0.problem == .recordUnusable })
        }
    }

    @Test func aRecordElsewhereIsFoundByItsVariable() throws {
        var start = start(nil, ["REDIS_MASTER_RECORD_FILE": "/data/record"])
        start.files["/data/record"] =
            MasterRecord(.master(b), by: .hand, superseding: [a], configured: a, serverRunID: "x").text
        #expect(try replicaof(start) == ["replicaof redis-master-b 6380"])
    }

    @Test func aMasterHeedsNoRecord() throws {
        let record = MasterRecord(.master(b), by: .hand, superseding: [a], configured: a, serverRunID: "x")
        #expect(try replicaof(start(record, ["REDIS_REPLICATION_MODE": "master"])).isEmpty)
    }

    @Test func aRecordThatLeadsBackToThisServerIsAnError() {
        let own = MasterAddress(host: "10.1.37.13", port: 6379)
        let record = MasterRecord(.master(own), by: .hand, superseding: [a], configured: a, serverRunID: "x")
        #expect(throws: PlanError.self) { try start(record, ["POD_IP": "10.1.37.13"]).plan() }
    }
}

@Suite struct SidecarTargetTests {
    private func target(_ environment: [String: String], _ files: [String: String] = [:]) throws -> SidecarTarget {
        try SidecarTarget(
            environment: Environment(entries: environment.map { bytes($0.key + "=" + $0.value) }),
            identity: Identity(userID: 999, groupID: 999), files: TableFiles(table: files.mapValues(bytes)))
    }

    @Test func leavesTheRecordOut() throws {
        let a = MasterAddress(host: "redis-master", port: 6379)
        let b = MasterAddress(host: "b", port: 6379)
        let record = MasterRecord(.master(b), by: .hand, superseding: [a], configured: a, serverRunID: "x")
        let found = try target(["GET_HOSTS_FROM": "dns"], ["/run/redis/master-record": record.text])
        #expect(found.master == a)
        #expect(found.recordPath == bytes("/run/redis/master-record"))
    }

    @Test func namesNobodyWhereNobodyIsNamed() throws {
        #expect(try target([:]).master == nil)
        #expect(try target(["REDIS_REPLICATION_MODE": "master", "REDIS_MASTER_HOST": "a"]).master == nil)
    }

    @Test func readsSecretsAnew() throws {
        let environment = ["REDIS_MASTER_HOST": "a", "REDIS_MASTER_PASSWORD_FILE": "/p", "REDIS_PASSWORD_FILE": "/q"]
        let found = try target(environment, ["/p": "one\n", "/q": "two"])
        #expect(found.masterPassword == bytes("one"))
        #expect(found.password == bytes("two") && found.local.password == bytes("two"))
        #expect(throws: PlanError.self) { try target(environment, ["/p": "one\n"]) }
    }

    @Test func aMasterThatIsMisnamedStopsIt() {
        #expect(throws: PlanError.self) { try target(["REDIS_MASTER_HOST": "a b"]) }
        #expect(throws: PlanError.self) { try target(["REDIS_MASTER_HOST": "a", "REDIS_MASTER_PORT_NUMBER": "no"]) }
    }

    @Test func whatStopsAStartAloneDoesNotStopIt() throws {
        #expect(try target(["REDIS_TLS_ENABLED": "yes", "REDIS_MASTER_HOST": "a"]).tls == .init())
    }

    @Test func tellsWhatIsGivenFromWhatTheFileSays() throws {
        let file = ["/etc/redis/redis.conf": "masterauth written\nmasteruser someone\n"]
        let found = try target(["REDIS_MASTER_HOST": "a"], file)
        #expect(found.masterPassword == bytes("written") && found.masterUser == bytes("someone"))
        #expect(found.givenMasterPassword == nil && found.givenMasterUser == nil)
        let given = try target(
            ["REDIS_MASTER_HOST": "a", "REDIS_MASTER_PASSWORD": "p", "REDIS_MASTER_USER": "u"], file)
        #expect(given.masterPassword == bytes("p") && given.givenMasterPassword == bytes("p"))
        #expect(given.masterUser == bytes("u") && given.givenMasterUser == bytes("u"))
    }

    @Test func knowsWhatTheServerMayHaveBeenStartedWith() throws {
        let environment = ["REDIS_MASTER_HOST": "a", "REDIS_PASSWORD": "new"]
        let inPlace = ["/etc/redis/redis.conf": "requirepass \"the old\"\n"]
        #expect(try target(environment, inPlace).earlierPasswords == [bytes("the old")])
        let elsewhere = ["/etc/redis/redis.conf": "port 1\n", "/run/redis/redis.conf": "requirepass old\n"]
        #expect(try target(environment, elsewhere).earlierPasswords == [bytes("old")])
        #expect(try target(environment, ["/run/redis/redis.conf": "requirepass new\n"]).earlierPasswords == [])
        #expect(try target(environment).earlierPasswords == [])
    }

    @Test func knowsTheFilesOfTLS() throws {
        let file = """
            tls-port 1
            tls-cert-file /c
            tls-key-file /k
            tls-key-file-pass "a b"
            tls-ca-cert-file ""
            tls-ca-cert-dir /d

            """
        let expected = SidecarTarget.TLSFiles(
            certificate: bytes("/c"), key: bytes("/k"), keyPassphrase: bytes("a b"), authoritiesFolder: bytes("/d"))
        #expect(try target(["REDIS_MASTER_HOST": "a"], ["/etc/redis/redis.conf": file]).tls == expected)
    }
}
