import RedisConf
import ReplicaPlanning
import Testing

@Suite("check refuses what run refuses, whichever variable it is")
struct VerdictTests {
    /// Every variable that a start reads.
    private static let names =
        Environment.names + [
            "ALLOW_EMPTY_PASSWORD", "GET_HOSTS_FROM", "KUBERNETES_SERVICE_HOST", "LOCALDOMAIN", "POD_IP", "POD_NAME",
            "REDICT_VERSION", "REDIS_VERSION", "SKIP_DROP_PRIVS", "SKIP_FIX_PERMS",
            "VALKEY_VERSION",
        ]

    private static let values = [
        "bogus", "-1", "0", "70000", "99999999999999999999", "1.5", " ", "a b", "a\nb", "a%b", "\"a\"", "'", "::1%a b",
        "::1%\"x\"", "fe80::1%eth0", "::1::2", ":1:2:3:4:5:6:7:8", ",", "a,b c", "tcp://10.0.0.1:6379", "no", "yes",
        "/nowhere", "/locked", "\u{FEFF}x",
    ]

    private func start(_ role: String, _ variable: String, _ value: String) -> Start {
        var start = Start(files: ["/locked": "denied"])
        start.environment["REDIS_REPLICATION_MODE"] = role
        start.environment["REDIS_SLAVE_NODES_HOST"] = "nodes"
        start.environment[variable] = value
        return start
    }

    /// 0, or what a start ends with.
    private func code(ofStart start: Start) -> Int32 {
        do throws(PlanError) {
            _ = try start.plan()
            return 0
        } catch {
            return error.exitCode
        }
    }

    private func code(ofCheck start: Start) throws -> Int32 {
        do throws(PlanError) { return try start.report().exitCode } catch { return error.exitCode }
    }

    @Test(arguments: ["master", "replica", "standalone"])
    func `every variable with every odd value`(role: String) throws {
        var refused = 0
        for variable in Self.names {
            for value in Self.values {
                let start = start(role, variable, value)
                let expected = code(ofStart: start)
                if expected == 0 { continue }
                refused += 1
                #expect(try code(ofCheck: start) == expected, "\(variable)=\(value.debugDescription)")
            }
        }
        #expect(refused >= 200, "refused \(refused)")
    }

    @Test(
        "no start, and no it would start, with these",
        arguments: [
            ("REDIS_ON_EMPTY", "bogus"), ("REDIS_GUARD_TIMEOUT", "-1"), ("REDIS_GUARD_TIMEOUT", "1.5"),
            ("REDIS_GUARD_TIMEOUT", "86401"), ("REDIS_SLAVE_NODES_HOST", "a%b"), ("REDIS_SLAVE_NODES_HOST", "a\nb"),
            ("REDIS_SLAVE_NODES_HOST", "\"a\""), ("REDIS_SLAVE_NODES_HOST", "::1%a b"),
            ("REDIS_SLAVE_NODES_HOST", "::1%\"x\""), ("REDIS_SLAVE_NODES_HOST", "good,a b"),
            ("REDIS_MASTER_HOST", "::1%\n"), ("REDIS_MASTER_HOST", "::1::2"), ("POD_IP", "::1%\"x\""),
            ("REDIS_REPLICA_IP", "fe80::1%"), ("REDIS_BIND", "::1%a\"b"),
        ])
    func refused(variable: String, value: String) throws {
        let start = start(variable == "REDIS_MASTER_HOST" ? "replica" : "master", variable, value)
        #expect(code(ofStart: start) == 78)
        #expect(try code(ofCheck: start) == 78)
    }

    @Test("an address with the name of an interface is a host")
    func zone() throws {
        #expect(code(ofStart: start("replica", "REDIS_MASTER_HOST", "fe80::1%eth0")) == 0)
        #expect(code(ofStart: start("replica", "REDIS_MASTER_HOST", "[2001:db8::7]")) == 0)
    }

    @Test("a host in a replicaof line is one, too", arguments: ["\"a b\"", "a%b", "'a\"b'", "::1%\"x y\""])
    func lines(host: String) throws {
        let start = Start(file: "replicaof \(host) 6379\n", environment: [:])
        #expect(code(ofStart: start) == 78)
        #expect(try code(ofCheck: start) == 78)
    }

    @Test("the variable that was read is named, wherever one is")
    func names() throws {
        var start = Start(environment: [
            "VALKEY_EXTRA_FLAGS": "--nosuch 1 --requirepass x", "VALKEY_MASTER_HOST": "db",
            "VALKEY_MASTER_SERVICE_HOST": "other", "VALKEY_ON_EMPTY": "bogus", "VALKEY_GUARD_TIMEOUT": "x",
            "VALKEY_REPLICA_PORT": "x", "VALKEY_PORT_NUMBER": "7", "VALKEY_PASSWORD": "p",
            "VALKEY_TLS_ENABLED": "maybe",
            "VALKEY_VERSION": "8.1",
        ])
        start.file = "user default on >old\n"
        for output in [try start.report().text, try start.report().json] {
            #expect(output.contains("VALKEY_EXTRA_FLAGS") && output.contains("VALKEY_PASSWORD"), "\(output)")
            for line in output.split(separator: "\n") {
                // The advice uses the usual name.
                let told = line.split(separator: "; ").first ?? ""
                #expect(!told.contains("REDIS_") || told.contains("--requirepass"), "\(line)")
            }
        }
        let plan = try Start(
            file: "replicaof a 1\n", environment: ["VALKEY_REPLICATION_MODE": "master", "ALLOW_EMPTY_PASSWORD": "yes"]
        ).plan()
        #expect(plan.decisions.contains { $0.origin == .environment("VALKEY_REPLICATION_MODE") })
    }
}
