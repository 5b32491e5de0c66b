import RedisClient
import RedisCore
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
        #expect(topology.masterNodes == nil)
    }

    @Test func `says where all masters are, at the master's port`() throws {
        let variables = ["REDIS_MASTER_NODES_HOST": "redis-master-nodes", "REDIS_MASTER_SERVICE_PORT": "7000"]
        let topology = try ServiceEnvironment { variables[$0] }.topology()
        #expect(topology.masterNodes == .init(host: "redis-master-nodes", port: 7000))
    }

    @Test func `takes all nodes in place of a master and its replicas, whatever else is given`() throws {
        let variables = [
            "REDIS_NODES": "redis-0:7000, nodes,[fd00::1]:1,nodes:6379", "REDIS_MASTER_SERVICE_HOST": "10.0.0.1",
            "REDIS_SLAVE_ENDPOINTS": "a:1", "REDIS_MASTER_NODES_HOST": "masters",
        ]
        let topology = try ServiceEnvironment { variables[$0] }.topology()
        #expect(topology.findsLeader)
        #expect(topology.masterNodes == nil)
        #expect(
            topology.replicas
                == .nodes([
                    .init(host: "redis-0", port: 7000), .init(host: "nodes", port: 6379),
                    .init(host: "fd00::1", port: 1),
                ]))
        #expect(try !ServiceEnvironment { _ in nil }.topology().findsLeader)
    }

    @Test(
        arguments: [
            (nil, nil, 1000), (nil, "a", 2000), ("0", "a", 0), ("250", nil, 250), ("60000", "a", 60000),
        ] as [(String?, String?, Int)])
    func `holds writes for longer where the leader may change`(given: String?, nodes: String?, expected: Int) throws {
        let variables = ["WRITE_HOLD_MILLISECONDS": given, "REDIS_NODES": nodes].compactMapValues(\.self)
        let connection = try ServiceEnvironment { variables[$0] }.connection { _ in [] }
        #expect(connection.writeHold == .milliseconds(expected))
    }

    @Test
    func `asks the Sentinels where they are given, whatever else is, and lists replicas only where they are meant`()
        throws
    {
        var variables = [
            "REDIS_SENTINEL_HOST": "s-0, s-1:7,[fd00::1]", "REDIS_SENTINEL_MASTER_NAME": "kv", "REDIS_NODES": "a",
            "REDIS_MASTER_SERVICE_HOST": "10.0.0.1", "REDIS_SLAVE_SERVICE_HOST": "10.0.0.2",
            "REDIS_SENTINEL_USERNAME": "app", "REDIS_SENTINEL_PASSWORD": "s3cret",
        ]
        var environment: ServiceEnvironment { ServiceEnvironment { variables[$0] } }
        let topology = try environment.topology()
        #expect(topology.findsLeader && topology.followsSentinel)
        #expect(topology.sentinel?.sentinels.map(\.description) == ["s-0:26379", "s-1:7", "[fd00::1]:26379"])
        #expect(topology.sentinel?.masterName == "kv")
        #expect(topology.replicas == .endpoints([]), "Kubernetes sets a Service's host by itself")
        let connection = try environment.connection { _ in [] }
        #expect(connection.sentinel.credentials == .init(user: "app", password: Array("s3cret".utf8)))
        #expect(connection.sentinel.tls == nil && connection.credentials == nil)
        #expect(connection.writeHold == .milliseconds(4000))
        let doubts = try environment.doubts { _ in [] }
        #expect(doubts.count == 2 && doubts.allSatisfy { $0.contains("Sentinel decides") }, "\(doubts)")
        variables["REDIS_SLAVE_NODES_HOST"] = "replicas"
        #expect(try environment.topology().replicas == .name(.init(host: "replicas", port: 6379)))
    }

    @Test(arguments: [
        (["REDIS_SENTINEL_HOST": "a,,b"], "REDIS_SENTINEL_HOST", "HOST[:PORT]"),
        (["REDIS_SENTINEL_HOST": "a", "REDIS_SENTINEL_PORT_NUMBER": "0"], "REDIS_SENTINEL_PORT_NUMBER", "1…65535"),
        (["REDIS_SENTINEL_HOST": "a", "REDIS_SENTINEL_MASTER_NAME": "a b"], "REDIS_SENTINEL_MASTER_NAME", "one word"),
        (["REDIS_SENTINEL_HOST": "a", "REDIS_SENTINEL_USERNAME": "a"], "REDIS_SENTINEL_USERNAME", "PASSWORD"),
        (["REDIS_SENTINEL_HOST": "a", "REDIS_SENTINEL_TLS": "maybe"], "REDIS_SENTINEL_TLS", "yes or no"),
        (["REDIS_SENTINEL_HOST": "a", "REDIS_SENTINEL_TLS": "yes"], "REDIS_SENTINEL_TLS", "REDIS_TLS_CA_FILE"),
    ])
    func `refuses settings of Sentinel that cannot be meant, with the cure`(
        variables: [String: String], variable: String, cure: String
    ) {
        #expect {
            let environment = ServiceEnvironment { variables[$0] }
            _ = try environment.topology()
            _ = try environment.connection { _ in [] }
        } throws: {
            "\($0)".contains(variable) && "\($0)".contains(cure)
        }
    }

    @Test(arguments: [
        ("REDIS_NODES", "a,,b", "host:port"),
        ("REDIS_NODES", "a:0", "host:port"),
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

    @Test(arguments: ["a%b", "a'", "a\"b", "\u{1B}[31m", "$(id)", "\u{9B}", "a\nb", "a:1", "-a", "é"])
    func `takes as a host a name or an address alone, wherever it asks for one`(host: String) {
        let variables = [
            "REDIS_MASTER_SERVICE_HOST", "REDIS_MASTER_NODES_HOST", "REDIS_SLAVE_NODES_HOST",
            "REDIS_SLAVE_SERVICE_HOST", "HOST",
        ]
        for variable in variables + (host == "a:1" ? [] : ["REDIS_SLAVE_ENDPOINTS", "REDIS_NODES"]) {
            #expect {
                let environment = ServiceEnvironment { $0 == variable ? host : nil }
                _ = try environment.listeningHost()
                _ = try environment.topology()
            } throws: { error in
                let words = "\(error)"
                return words.contains(variable) && words.unicodeScalars.allSatisfy { $0 >= " " && $0 != "\u{9B}" }
            }
        }
    }

    @Test func `shows no password that stands before a host`() {
        #expect {
            try ServiceEnvironment { $0 == "REDIS_SLAVE_ENDPOINTS" ? "redis:s3cret@a" : nil }.topology()
        } throws: {
            !"\($0)".contains("s3cret")
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
