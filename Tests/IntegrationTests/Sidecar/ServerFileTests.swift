import Hiredis
import LocalTopology
import SystemPackage
import Testing

@Suite("The file of a server that is started without redis-replica-init")
struct ServerFileTests {
    @Test(
        "names the new master, is otherwise unchanged, and boots again, with any included files",
        arguments: RedisServer.paths)
    func nextStart(path: String) async throws {
        let scratch = try Scratch()
        let included = [
            "user app on >s3cret ~* +@all", "save 900 1", "save 300 10", "rename-command KEYS \"\"",
            "client-output-buffer-limit replica 512mb 64mb 60",
        ]
        let file = try scratch.write("included.conf", Array(included.map { $0 + "\n" }.joined().utf8), mode: 0o644)
        let ports = try Loopback.freePorts(4)
        func redis(_ name: String, _ index: Int, of master: Endpoint? = nil, lines: [String] = []) -> NodeSpec {
            var node = NodeSpec.redis(
                name, server: FilePath(path), at: Endpoint(host: "127.0.0.\(index + 1)", port: ports[index]),
                replicaOf: master, lines: lines)
            node.isRedis = path.hasPrefix("/usr")
            return node
        }
        let a = redis("a", 0)
        let b = redis("b", 1)
        let replica = redis(
            "replica", 2, of: a.endpoint, lines: ["include \(file)", "rename-command FLUSHALL \"\"", "# the end"])
        let sidecar = NodeSpec(
            name: "sidecar", executable: try Programs.built("redis-replica-sidecar"),
            environment: [
                "REDIS_MASTER_HOST": b.endpoint.host, "REDIS_MASTER_PORT_NUMBER": "\(b.endpoint.port)",
                "REDIS_MASTER_RECORD_FILE": "{directory}/record", "REDIS_CONFIG_FILE": "{directory}/redis.conf",
                "SIDECAR_REDIS": "\(replica.endpoint)", "SIDECAR_HOST": "127.0.0.3", "SIDECAR_PORT": "\(ports[3])",
            ], configuration: .lines([]), endpoint: Endpoint(host: "127.0.0.3", port: ports[3]), readiness: .running,
            isRedis: false)
        try await withLocalCluster(ClusterSpec([a, b, replica])) { cluster in
            for name in ["a", "b"] { _ = try await cluster.redis(name, "SET", "k", "of \(name)") }
            try await cluster.wait(until: "replica", holds: "of a")
            let configuration = "\(cluster.folder)/replica/redis.conf"
            func lines() throws -> [String] {
                String(decoding: try Scratch.read(configuration), as: UTF8.self)
                    .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            }
            let before = try lines()
            try await withSidecar(sidecar, besides: cluster) { own in
                try await cluster.wait(until: "replica", isLinkedTo: "b")
                try await own.wait(until: "the file names b", of: "sidecar") {
                    let log = try await own.log(of: "sidecar")
                    return Observation(log.contains("names \(b.endpoint.host):\(b.endpoint.port) now"), else: log)
                }
            }
            let after = try lines()
            #expect(after.count == before.count)
            let changed = zip(before, after).filter { $0 != $1 }
            #expect(changed.map(\.0) == ["replicaof \(a.endpoint.host) \(a.endpoint.port)"])
            #expect(changed.map(\.1) == ["replicaof \(b.endpoint.host) \(b.endpoint.port)"])
            // Twice, without a sidecar.
            for _ in 0..<2 {
                try await cluster.restart("replica")
                try await cluster.wait(until: "replica", isLinkedTo: "b")
                try await cluster.wait(until: "replica", holds: "of b")
            }
            let users = try await cluster.redis("replica", "ACL", "USERS")
            #expect(users == .array([.bulk(Array("app".utf8)), .bulk(Array("default".utf8))]))
            #expect(try lines() == after)
        }
    }

    @Test("is left alone where it names another master than the one that was followed")
    func anotherFile() async throws {
        let path = try Harness.redisServer.string
        let ports = try Loopback.freePorts(4)
        let a = NodeSpec.redis("a", server: FilePath(path), at: Endpoint(port: ports[0]))
        let b = NodeSpec.redis("b", server: FilePath(path), at: Endpoint(host: "127.0.0.2", port: ports[1]))
        let replica = NodeSpec.redis(
            "replica", server: FilePath(path), at: Endpoint(host: "127.0.0.3", port: ports[2]), replicaOf: b.endpoint)
        let sidecar = NodeSpec(
            name: "sidecar", executable: try Programs.built("redis-replica-sidecar"),
            environment: [
                "REDIS_MASTER_HOST": b.endpoint.host, "REDIS_MASTER_PORT_NUMBER": "\(b.endpoint.port)",
                "REDIS_MASTER_RECORD_FILE": "{directory}/record", "REDIS_CONFIG_FILE": "{directory}/redis.conf",
                "SIDECAR_REDIS": "\(replica.endpoint)", "SIDECAR_HOST": "127.0.0.3", "SIDECAR_PORT": "\(ports[3])",
            ], configuration: .lines([]), endpoint: Endpoint(host: "127.0.0.3", port: ports[3]), readiness: .running,
            isRedis: false)
        try await withLocalCluster(ClusterSpec([a, b, replica])) { cluster in
            for name in ["a", "b"] { _ = try await cluster.redis(name, "SET", "k", "of \(name)") }
            _ = try await cluster.redis("replica", "REPLICAOF", a.endpoint.host, "\(a.endpoint.port)")
            try await cluster.wait(until: "replica", holds: "of a")
            let configuration = "\(cluster.folder)/replica/redis.conf"
            let before = try Scratch.read(configuration)
            try await withSidecar(sidecar, besides: cluster) { own in
                try await cluster.wait(until: "replica", isLinkedTo: "b")
                try await own.wait(until: "it says so", of: "sidecar") {
                    let log = try await own.log(of: "sidecar")
                    return Observation(log.contains("is left as it is: it does not name"), else: log)
                }
            }
            #expect(try Scratch.read(configuration) == before)
        }
    }
}
