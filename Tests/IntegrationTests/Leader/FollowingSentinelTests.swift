import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

/// Real Sentinels decide, and an app that knows them alone follows.
@Suite("The app follows Sentinel")
struct FollowingSentinelTests {
    static let servers = RedisServer.representatives

    private static var rounds: Int { getenv("FAILOVER_ROUNDS").flatMap { Int(String(cString: $0)) } ?? 2 }

    /// What became of acknowledged writes.
    ///
    /// - Returns: the numbers of those that are not there.
    private static func missing(
        _ writes: some Sequence<HTTPWriters.Write>, at node: String, _ cluster: LocalCluster
    ) async throws -> [Int] {
        var missing: [Int] = []
        for write in writes where write.isAcknowledged {
            let value = try await cluster.redis(node, "GET", "n\(write.number)")
            if value.text != "\(write.number)" { missing.append(write.number) }
        }
        return missing
    }

    /// Waits until another server than this one leads.
    ///
    /// - Returns: its place in the list.
    private static func nextLeader(
        _ system: SentinelCluster, after old: Int, _ cluster: LocalCluster, _ writers: HTTPWriters
    ) async throws -> Int {
        let place = "\(system.nodes[old].endpoint)"
        let began = ContinuousClock.now
        try await cluster.wait(until: "another server takes writes", of: "app", within: .seconds(40)) {
            let isThere = writers.writes.contains {
                $0.isAcknowledged && $0.receivedAt > began && $0.servedBy != place
            }
            return Observation(isThere, else: "\(writers.writes.last.map { "\($0)" } ?? "")")
        }
        let last = try #require(writers.writes.last { $0.isAcknowledged && $0.servedBy != place })
        return try #require(system.nodes.firstIndex { "\($0.endpoint)" == last.servedBy })
    }

    @Test(
        "a planned SENTINEL FAILOVER under writers: no write fails, and none that was acknowledged is lost",
        arguments: servers)
    func planned(server: String) async throws {
        let system = try SentinelCluster(server: FilePath(server))
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.settle(system)
            var leader = 0
            let writes = try await HTTPWriters.run(8, to: system.app.endpoint) { writers in
                for round in 0..<Self.rounds {
                    let before = writers.writes.count
                    try await cluster.wait(until: "writes are answered", of: "app") {
                        Observation(writers.writes.count > before + 100, else: "\(writers.writes.count)")
                    }
                    let reply = try await cluster.sentinelFailover(at: "sentinel-\(round % 3)")
                    #expect(reply.text == "OK", "\(reply)")
                    leader = try await Self.nextLeader(system, after: leader, cluster, writers)
                    // A fail-over that follows at once is refused.
                    try await cluster.settle(system, leader: leader)
                }
            }
            let failed = writes.filter { !$0.isAcknowledged }
            #expect(failed.isEmpty, "\(failed)")
            let missing = try await Self.missing(writes, at: "node-\(leader)", cluster)
            #expect(missing == [], "of \(writes.count)")
            print(
                "SENTINEL FAILOVER under HTTP writers, \(server): \(Self.rounds) rounds, \(writes.count) writes, "
                    + "\(failed.count) failed, \(missing.count) acknowledged and lost, longest \(writes.map(\.time).max()!)"
            )
        }
    }

    @Test("a killed master: writes wait for the one that Sentinel names, and reads go on", arguments: servers)
    func killed(server: String) async throws {
        let system = try SentinelCluster(server: FilePath(server), environment: ["WRITE_HOLD_MILLISECONDS": "30000"])
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.settle(system)
            #expect(try await cluster.putValue("read", "it").status == 201)
            for node in system.nodes {
                try await cluster.wait(until: "\(node.name) has it", of: node.name) {
                    Observation(try await cluster.redis(node.name, "GET", "read").text == "it", else: "")
                }
            }
            var leader = 0
            let writes = try await HTTPWriters.run(to: system.app.endpoint) { writers in
                try await cluster.wait(until: "writes are answered", of: "app") {
                    Observation(writers.writes.count > 100, else: "\(writers.writes.count)")
                }
                let load = try await Load.run(
                    .get("/v1/keys/read"), on: system.app.endpoint, expecting: "it"
                ) { _ in
                    try await cluster.kill("node-0")
                    leader = try await Self.nextLeader(system, after: 0, cluster, writers)
                }
                #expect(load.count(status: 200) == load.total && load.unexpected == [], "reads: \(load.answers)")
                let before = writers.writes.count
                try await cluster.wait(until: "writes go on", of: "app") {
                    Observation(writers.writes.count > before + 100, else: "\(writers.writes.count)")
                }
            }
            let refused = writes.filter { !$0.isAcknowledged && $0.code != "write-outcome-unknown" }
            #expect(refused.isEmpty, "\(refused)")
            let topology = try await cluster.http("app", .get("/v1/topology"))[0].text
            #expect(topology.contains(#""leader":{"endpoint":"\#(system.nodes[leader].endpoint)","takes_writes":true"#))
            #expect(topology.contains(#""sentinel":{"master_name":"kv","master":"\#(system.nodes[leader].endpoint)""#))
            print(
                "master killed under HTTP writers with Sentinel, \(server): \(writes.count) writes, "
                    + "\(writes.count { !$0.isAcknowledged }) unknown, longest \(writes.map(\.time).max()!)")
            // It comes back as a second master for some seconds, and gets nothing.
            try await cluster.start("node-0")
            for number in 0..<20 {
                let answer = try await cluster.putValue("k", "\(number)")
                #expect(answer.header("Served-By") == "\(system.nodes[leader].endpoint)")
            }
            try await cluster.wait(until: "Sentinel makes it a replica", of: "node-0", within: .seconds(40)) {
                let role = try await cluster.info("node-0", section: "replication")["role"]
                return Observation(role == "slave", else: role ?? "")
            }
            try await cluster.wait(untilServersUp: 3, within: .seconds(40))
        }
    }

    @Test("Sentinels that fall silent, one and then all: writes go on, and it is logged once")
    func silent() async throws {
        let system = try SentinelCluster()
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.settle(system)
            // One that is silent keeps the others from nothing, a fail-over either.
            try await cluster.pause("sentinel-2")
            try await cluster.wait(until: "one is missed", of: "app") {
                let metrics = try await cluster.http("app", .get("/metrics"))[0].text
                return Observation(metrics.sentinelsUp == 2, else: metrics)
            }
            let writes = try await HTTPWriters.run(to: system.app.endpoint) { writers in
                _ = try await cluster.sentinelFailover(at: "sentinel-0")
                _ = try await Self.nextLeader(system, after: 0, cluster, writers)
            }
            let failed = writes.filter { !$0.isAcknowledged }
            #expect(failed.isEmpty, "\(failed)")
            let next = try #require(writes.last { $0.isAcknowledged }?.servedBy)
            // It still names the former master, with a lower epoch.
            try await cluster.kill("sentinel-0")
            try await cluster.kill("sentinel-1")
            try await cluster.resume("sentinel-2")
            for number in 0..<50 {
                let answer = try await cluster.putValue("k", "\(number)")
                #expect(answer.status < 300 && answer.header("Served-By") == next, "\(answer.text)")
            }
            try await cluster.kill("sentinel-2")
            try await cluster.wait(until: "all are missed", of: "app") {
                let topology = try await cluster.http("app", .get("/v1/topology"))[0].text
                return Observation(topology.contains(#""trouble":"no Sentinel answers"#), else: topology)
            }
            for number in 0..<50 {
                let answer = try await cluster.putValue("k", "\(number)")
                #expect(answer.status < 300 && answer.header("Served-By") == next, "\(answer.text)")
                #expect(try await cluster.getValue("k").status == 200)
            }
            let log = try await cluster.log(of: "app")
            #expect(log.ranges(of: "no Sentinel answers").count == 1, "\(log)")
            #expect(log.contains("\(next) stays the master"), "\(log)")
            try await cluster.start("sentinel-0")
            try await cluster.wait(until: "Sentinel is heard again", of: "app", within: .seconds(40)) {
                let log = try await cluster.log(of: "app")
                return Observation(log.contains("Sentinel names a master again"), else: log)
            }
        }
    }

    @Test(
        "a name that no Sentinel knows, a redis-server in place of a Sentinel, and no Sentinel: each is said, with a cure"
    )
    func mistakes() async throws {
        let cases: [(environment: (SentinelCluster) -> [String: String], words: String)] = [
            ({ _ in ["REDIS_SENTINEL_MASTER_NAME": "other"] }, "check REDIS_SENTINEL_MASTER_NAME"),
            ({ ["REDIS_SENTINEL_HOST": "\($0.nodes[0].endpoint)"] }, "is no Sentinel: name the Sentinels"),
            ({ _ in ["REDIS_SENTINEL_HOST": "127.0.0.1:1"] }, "no Sentinel answers: 127.0.0.1:1 cannot be reached"),
        ]
        for (environment, words) in cases {
            var system = try SentinelCluster()
            var more = environment(system)
            more["WRITE_HOLD_MILLISECONDS"] = "300"
            system = try SentinelCluster(like: system, environment: more)
            try await withLocalCluster(system.spec) { cluster in
                try await cluster.wait(untilReadinessSays: words)
                let answer = try await cluster.putValue("k", "v")
                #expect(answer.status == 503 && answer.header("Retry-After") != nil, "\(answer.text)")
                let log = try await cluster.log(of: "app")
                #expect(log.contains(words), "\(log)")
            }
        }
    }

    @Test("Sentinels that speak TLS: a certificate for another address is refused, and the master needs none")
    func certificates() async throws {
        let certificates = try Certificates()
        try certificates.sign("sentinel", for: "IP:127.0.0.20,IP:127.0.0.21")
        let port = try Loopback.freePorts(1)[0]
        let places = (0..<3).map { "127.0.0.2\($0):\(port)" }
        let system = try SentinelCluster(
            lines: certificates.lines(port: port, as: "sentinel"),
            environment: [
                "REDIS_SENTINEL_HOST": places.joined(separator: ","), "REDIS_SENTINEL_TLS": "yes",
                "REDIS_TLS_ENABLED": "no", "REDIS_TLS_CA_FILE": certificates.certificate("ca"),
            ])
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilLeads: system.nodes[0].endpoint, servers: 3)
            #expect(try await cluster.putValue("k", "v").status == 201)
            try await cluster.wait(until: "two answer", of: "app") {
                let metrics = try await cluster.http("app", .get("/metrics"))[0].text
                return Observation(metrics.sentinelsUp == 2, else: metrics)
            }
            let readiness = try await cluster.readiness().text
            #expect(readiness.contains("set REDIS_TLS_SERVER_NAME to a name it holds"), "\(readiness)")
        }
    }

    @Test("a Sentinel without an address is shown, and the others decide")
    func noAddress() async throws {
        var system = try SentinelCluster()
        let hosts = try #require(system.app.environment["REDIS_SENTINEL_HOST"])
        system = try SentinelCluster(like: system, environment: ["REDIS_SENTINEL_HOST": "no-such-sentinel,\(hosts)"])
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilLeads: system.nodes[0].endpoint, servers: 3)
            #expect(try await cluster.putValue("k", "v").status == 201)
            try await cluster.wait(
                untilReadinessSays: #""no-such-sentinel:26379","state":"silent","words":"has no address yet""#)
        }
    }

    @Test(
        "a Sentinel that lists 400 replicas that are gone: its master is followed, and so are the replicas that are there"
    )
    func longList() async throws {
        let gone = (0..<400).map {
            "sentinel known-replica \(SentinelCluster.masterName) 127.9.\($0 / 200).\($0 % 200 + 1) 1"
        }
        var system = try SentinelCluster(lines: gone)
        let sentinel = system.sentinels[0]
        system = try SentinelCluster(like: system, environment: ["REDIS_SENTINEL_HOST": "\(sentinel.endpoint)"])
        try await withLocalCluster(ClusterSpec(system.nodes + [sentinel, system.app])) { cluster in
            try await cluster.wait(untilLeads: system.nodes[0].endpoint, servers: 3)
            #expect(try await cluster.putValue("k", "v").status == 201)
            let log = try await cluster.log(of: "app")
            #expect(!log.contains("lists"), "\(log)")
        }
    }

    private static let withUsers: [String] = {
        let servers = RedisServer.paths.compactMap { try? RedisServer($0) }
        return [servers.first { $0.has(6, 2) && !$0.has(7, 0) }, servers.last { $0.has(7, 0) }].compactMap { $0?.path }
    }()

    @Test(
        "a user with the rights that the document names is let do all; each one that is missing is named once",
        arguments: withUsers)
    func rights(server: String) async throws {
        let system = try SentinelCluster(
            server: FilePath(server), lines: [try SentinelCluster.documentedUser(password: "s3cret")],
            environment: ["REDIS_SENTINEL_USERNAME": "follower", "REDIS_SENTINEL_PASSWORD": "s3cret"])
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.settle(system)
            // Over two connections it asks; the third one has subscribed to eleven channels.
            for sentinel in system.sentinels {
                try await cluster.wait(until: "the user is there", of: sentinel.name) {
                    let clients = try await cluster.redis(sentinel.name, "CLIENT", "LIST").text ?? ""
                    let own = clients.split(separator: "\n").filter { $0.contains("user=follower") }
                    return Observation(own.count == 3 && own.count { $0.contains(" sub=11 ") } == 1, else: clients)
                }
                #expect(try await cluster.redis(sentinel.name, "ACL", "LOG") == .array([]))
            }
            guard try RedisServer(server).has(7, 0) else { return }
            _ = try await cluster.redis("sentinel-0", "ACL", "SETUSER", "follower", "-subscribe")
            _ = try await cluster.redis("sentinel-0", "CLIENT", "KILL", "TYPE", "pubsub")
            try await cluster.wait(untilLogOf: "app", says: "grant +subscribe, +ping, &+* and &-* to it")
            _ = try await cluster.redis("sentinel-0", "ACL", "SETUSER", "follower", "-sentinel|replicas")
            try await cluster.wait(
                untilLogOf: "app", says: "SENTINEL REPLICAS (NOPERM): grant +sentinel|replicas to it")
            for command in ["master", "get-master-addr-by-name"] {
                _ = try await cluster.redis("sentinel-0", "ACL", "SETUSER", "follower", "-sentinel|\(command)")
                try await cluster.wait(untilReadinessSays: "grant +sentinel|\(command) to it")
                _ = try await cluster.redis("sentinel-0", "ACL", "SETUSER", "follower", "+sentinel|\(command)")
            }
            // The others decide all the while.
            #expect(try await cluster.putValue("k", "v").status == 201)
            let log = try await cluster.log(of: "app")
            #expect(log.ranges(of: "grant +sentinel|replicas").count == 1, "\(log)")
            #expect(log.ranges(of: "grant +subscribe").count == 1, "\(log)")
        }
    }

    @Test("a password of any bytes comes from a variable as from a file")
    func passwordBytes() async throws {
        let folder = try Scratch()
        let file = try folder.write("password", [0x61, 0xFF, 0xC3, 0x28, 0x62])
        let program = try Programs.built("KVApp")
        try folder.program(
            "app",
            """
            #!/bin/sh
            export REDIS_SENTINEL_PASSWORD="$(cat '\(file)')"
            exec '\(program)' "$@"
            """)
        let system = try SentinelCluster(lines: [#"requirepass "a\xff\xc3(b""#])
        for isFile in [false, true] {
            var app = system.app
            if isFile {
                app.environment["REDIS_SENTINEL_PASSWORD_FILE"] = file
            } else {
                app.executable = FilePath(folder["bin/app"])
            }
            try await withLocalCluster(ClusterSpec(system.nodes + system.sentinels + [app])) { cluster in
                try await cluster.wait(untilLeads: system.nodes[0].endpoint, servers: 3)
                #expect(try await cluster.putValue("k", "v").status == 201)
            }
        }
    }

    @Test("Sentinels with a password: a wrong one is said, the right one is taken from a file")
    func password() async throws {
        for secret in ["right", "wrong"] {
            let folder = try Scratch()
            let file = try folder.write("password", Array("\(secret)-s3cret\n".utf8))
            let system = try SentinelCluster(
                lines: ["requirepass right-s3cret"],
                environment: ["REDIS_SENTINEL_PASSWORD_FILE": file, "WRITE_HOLD_MILLISECONDS": "300"])
            try await withLocalCluster(system.spec) { cluster in
                if secret == "right" {
                    try await cluster.wait(untilLeads: system.nodes[0].endpoint, servers: 3)
                    #expect(try await cluster.putValue("k", "v").status == 201)
                } else {
                    try await cluster.wait(
                        untilReadinessSays: "check REDIS_SENTINEL_USERNAME and REDIS_SENTINEL_PASSWORD")
                    let log = try await cluster.log(of: "app")
                    #expect(!log.contains("wrong-s3cret"))
                }
            }
        }
    }
}
