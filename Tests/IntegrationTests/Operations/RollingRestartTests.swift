import Hiredis
import LocalTopology
import Testing

/// Three apps behind HAProxy, which asks each of them five times a second whether it is ready, and tries nothing twice.
@Suite("A rolling restart")
struct RollingRestartTests {
    private let system: DirectCluster
    private let apps: [NodeSpec]
    private let proxy: NodeSpec
    private let statistics: Endpoint

    init() throws {
        system = try DirectCluster()
        let program = try Programs.built("KVApp")
        let ports = try Loopback.freePorts(5)
        apps = [1, 2, 3].map { [system] number in
            var app = NodeSpec.app(
                "app-\(number)", program: program, at: Endpoint(port: ports[number - 1]), podIP: "127.0.0.11",
                master: system.master.endpoint, replicas: system.replicas.map(\.endpoint))
            // Five checks, of which one is enough to be found unready.
            app.environment["DRAIN_DELAY_SECONDS"] = "1"
            app.environment["ALLOWED_HOSTS"] = "a"
            return app
        }
        statistics = Endpoint(port: ports[4])
        // The node's configuration is always called redis.conf.
        proxy = NodeSpec(
            name: "haproxy", executable: try Programs.installed("haproxy", package: "haproxy"),
            arguments: ["-db", "-f", "{directory}/redis.conf"],
            configuration: .lines(
                [
                    "defaults", "mode http", "timeout connect 2s", "timeout client 30s", "timeout server 10s",
                    // A machine that is busy answers late, and is ready all the same.
                    "timeout check 5s",
                    "retries 0", "no option redispatch", "default-server check inter 200ms fall 1 rise 1",
                    "frontend clients", "bind 127.0.0.1:\(ports[3])", "default_backend apps", "backend apps",
                    "balance roundrobin", "option httpchk GET /readyz", "http-check expect status 200",
                ] + apps.map { "server \($0.name) \($0.endpoint)" } + [
                    "frontend statistics", "bind \(statistics)", "stats enable", "stats uri /",
                ]),
            endpoint: Endpoint(port: ports[3]), readiness: .running, isRedis: false)
    }

    @Test func `under load fails not one request`() async throws {
        let spec = ClusterSpec([system.master] + system.replicas + apps + [proxy])
        try await withLocalCluster(spec) { cluster in
            let ledger = try await fill(cluster)
            try await waitUntilAllAreUp(cluster)
            let outcomes = try await FailureLoad.run(against: proxy.endpoint, ledger: ledger) { load in
                try await waitForCalm(cluster, load, 300)
                for app in apps {
                    let ending = try await cluster.terminate(app.name)
                    #expect(ending == .exited(code: 0), "\(app.name)")
                    try await cluster.start(app.name)
                    try await waitUntilAllAreUp(cluster)
                }
                let answered = load.answers(sentAfter: .now - .seconds(60))
                try await cluster.wait(until: "all of them have served again", of: "haproxy") {
                    let count = load.answers(sentAfter: .now - .seconds(60))
                    return Observation(count >= answered + 300, else: "\(count) answers")
                }
                return load.takeOutcomes()
            }
            let failed = outcomes.filter { outcome in
                switch outcome.result {
                case .verdict(.value), .verdict(.stored): false
                case .verdict(.unavailable), .verdict(.unknown), .verdict(.wrong), .connectionLost, .silence: true
                }
            }
            #expect(outcomes.count > 1000)
            #expect(outcomes.contains { $0.request.isWrite })
            let examples = failed.prefix(3).map { "\($0.request): \($0.result)" }
            #expect(failed.count == 0, "of \(outcomes.count), such as \(examples)")
        }
    }

    /// Gives every key of the load its first value.
    private func fill(_ cluster: LocalCluster) async throws -> WriteLedger {
        try await cluster.wait(untilReplicasOf: "master", are: 2)
        var ledger = WriteLedger()
        var commands: [[String]] = []
        for key in 0..<NamedValue.keyCount {
            let counter = ledger.nextCounter(of: key)
            let value = NamedValue.bytes(key: key, counter: counter)
            commands.append(["SET", NamedValue.keys[key], String(decoding: value, as: UTF8.self)])
            ledger.acknowledge(counter, of: key)
        }
        let replies = try await cluster.redis("master", commands + [["WAIT", "2", "5000"]])
        try #require(replies.last == .integer(2), "\(replies)")
        return ledger
    }

    private func waitUntilAllAreUp(_ cluster: LocalCluster) async throws {
        let statistics = statistics
        try await cluster.wait(until: "HAProxy finds all apps ready", of: "haproxy") {
            let table = try await LoopbackHTTP.transcript(
                of: Array("GET /;csv HTTP/1.0\r\n\r\n".utf8), with: statistics)
            // pxname, svname, …; the 18th field is the status.
            let states = table.split(separator: "\n").filter { $0.hasPrefix("apps,app-") }.map { line in
                line.split(separator: ",", omittingEmptySubsequences: false).dropFirst(17).first ?? ""
            }
            return Observation(states == ["UP", "UP", "UP"], else: "\(states)")
        }
    }

    private func waitForCalm(_ cluster: LocalCluster, _ load: FailureLoad, _ count: Int) async throws {
        try await cluster.wait(until: "the load is served", of: "haproxy") {
            Observation(load.calm >= count, else: "\(load.calm) good answers in a row")
        }
    }
}
