import RedisClient
import Settings
import Testing

@testable import KeyValueService

@Suite("The service's environment")
struct ServiceEnvironmentTests {
    @Test(arguments: [
        ([:], "redis-master:6379", RedisTopology.ReplicaSource.name(.init(host: "redis-slave", port: 6379))),
        (
            [
                "REDIS_MASTER_SERVICE_HOST": "10.0.0.1", "REDIS_MASTER_SERVICE_PORT": "7000",
                "REDIS_SLAVE_SERVICE_HOST": "10.0.0.2", "REDIS_SLAVE_SERVICE_PORT": "7001",
            ], "10.0.0.1:7000", .name(.init(host: "10.0.0.2", port: 7001))
        ),
        (
            ["GET_HOSTS_FROM": "dns", "REDIS_MASTER_SERVICE_HOST": "10.0.0.1", "REDIS_SLAVE_SERVICE_HOST": "10.0.0.2"],
            "redis-master:6379", .name(.init(host: "redis-slave", port: 6379))
        ),
        (
            ["REDIS_SLAVE_NODES_HOST": "redis-slave-nodes", "REDIS_SLAVE_SERVICE_HOST": "10.0.0.2"],
            "redis-master:6379",
            .name(.init(host: "redis-slave-nodes", port: 6379))
        ),
        (
            ["REDIS_SLAVE_ENDPOINTS": "127.0.0.2:16380, [::1]:2,a,127.0.0.2:16380", "REDIS_SLAVE_NODES_HOST": "x"],
            "redis-master:6379",
            .endpoints([
                .init(host: "127.0.0.2", port: 16380), .init(host: "::1", port: 2), .init(host: "a", port: 6379),
            ])
        ),
        (["REDIS_MASTER_SERVICE_HOST": ""], "redis-master:6379", .name(.init(host: "redis-slave", port: 6379))),
    ])
    func `says where the master and the replicas are`(
        variables: [String: String], master: String, replicas: RedisTopology.ReplicaSource
    ) throws {
        let topology = try ServiceEnvironment { variables[$0] }.topology()
        #expect(topology.master.description == master)
        #expect(topology.replicas == replicas)
    }

    @Test(arguments: [
        ("REDIS_MASTER_SERVICE_PORT", "tcp://10.0.0.1:6379", "enableServiceLinks"),
        ("REDIS_MASTER_SERVICE_PORT", "0", "1…65535"),
        ("REDIS_SLAVE_SERVICE_PORT", "x", "1…65535"),
        ("REDIS_MASTER_SERVICE_HOST", "http://redis", "host name"),
        ("REDIS_SLAVE_ENDPOINTS", "a:1,,b:2", "host:port"),
        ("REDIS_SLAVE_ENDPOINTS", "a:99999", "host:port"),
        ("GET_HOSTS_FROM", "file", "dns or env"),
    ])
    func `is refused by name, with the cure, where it cannot be meant`(variable: String, value: String, cure: String) {
        #expect {
            try ServiceEnvironment { $0 == variable ? value : nil }.topology()
        } throws: { error in
            "\(error)".contains(variable) && "\(error)".contains(cure)
        }
    }

    @Test func `gives the port to listen on`() throws {
        #expect(try ServiceEnvironment { _ in nil }.listeningPort() == 8080)
        #expect(try ServiceEnvironment { $0 == "PORT" ? "0" : nil }.listeningPort() == 0)
        #expect(throws: ConfigurationError.notAPort(variable: "PORT", "http", 0...65535)) {
            try ServiceEnvironment { $0 == "PORT" ? "http" : nil }.listeningPort()
        }
    }

    @Test func `reads a password from a file without its last newline, and tells no secret`() throws {
        let variables = ["REDIS_PASSWORD_FILE": "/run/secret", "REDIS_USER": "app"]
        let credentials = try ServiceEnvironment { variables[$0] }.credentials { path throws(ConfigurationError) in
            #expect(path == "/run/secret")
            return Array("p\n ss\n".utf8)
        }
        #expect(credentials == RedisCredentials(user: "app", password: Array("p\n ss".utf8)))
        #expect(credentials?.description.contains("ss") == false)
    }

    @Test func `refuses a password twice, a user without one, and an empty file`() {
        func credentials(_ variables: [String: String]) throws(ConfigurationError) {
            _ = try ServiceEnvironment { variables[$0] }.credentials { _ throws(ConfigurationError) in [] }
        }
        #expect(throws: ConfigurationError.conflict("REDIS_PASSWORD", "REDIS_PASSWORD_FILE")) {
            try credentials(["REDIS_PASSWORD": "a", "REDIS_PASSWORD_FILE": "b"])
        }
        #expect(throws: ConfigurationError.userWithoutPassword) { try credentials(["REDIS_USER": "a"]) }
        #expect(throws: ConfigurationError.emptySecret(variable: "REDIS_PASSWORD_FILE", "f")) {
            try credentials(["REDIS_PASSWORD_FILE": "f"])
        }
    }

    @Test func `gives the age at which a connection to a replica is replaced, and 0 for never`() throws {
        func age(_ text: String?) throws(ConfigurationError) -> Duration? {
            try ServiceEnvironment { $0 == "REDIS_CONNECTION_MAX_AGE_SECONDS" ? text : nil }
                .connection { _ throws(ConfigurationError) in [] }.maximumAge
        }
        #expect(try age(nil) == .seconds(300))
        #expect(try age("7") == .seconds(7))
        #expect(try age("0") == nil)
        for text in ["-1", "+1", "1.5", "5m", "604801", "99999999999999999999"] {
            #expect(
                throws: ConfigurationError.notANumber(variable: "REDIS_CONNECTION_MAX_AGE_SECONDS", text, 0...604_800)
            ) { try age(text) }
        }
    }

    @Test(arguments: [
        ("REDIS_MAX_IN_FLIGHT", "0", "1…1000000"), ("REDIS_MAX_IN_FLIGHT", "many", "1…1000000"),
        ("REDIS_MAX_LARGE_READS", "0", "1…4096"), ("REDIS_MAX_LARGE_READS", "4097", "1…4096"),
        ("REDIS_DATABASE", "-1", "0…2147483647"), ("REDIS_DATABASE", "2147483648", "0…2147483647"),
        ("REDIS_TLS_ENABLED", "si", "yes or no"), ("REDIS_TLS_CA_FILE", "/ca.pem", "REDIS_TLS_ENABLED"),
    ])
    func `refuses how to connect by name, with the cure, where it cannot be meant`(
        variable: String, value: String, cure: String
    ) {
        #expect {
            try ServiceEnvironment { $0 == variable ? value : nil }.connection { _ throws(ConfigurationError) in [] }
        } throws: { error in
            "\(error)".contains(variable) && "\(error)".contains(cure)
        }
    }
}
