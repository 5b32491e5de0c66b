import Hiredis
import LocalTopology
import Testing

@Suite("A blocking connection")
struct BlockingConnectionTests {
    private func withServer(_ body: (LocalCluster, Endpoint) async throws -> Void) async throws {
        let node = NodeSpec.redis(
            "master", server: try Harness.redisServer, at: Endpoint(port: try Loopback.freePorts(1)[0]),
            lines: ["unixsocket redis.sock"])
        try await withLocalCluster(ClusterSpec([node])) { try await body($0, node.endpoint) }
    }

    @Test("gives back any bytes, and every kind of reply")
    func replies() async throws {
        try await withServer { _, endpoint in
            var connection = try BlockingConnection(
                host: endpoint.host, port: endpoint.port, timeout: .seconds(5))
            let bytes = (0...255).map(UInt8.init)
            #expect(try connection.command([Array("SET".utf8), bytes, bytes]) == .simple(Array("OK".utf8)))
            #expect(try connection.command([Array("GET".utf8), bytes]) == .bulk(bytes))
            #expect(try connection.command("SET", "", "") == .simple(Array("OK".utf8)))
            #expect(try connection.command("GET", "") == .bulk([]))
            #expect(try connection.command("GET", "absent") == .null)
            #expect(try connection.command("INCR", "count") == .integer(1))
            #expect(
                try connection.command("MGET", "count", "absent") == .array([.bulk(Array("1".utf8)), .null]))
            let refusal = try connection.command("LPUSH", "count", "x")
            #expect(refusal.errorText?.hasPrefix("WRONGTYPE") == true)
        }
    }

    @Test("speaks to a Unix socket")
    func unixSocket() async throws {
        try await withServer { cluster, _ in
            var connection = try BlockingConnection(
                path: "\(cluster.folder)/master/redis.sock", timeout: .seconds(5))
            #expect(try connection.command("PING").text == "PONG")
        }
    }

    @Test("says whom it could not reach, and why")
    func refused() throws {
        let port = try Loopback.freePorts(1)[0]
        #expect(throws: BlockingConnectionError.connect(address: "127.0.0.1:\(port)", reason: "Connection refused")) {
            _ = try BlockingConnection(host: "127.0.0.1", port: port, timeout: .seconds(1))
        }
    }

    @Test("gives up at its deadline, and is of no use afterwards")
    func timesOut() async throws {
        try await withServer { cluster, endpoint in
            var connection = try BlockingConnection(
                host: endpoint.host, port: endpoint.port, timeout: .milliseconds(100))
            try await cluster.pause("master")
            let address = "\(endpoint)"
            #expect(throws: BlockingConnectionError.timedOut(address: address, command: "PING")) {
                try connection.command("PING")
            }
            try await cluster.resume("master")
            #expect(
                throws: BlockingConnectionError.broken(
                    address: address, command: "PING", reason: "an earlier command failed")
            ) {
                try connection.command("PING")
            }
        }
    }
}
