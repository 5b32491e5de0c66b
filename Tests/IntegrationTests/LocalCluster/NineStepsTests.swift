import Hiredis
import LocalTopology
import SystemPackage
import Testing

@Suite("The nine steps, on a stock redis.conf")
struct NineStepsTests {
    static let stock = FilePath("/etc/redis/redis.conf")

    @Test("a value set through any app is read from both replicas, which the master lists under two addresses")
    func nineSteps() async throws {
        try #require(Harness.exists(Self.stock.string), "Debian's redis-server brings /etc/redis/redis.conf")
        let system = try KeyValueCluster(apps: 3, hasSidecars: true, configuration: .copy(of: Self.stock))
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilReplicasOf: "master", are: 2)

            // The master lists each replica under its own address.
            let info = try await cluster.info("master")
            for (index, replica) in system.replicas.enumerated() {
                let address = "ip=\(replica.endpoint.host),port=\(replica.endpoint.port),"
                #expect((0..<2).contains { info["slave\($0)"]?.hasPrefix(address) == true }, "replica \(index + 1)")
            }

            // SET: the original's answer, byte for byte around what Redis says of itself.
            let set = try await cluster.http("app-1", .set(#"{"key":"key_1","value":"value_1"}"#))[0]
            #expect(set.status == 200)
            #expect(set.header("Content-Type") == "application/json")
            #expect(
                set.text.hasPrefix(
                    ##"{"key":"key_1","value":"value_1","redis_replication":"# Replication\r\nrole:master\r\n"##
                        + #"connected_slaves:2\r\nslave0:ip=127.0.0."#))
            #expect(try #require(set.podIP).hasPrefix("127.0.0.1"))
            #expect(set.text.hasSuffix(#"\r\n","action":"SET","pod_ip":"\#(set.podIP ?? "")"}"#))

            // Seen on both replicas.
            for replica in system.replicas {
                try await cluster.wait(until: "\(replica.name) has the value") {
                    let reply = try await cluster.redis(replica.name, "GET", "key_1")
                    return Observation(reply.text == "value_1", else: "\(reply)")
                }
            }

            // GET: from every app, and from both replicas.
            var apps: Set<String> = []
            var replicaPorts: Set<String> = []
            for _ in 0..<60 {
                let get = try await cluster.http("app-1", .get("/get?key=key_1"))[0]
                #expect(get.status == 200)
                #expect(
                    get.text.hasPrefix(
                        ##"{"key":"key_1","value":"get key_1: value_1","redis_replication":"# Replication\r\nrole:slave\r\n"##
                    ))
                #expect(get.text.hasSuffix(#"","action":"GET","pod_ip":"\#(get.podIP ?? "")"}"#))
                apps.insert(try #require(get.podIP))
            }
            #expect(apps == ["127.0.0.11", "127.0.0.12", "127.0.0.13"])
            for replica in system.replicas {
                let stats = try await cluster.info(replica.name, section: "commandstats")
                let calls = stats["cmdstat_get"].flatMap { Int($0.dropFirst("calls=".count).prefix { $0 != "," }) }
                // Each event loop takes its turns alone; both have served a good part all the same.
                #expect(try #require(calls) >= 15)
                replicaPorts.insert(replica.name)
            }
            #expect(try await cluster.info("master", section: "commandstats")["cmdstat_get"] == nil)

            // The sidecars: each in step, and sure of it.
            for sidecar in system.sidecars {
                let answers = try await cluster.http(sidecar.name, .get("/livez"), .get("/readyz"), .get("/status"))
                #expect(answers.map(\.status) == [200, 200, 200])
                #expect(answers[1].text == "ready: replica, its link to the master is up\n")
                #expect(answers[2].text.contains(#""state": "in-step""#), "\(answers[2].text)")
            }

            // The hostname server, and the probes.
            let answers = try await cluster.http("app-1", .get("/"), .get("/livez"), .get("/readyz"))
            #expect(["app-1", "app-2", "app-3"].map { "You've hit <\($0)>" }.contains(answers[0].text))
            #expect(answers[1].status == 200)
            #expect(answers[2].status == 200)
            #expect(answers[2].text.hasPrefix(#"{"ready":true,"master":{"endpoint":"127.0.0.1:"#))
        }
    }

    @Test("a killed master costs no reads, and comes back with every acknowledged write")
    func masterDies() async throws {
        let system = try KeyValueCluster(apps: 1)
        try await withLocalCluster(system.spec) { cluster in
            // Without an fsync every acknowledged write is in the page cache when the master is killed; with one under way
            // everysec puts write(2) off (docs/kubernetes.md).
            #expect(try await cluster.redis("master", "CONFIG", "SET", "appendfsync", "no").text == "OK")
            try await cluster.wait(untilReplicasOf: "master", are: 2)
            for index in 0..<100 {
                let set = try await cluster.http("app-1", .set(#"{"key":"k\#(index)","value":"v\#(index)"}"#))[0]
                #expect(set.status == 200)
            }
            for replica in system.replicas {
                try await cluster.wait(until: "\(replica.name) has all") {
                    let reply = try await cluster.redis(replica.name, "DBSIZE")
                    return Observation(reply == .integer(100), else: "\(reply)")
                }
            }
            try await cluster.kill("master")

            try await cluster.wait(until: "reads are marked stale") {
                let get = try await cluster.http("app-1", .get("/get?key=k1"))[0]
                return Observation(get.status == 200 && get.header("Served-Stale") == "true", else: "\(get)")
            }
            let refused = try await cluster.http("app-1", .set(#"{"key":"k","value":"v"}"#))[0]
            #expect(refused.status == 503)
            #expect(refused.code == "redis-unavailable")
            #expect(refused.header("Retry-After") == "1")
            let ready = try await cluster.http("app-1", .get("/readyz"), .get("/livez"))
            #expect(ready.map(\.status) == [200, 200])
            #expect(ready[0].text.contains("lost the connection") || ready[0].text.contains("Connection refused"))

            try await cluster.start("master")
            try await cluster.wait(untilServed: .set(#"{"key":"k","value":"v"}"#), by: "app-1")
            try await cluster.wait(untilReplicasOf: "master", are: 2)
            #expect(try await cluster.redis("master", "DBSIZE") == .integer(101))
            try await cluster.wait(until: "reads are fresh again") {
                let get = try await cluster.http("app-1", .get("/get?key=k99"))[0]
                return Observation(get.status == 200 && get.header("Served-Stale") == nil, else: "\(get)")
            }
        }
    }

    @Test("with no Redis at all the app lives, is unready, and says so")
    func nothingThere() async throws {
        let system = try KeyValueCluster(apps: 1)
        var app = system.apps[0]
        app.readiness = .running
        try await withLocalCluster(ClusterSpec([app])) { cluster in
            try await cluster.wait(untilServed: .get("/livez"), by: "app-1")
            let answers = try await cluster.http(
                "app-1", .get("/readyz"), .get("/get?key=k"), .set(#"{"key":"k","value":"v"}"#), .get("/"))
            #expect(answers.map(\.status) == [503, 503, 503, 200])
            #expect(answers[0].text.hasPrefix(#"{"ready":false,"#))
            #expect(answers[1].code == "redis-unavailable")
            #expect(answers[2].code == "redis-unavailable")
            #expect(answers[1].header("Retry-After") == "1")
        }
    }

    @Test("SIGTERM lets a request that is under way be answered, then ends the app with success")
    func drains() async throws {
        let system = try KeyValueCluster(replicas: 1, apps: 1)
        try await withLocalCluster(system.spec) { cluster in
            let app = system.apps[0].endpoint
            // The master delays the write while the app is asked to end.
            _ = try await cluster.redis("master", "CLIENT", "PAUSE", "10000", "WRITE")
            async let answer = LoopbackHTTP.transcript(
                of: Array(
                    ("POST /set HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 25\r\n\r\n"
                        + #"{"key":"late","value":""}"#).utf8), with: app)
            try await cluster.wait(until: "the request is under way") {
                let blocked = try await cluster.info("master", section: "clients")["blocked_clients"]
                return Observation(blocked == "1", else: "\(blocked ?? "no") blocked clients")
            }
            async let ending = cluster.terminate("app-1")
            try await cluster.wait(until: "the app drains") {
                Observation(try await cluster.log(of: "app-1").contains("shutting down"), else: "not yet")
            }
            _ = try await cluster.redis("master", "CLIENT", "UNPAUSE")
            let transcript = try await answer
            #expect(transcript.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(transcript.contains("\r\nConnection: close\r\n"))
            #expect(transcript.contains(#""action":"SET""#))
            let ended = try await ending
            #expect(ended == .exited(code: 0))
        }
    }
}

extension LoopbackHTTP.Response {
    fileprivate var podIP: String? {
        text.string(after: #""pod_ip":""#)
    }
}
