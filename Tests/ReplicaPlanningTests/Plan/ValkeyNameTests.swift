import RedisConf
import ReplicaPlanning
import Testing

@Suite("VALKEY_ names are read where REDIS_ names are")
struct ValkeyNameTests {
    private func plan(_ environment: [String: String], files: [String: String] = [:]) throws -> Plan {
        try Start(environment: environment, files: files).plan()
    }

    @Test("every setting, the password above all")
    func settings() throws {
        let plan = try plan([
            "VALKEY_PASSWORD": "s3cr3t", "VALKEY_MASTER_HOST": "db", "VALKEY_MASTER_PORT_NUMBER": "7000",
            "VALKEY_MASTER_PASSWORD": "m", "VALKEY_MASTER_USER": "app", "VALKEY_DATA_DIR": "/else",
            "VALKEY_PORT_NUMBER": "7001", "VALKEY_BIND": "10.0.0.1", "VALKEY_EXTRA_FLAGS": "--hz 20",
        ])
        for line in [
            "requirepass s3cr3t", "replicaof db 7000", "masterauth m", "masteruser app", "dir /else", "port 7001",
            "bind 10.0.0.1",
        ] { #expect(plan.lines.contains(line), "\(line)") }
        #expect(plan.serverArguments == [bytes("--hz"), bytes("20")])
        #expect(plan.decisions.first { $0.directive == "requirepass" }?.origin == .environment("VALKEY_PASSWORD"))
    }

    @Test("also as PRIMARY, and as files")
    func primary() throws {
        let plan = try plan(
            [
                "VALKEY_PRIMARY_HOST": "db", "VALKEY_PRIMARY_PORT_NUMBER": "7000", "VALKEY_PASSWORD_FILE": "/s/own",
                "VALKEY_PRIMARY_PASSWORD_FILE": "/s/master", "VALKEY_REPLICATION_MODE": "replica",
            ], files: ["/s/own": "own\n", "/s/master": "theirs"])
        for line in ["requirepass own", "masterauth theirs", "replicaof db 7000"] { #expect(plan.lines.contains(line)) }
        #expect(
            plan.decisions.first { $0.directive == "requirepass" }?.origin
                == .secretFile(variable: "VALKEY_PASSWORD_FILE", path: bytes("/s/own")))
    }

    @Test("two values of one variable stop the start; two equal ones, and what Kubernetes sets, do not")
    func conflicts() throws {
        let host = ["REDIS_MASTER_SERVICE_HOST": "10.0.0.5"]
        func problems(_ more: [String: String]) -> [Diagnostic] {
            Start(environment: host.merging(more) { $1 }, files: ["/f": "a"]).diagnostics()
        }
        #expect(
            problems(["REDIS_PASSWORD": "a", "VALKEY_PASSWORD": "b"]).contains(
                Diagnostic(.error, .namedTwice(used: "REDIS_PASSWORD"), at: .environment("VALKEY_PASSWORD"))))
        #expect(!problems(["REDIS_PASSWORD": "a", "VALKEY_PASSWORD": "a"]).contains { $0.severity == .error })
        #expect(
            problems(["REDIS_PASSWORD_FILE": "/f", "VALKEY_PASSWORD": "b"]).contains {
                $0.problem == .secretTwice(variable: "VALKEY_PASSWORD", file: "REDIS_PASSWORD_FILE")
            })
        #expect(!problems(["REDIS_PASSWORD_FILE": "/f", "VALKEY_PASSWORD": "a"]).contains { $0.severity == .error })
        let byKubernetes = problems(["VALKEY_MASTER_SERVICE_HOST": "10.0.0.6"])
        #expect(
            byKubernetes.contains {
                $0.problem == .namedTwice(used: "REDIS_MASTER_SERVICE_HOST") && $0.severity == .note
            })
        #expect(!byKubernetes.contains { $0.severity == .error })
    }

    @Test("a Service's link under one name does not hide a port under the other")
    func serviceLinks() throws {
        let plan = try plan([
            "REDIS_MASTER_SERVICE_HOST": "10.0.0.5", "REDIS_PORT": "tcp://10.0.0.1:6379", "VALKEY_PORT": "7000",
        ])
        #expect(plan.lines.contains("port 7000"))
    }

    @Test("redict-server is looked for, first where its image says so, and is no word for a file")
    func redict() throws {
        let host = ["REDIS_MASTER_SERVICE_HOST": "10.0.0.5"]
        #expect(try plan(host).servers == ["redis-server", "valkey-server", "redict-server"])
        let own = try plan(host.merging(["REDICT_VERSION": "7.3.6"]) { $1 })
        #expect(own.servers.first == "redict-server" && own.lines.contains("shutdown-on-sigterm save"))
        #expect(try Invocation([bytes("redict-server"), bytes("/x.conf")]).configuration == bytes("/x.conf"))
    }
}
