import LocalTopology
import SystemPackage
import Testing

/// The nodes are found by names that have several addresses, that come and go, or that are not answered.
@Suite("The names of all nodes")
struct LeaderNamesTests {
    private static func app(
        on host: TestNetwork.Host, nodes: String, environment: [String: String] = [:]
    ) throws -> NodeSpec {
        var app = NodeSpec(
            name: "app", executable: try Programs.built("KVApp"),
            arguments: ["serve", "--host", host.address, "--port", "8080", "--event-loops", "2"],
            environment: [
                "DRAIN_DELAY_SECONDS": "0", "REDIS_NODES": nodes, "WRITE_HOLD_MILLISECONDS": "30000",
                "ALLOWED_HOSTS": "*",
            ], endpoint: host.endpoint(8080), readiness: .running, isRedis: false
        ).running(on: host)
        app.environment.merge(environment) { $1 }
        return app
    }

    @Test("one name with the address of each: all are nodes, and those that come and go are noticed over a change")
    func severalAddresses() async throws {
        let server = try Harness.redisServer
        try await withTestNetwork { network in
            var hosts: [TestNetwork.Host] = []
            for number in 0..<4 { hosts.append(try await network.addHost("node-\(number)")) }
            let host = try await network.addHost("client")
            try network.setNames(["redis-nodes": hosts.prefix(3).map(\.address)], on: host)
            var nodes = [NodeSpec.redis(server: server, on: hosts[0])]
            for other in hosts.dropFirst() {
                nodes.append(.replica(server: server, on: other, of: hosts[0].address))
            }
            let spec = ClusterSpec(nodes + [try Self.app(on: host, nodes: "redis-nodes")])
            try await withLocalCluster(spec) { cluster in
                try await cluster.wait(untilLeads: nodes[0].endpoint, servers: 3)
                #expect(try await cluster.putValue("k", "1").header("Served-By") == "\(nodes[0].endpoint)")
                // The leader is deleted, as a pod is: its address goes, and a new one comes.
                try network.setNames(["redis-nodes": [1, 2, 3].map { hosts[$0].address }], on: host)
                try await cluster.kill("node-0")
                async let write = cluster.putValue("k", "2")
                try await cluster.promote(nodes[1], followers: [nodes[2], nodes[3]])
                #expect(try await write.header("Served-By") == "\(nodes[1].endpoint)")
                try await cluster.wait(untilLeads: nodes[1].endpoint, servers: 3)
                let topology = try await cluster.http("app", .get("/v1/topology"))[0].text
                #expect(topology.contains("\(nodes[3].endpoint)") && !topology.contains("\(nodes[0].endpoint)"))
                #expect(!topology.contains(#""configured_as":"replica""#), "none is configured as one")
                // The next leader is one that was not there in the beginning.
                try await cluster.promote(nodes[3], followers: [nodes[1], nodes[2]])
                try await cluster.wait(untilLeads: nodes[3].endpoint, servers: 3)
                #expect(try await cluster.putValue("k", "3").header("Served-By") == "\(nodes[3].endpoint)")
            }
        }
    }

    @Test("a name whose look-up hangs keeps neither the leader at another name waiting nor the end of the app")
    func hangingName() async throws {
        let server = try Harness.redisServer
        try await withTestNetwork { network in
            let hosts = [try await network.addHost("node-0"), try await network.addHost("node-1")]
            let host = try await network.addHost("client")
            try network.setNames(["second": [hosts[1].address], "third": [hosts[0].address]], on: host)
            try network.setUnknownNames(.silent(seconds: 30), on: host)
            let nodes = [
                NodeSpec.redis(server: server, on: hosts[0]),
                NodeSpec.replica(server: server, on: hosts[1], of: hosts[0].address),
            ]
            let app = try Self.app(on: host, nodes: "first:6379,second:6379,third:6379")
            try await withLocalCluster(ClusterSpec(nodes + [app])) { cluster in
                try await cluster.wait(untilLeads: nodes[0].endpoint, servers: 2)
                let lookUps = try await NetworkTools.output(
                    of: "ss", package: "iproute2", ["-Hun", "dst", host.segment.silentAddress], in: host.namespace)
                #expect(!lookUps.text.isEmpty, "the first name is still looked up")
                #expect(try await cluster.putValue("k", "v").status == 201)
                #expect(try await cluster.terminate("app") == .exited(code: 0))
                let log = try await cluster.log(of: "app")
                #expect(!log.contains("cannot resolve 'first'"), "the look-up was not waited for: \(log)")
            }
        }
    }

    @Test("over TLS: certificates are checked for the name, also of the next leader; another's gets nothing")
    func certificates() async throws {
        let server = try Harness.redisServer
        let certificates = try Certificates()
        try certificates.sign("node", for: "DNS:redis-nodes")
        try certificates.sign("stranger", for: "DNS:elsewhere")
        try await withTestNetwork { network in
            var hosts: [TestNetwork.Host] = []
            for number in 0..<3 { hosts.append(try await network.addHost("node-\(number)")) }
            let host = try await network.addHost("client")
            try network.setNames(["redis-nodes": hosts.map(\.address)], on: host)
            let nodes = hosts.enumerated().map { number, host in
                let lines = certificates.lines(port: 6380, as: number == 2 ? "stranger" : "node")
                return number == 0
                    ? NodeSpec.redis(server: server, on: host, lines: lines)
                    : .replica(server: server, on: host, of: hosts[0].address, lines: lines)
            }
            let app = try Self.app(
                on: host, nodes: "redis-nodes:6380",
                environment: ["REDIS_TLS_ENABLED": "yes", "REDIS_TLS_CA_FILE": certificates.certificate("ca")])
            let places = hosts.map { $0.endpoint(6380) }
            try await withLocalCluster(ClusterSpec(nodes + [app])) { cluster in
                try await cluster.wait(untilLeads: places[0])
                try await cluster.wait(untilReadinessSays: "set REDIS_TLS_SERVER_NAME to a name it holds")
                try await cluster.wait(untilServersUp: 2)
                let large = String(repeating: "x", count: 3 << 20)
                for leader in 0...1 {
                    if leader == 1 { try await cluster.promote(nodes[1], followers: [nodes[0], nodes[2]]) }
                    try await cluster.wait(untilLeads: places[leader], servers: 2)
                    let plain = try await cluster.putValue("k", "\(leader)")
                    #expect(plain.status < 300 && plain.header("Served-By") == "\(places[leader])", "\(plain.text)")
                    // Over a separate connection.
                    let waiting = try await cluster.putValue("k", "\(leader)", query: "?replicas=1&within=10s")
                    #expect(waiting.status < 300, "\(waiting.text)")
                    let written = try await cluster.putValue("large", large)
                    #expect(written.status < 300, "\(written.text)")
                    let token = written.header("Replication-Token")
                    let read = try await cluster.getValue("large", after: token)
                    #expect(read.text.utf8.count == large.utf8.count)
                    #expect(read.header("Served-By") != "\(places[2])")
                }
                // It is promoted, and nothing is sent there.
                try await cluster.promote(nodes[2], followers: [nodes[0], nodes[1]])
                try await cluster.wait(untilReadinessSays: "there is no leader")
            }
        }
    }
}
