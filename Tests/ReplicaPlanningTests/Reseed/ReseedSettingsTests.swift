import RedisCore
import ReplicaPlanning
import Testing

@Suite("The settings of a master that restores its data from replicas")
struct ReseedSettingsTests {
    private func settings(
        _ environment: [String: String] = [:], arguments: [String] = [], file: String = ""
    ) throws -> GuardSettings {
        var start = Start(file: file)
        start.environment = [
            "REDIS_REPLICATION_MODE": "master", "REDIS_SLAVE_NODES_HOST": "a", "REDIS_ON_EMPTY": "reseed",
        ].merging(environment) { $1 }
        start.arguments = arguments
        return try #require(try start.plan().startupGuard)
    }

    @Test("are asked for by a variable or an option, in any case")
    func policy() throws {
        #expect(try settings().policy == .reseed)
        #expect(try settings(["REDIS_ON_EMPTY": "Reseed"]).policy == .reseed)
        #expect(try settings(["REDIS_ON_EMPTY": "hold"], arguments: ["--on-empty=reseed"]).policy == .reseed)
        #expect(try settings(arguments: ["--on-empty", "wait"]).policy == .wait)
    }

    @Test(
        "know the port where this master will be: the arguments', else the file's; the TLS port where servers replicate over TLS"
    )
    func port() throws {
        #expect(try settings().port == 6379)
        #expect(try settings(file: "port 7000\n").port == 7000)
        #expect(try settings(["REDIS_PORT_NUMBER": "7001"], file: "port 7000\n").port == 7001)
        #expect(try settings(["REDIS_PORT_NUMBER": "7001"], arguments: ["--", "--port", "7002"]).port == 7002)
        #expect(try settings(["REDIS_EXTRA_FLAGS": "--port 7003"]).port == 7003)
        let certificates = [
            "REDIS_TLS_ENABLED": "yes", "REDIS_TLS_CERT_FILE": "/tls/c", "REDIS_TLS_KEY_FILE": "/tls/k",
            "REDIS_TLS_CA_FILE": "/tls/ca",
        ]
        var start = Start()
        start.environment = [
            "REDIS_REPLICATION_MODE": "master", "REDIS_SLAVE_NODES_HOST": "a", "REDIS_ON_EMPTY": "reseed",
        ].merging(certificates) { $1 }
        start.files = ["/tls/c": "", "/tls/k": "", "/tls/ca": ""]
        let tls = try #require(try start.plan().startupGuard)
        #expect(tls.port == 6379 && tls.tls != nil)
        #expect(try settings(file: "port 0\ntls-port 0\nunixsocket /run/s\n").port == nil)
    }

    @Test("know the name by which the replicas know this master, where the environment says it")
    func masterName() throws {
        let name = "REDIS_MASTER_SERVICE_HOST"
        for (environment, expected) in [
            ([:], nil), ([name: "redis-master"], "redis-master:6379"), ([name: "10.96.0.7"], "10.96.0.7:6379"),
            ([name: "10.96.0.7", "GET_HOSTS_FROM": "dns"], "redis-master:6379"),
            ([name: "10.96.0.7", "GET_HOSTS_FROM": "env"], "10.96.0.7:6379"),
            (["REDIS_MASTER_HOST": "m", name: "10.96.0.7"], "m:6379"),
            (["REDIS_MASTER_HOST": "m", "REDIS_MASTER_PORT_NUMBER": "7000"], "m:7000"),
            ([name: "m", "REDIS_MASTER_SERVICE_PORT": "7001"], "m:7001"),
            ([name: "m", "REDIS_MASTER_PORT": "tcp://10.96.0.7:6379"], "m:6379"),
            // A mistake in it stops no master.
            ([name: "http://m"], nil), ([name: "m", "REDIS_MASTER_SERVICE_PORT": "many"], "m:6379"),
        ] as [([String: String], String?)] {
            #expect(try settings(environment).masterName?.description == expected, "\(environment)")
        }
    }

    @Test("know whether redis-server keeps its append-only file in several")
    func multiPart() throws {
        for (environment, expected) in [
            ([:], .unknown), (["REDIS_VERSION": "6.2.14"], .single), (["REDIS_VERSION": "7.0.15"], .multiPart),
            (["REDIS_VERSION": "8.0.0"], .multiPart), (["VALKEY_VERSION": "8.1.0"], .multiPart),
        ] as [([String: String], DataSettings.AppendOnlyForm)] {
            #expect(try settings(environment).data.form == expected, "\(environment)")
        }
    }
}
