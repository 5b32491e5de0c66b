import Hiredis
import LocalTopology
import SystemPackage
import Testing

@Suite("The names of a test network's hosts")
struct HostNamesTests {
    @Test("resolve on each host as set, and not at all on the machine")
    func names() async throws {
        try await withTestNetwork { network in
            let first = try await network.addHost("first")
            let second = try await network.addHost("second")
            try network.setNames(
                ["redis-master": ["10.77.1.9"], "redis-slave": ["10.77.1.7", "10.77.1.8"]], on: first)
            try network.setNames(["redis-master": [first.address]], on: second)
            #expect(try await addresses(of: "redis-master", on: first) == ["10.77.1.9"])
            #expect(try await addresses(of: "redis-slave", on: first) == ["10.77.1.7", "10.77.1.8"])
            #expect(try await addresses(of: "redis-master", on: second) == [first.address])
            #expect(try await addresses(of: "redis-slave", on: second) == [])
            #expect(try await addresses(of: "localhost", on: second) == ["127.0.0.1"])
            try network.setNames([:], on: first)
            #expect(try await addresses(of: "redis-master", on: first) == [])
        }
    }

    @Test("may be unknown at once, or only after the seconds that a silent server takes")
    func unknown() async throws {
        try await withTestNetwork { network in
            let host = try await network.addHost("host")
            for answer in [TestNetwork.UnknownNames.absent, .unavailable] {
                try network.setUnknownNames(answer, on: host)
                let start = ContinuousClock.now
                #expect(try await addresses(of: "redis-master", on: host) == [])
                let time = ContinuousClock.now - start
                #expect(time < .seconds(2), "\(answer)")
            }
            try network.setUnknownNames(.silent(seconds: 2), on: host)
            let start = ContinuousClock.now
            #expect(try await addresses(of: "redis-master", on: host) == [])
            let time = ContinuousClock.now - start
            #expect(time >= .seconds(2))
            try network.setNames(["redis-master": ["10.77.1.9"]], on: host)
            #expect(try await addresses(of: "redis-master", on: host) == ["10.77.1.9"], "a known one asks no server")
        }
    }

    @Test(
        "are resolved again by a redis-server that connects to its master again", arguments: RedisServer.representatives
    )
    func movedMaster(path: String) async throws {
        let server = FilePath(path)
        try await withTestNetwork { network in
            let old = try await network.addHost("old")
            let new = try await network.addHost("new")
            let replica = try await network.addHost("replica")
            try network.setNames(["redis-master": [old.address]], on: replica)
            let spec = ClusterSpec([
                .redis(server: server, on: old), .redis(server: server, on: new),
                .replica(server: server, on: replica, of: "redis-master"),
            ])
            try await withLocalCluster(spec) { cluster in
                for name in ["old", "new"] { _ = try await cluster.redis(name, "SET", "k", name) }
                try await cluster.wait(untilReplicaHolds: "old")

                // A name that moves ends no connection, and REPLICAOF to the same name makes no new one.
                try network.setNames(["redis-master": [new.address]], on: replica)
                _ = try await cluster.redis("replica", "REPLICAOF", "redis-master", "6379")
                _ = try await cluster.redis("old", "SET", "k", "old, later")
                try await cluster.wait(untilReplicaHolds: "old, later")

                #expect(try await cluster.redis("replica", "CLIENT", "KILL", "TYPE", "master") == .integer(1))
                try await cluster.wait(untilReplicaHolds: "new")
                #expect(try await cluster.info("replica")["master_host"] == "redis-master")
            }
        }
    }

    @Test("are seen by KVApp while it runs: one that comes into being, one that moves, and one whose look-up hangs")
    func seenByTheApp() async throws {
        try await withTestNetwork { network in
            let old = try await network.addHost("old")
            let new = try await network.addHost("new")
            let host = try await network.addHost("app")
            let server = try Harness.redisServer
            let app = NodeSpec(
                name: "app", executable: try Programs.built("KVApp"),
                arguments: ["serve", "--host", host.address, "--port", "8080", "--event-loops", "1"],
                environment: ["DRAIN_DELAY_SECONDS": "0"], endpoint: host.endpoint(8080), readiness: .running,
                isRedis: false
            ).running(on: host)
            let spec = ClusterSpec([.redis(server: server, on: old), .redis(server: server, on: new), app])
            try await withLocalCluster(spec) { cluster in
                for name in ["old", "new"] { _ = try await cluster.redis(name, "SET", "k", name) }
                try await cluster.wait(until: "the app misses its master", of: "app") {
                    let answer = try await cluster.readiness()
                    return Observation(answer.status == 503, else: answer.text)
                }

                try network.setUnknownNames(.silent(seconds: 3), on: host)
                try await cluster.wait(until: "a look-up hangs", of: "app") {
                    let lookUps = try await NetworkTools.output(
                        of: "ss", package: "iproute2", ["-Hun", "dst", host.segment.silentAddress],
                        in: host.namespace)
                    return Observation(!lookUps.text.isEmpty, else: "no socket to the silent server")
                }
                let start = ContinuousClock.now
                #expect(try await cluster.http("app", .get("/livez"))[0].status == 200)
                let time = ContinuousClock.now - start
                #expect(time < .seconds(1), "a look-up that hangs blocks no other look-up")

                try network.setNames(["redis-master": [old.address]], on: host)
                try await cluster.wait(untilAppReads: "old")
                try network.setNames(["redis-master": [new.address]], on: host)
                try await cluster.kill("old")
                try await cluster.wait(untilAppReads: "new")
            }
        }
    }

    @Test("lead KVApp to its master also where another of their addresses refuses, as `localhost` has two")
    func refusingAddress() async throws {
        try await withTestNetwork { network in
            let host = try await network.addHost("host")
            // The address of the other family is tried first.
            try network.setNames(["redis-master": ["::1", host.address]], on: host)
            let app = NodeSpec(
                name: "app", executable: try Programs.built("KVApp"),
                arguments: ["serve", "--host", host.address, "--port", "8080"],
                environment: ["DRAIN_DELAY_SECONDS": "0"], endpoint: host.endpoint(8080), readiness: .running,
                isRedis: false
            ).running(on: host)
            let spec = ClusterSpec([.redis(server: try Harness.redisServer, on: host), app])
            try await withLocalCluster(spec) { cluster in
                _ = try await cluster.redis("host", "SET", "k", "from the one that listens")
                try await cluster.wait(untilAppReads: "from the one that listens")
            }
        }
    }

    private func addresses(of name: String, on host: TestNetwork.Host) async throws -> [String] {
        let answer = try await NetworkTools.output(
            of: "getent", package: "libc-bin", ["ahostsv4", name], in: host.namespace)
        #expect(answer.code == (answer.text.isEmpty ? 2 : 0))
        let lines = answer.text.split(separator: "\n").filter { $0.contains("STREAM") }
        return lines.compactMap { $0.split(separator: " ").first.map(String.init) }
    }
}

extension LocalCluster {
    fileprivate nonisolated func wait(untilReplicaHolds value: String) async throws {
        try await wait(until: "the replica holds \(value)", of: "replica", within: .seconds(20)) {
            let reply = try await self.redis("replica", "GET", "k")
            return Observation(reply.text == value, else: "\(reply)")
        }
    }

    fileprivate nonisolated func wait(untilAppReads value: String) async throws {
        try await wait(until: "the app reads \(value)", of: "app", within: .seconds(20)) {
            let answer = try await self.http("app", .get("/v1/keys/k"))[0]
            return Observation(answer.status == 200 && answer.text.contains(value), else: answer.text)
        }
    }
}
