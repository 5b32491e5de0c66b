import LocalTopology
import Testing

@Suite("Redis over TLS")
struct TLSTests {
    private static let write = LoopbackHTTP.Request.set(#"{"key":"k","value":"v"}"#)
    private static let read = LoopbackHTTP.Request.get("/get?key=k")

    /// A master and a replica that speak TLS on ports of their own, and an app that uses those.
    private func withApp(
        _ certificates: Certificates, as name: String, asksClients: Bool = false, plainPorts: Bool = false,
        environment: [String: String], _ body: (LocalCluster, NodeSpec) async throws -> Void
    ) async throws {
        let ports = try Loopback.freePorts(2)
        let plain = try DirectCluster(
            masterLines: certificates.lines(port: ports[0], as: name, asksClients: asksClients),
            replicaLines: [certificates.lines(port: ports[1], as: name, asksClients: asksClients)])
        var variables = ["REDIS_TLS_ENABLED": "yes", "REDIS_TLS_CA_FILE": certificates.certificate("ca")]
        variables.merge(environment) { $1 }
        var app = DirectCluster.app(
            at: plain.app.endpoint, master: Endpoint(port: plainPorts ? plain.master.endpoint.port : ports[0]),
            replicas: [
                Endpoint(host: "127.0.0.2", port: plainPorts ? plain.replicas[0].endpoint.port : ports[1])
            ], program: plain.app.executable, environment: variables)
        app.readiness = .running
        try await withLocalCluster(ClusterSpec([plain.master, plain.replicas[0], app])) { cluster in
            try await cluster.wait(untilServed: .get("/livez"))
            try await body(cluster, plain.replicas[0])
        }
    }

    @Test(
        "commands and large values go through, with a client certificate where one is asked for, and servers come back")
    func served() async throws {
        let certificates = try Certificates()
        try certificates.sign("server", for: "IP:127.0.0.1,IP:127.0.0.2")
        try certificates.sign("client", for: "DNS:client")
        try await withApp(
            certificates, as: "server", asksClients: true,
            environment: [
                "REDIS_TLS_CERT_FILE": certificates.certificate("client"),
                "REDIS_TLS_KEY_FILE": certificates.key("client"),
            ]
        ) { cluster, replica in
            try await cluster.wait(untilServersUp: 2)
            try await cluster.store("k", "v", on: [replica])
            #expect(try await cluster.http("app", Self.read)[0].text.contains("get k: v"))
            let large = String(repeating: "x", count: 1 << 20)
            try await cluster.store("large", large, on: [replica])
            let answer = try await cluster.http("app", .get("/get?key=large"))[0]
            #expect(answer.text.contains("get large: \(large)\""))

            let load = try await Load.run(
                Self.read, on: try #require(cluster.spec.nodes.last).endpoint, expecting: "get k: v"
            ) { load in
                try await cluster.wait(forAnswers: 100, to: load)
                try await cluster.kill("replica-1")
                try await cluster.wait(forAnswers: 100, to: load)
                try await cluster.start("replica-1")
                try await cluster.pause("replica-1")
                try await cluster.wait(forAnswers: 100, to: load)
                try await cluster.resume("replica-1")
            }
            #expect(load.count(status: 200) == load.total, "\(load.answers)")
            #expect(load.unexpected == [])
            try await cluster.kill("master")
            try await cluster.wait(untilReadinessSays: "Connection refused")
            try await cluster.start("master")
            try await cluster.wait(untilServed: Self.write)
        }
    }

    @Test("certificates are checked for the configured name, or for the authority alone")
    func names() async throws {
        let certificates = try Certificates()
        try certificates.sign("server", for: "DNS:redis.test")
        let choices = [["REDIS_TLS_SERVER_NAME": "redis.test"], ["REDIS_TLS_VERIFY": "ca"]]
        for choice in choices {
            try await withApp(certificates, as: "server", environment: choice) { cluster, replica in
                try await cluster.wait(untilServed: .get("/readyz"))
                try await cluster.store("k", "v", on: [replica])
            }
        }
    }

    @Test("servers found behind a name are checked for that name, not for their addresses")
    func headlessName() async throws {
        let certificates = try Certificates()
        try certificates.sign("server", for: "DNS:localhost")
        let ports = try Loopback.freePorts(3)
        let master = NodeSpec.redis(
            "master", server: try Harness.redisServer, at: Endpoint(port: ports[0]),
            lines: certificates.lines(port: ports[1], as: "server"))
        var app = DirectCluster.app(
            at: Endpoint(port: ports[2]), master: Endpoint(port: ports[1]), replicas: [],
            program: try Programs.built("KVApp"))
        app.environment["REDIS_SLAVE_ENDPOINTS"] = nil
        app.environment.merge([
            "REDIS_MASTER_SERVICE_HOST": "localhost", "REDIS_SLAVE_NODES_HOST": "localhost",
            "REDIS_SLAVE_SERVICE_PORT": "\(ports[1])", "REDIS_TLS_ENABLED": "yes",
            "REDIS_TLS_CA_FILE": certificates.certificate("ca"),
        ]) { $1 }
        try await withLocalCluster(ClusterSpec([master, app])) { cluster in
            try await cluster.wait(untilReadinessSays: #"{"endpoint":"127.0.0.1:\#(ports[1])","state":"up"}"#)
            try await cluster.store("k", "v", on: [])
        }
    }

    @Test(
        "the problem is reported in /readyz with its cure, and requests are answered 503",
        arguments: [
            ("another authority", ["REDIS_TLS_CA_FILE": "{stranger}"], "no authority in REDIS_TLS_CA_FILE"),
            ("another name", ["REDIS_TLS_SERVER_NAME": "other.test"], "set REDIS_TLS_SERVER_NAME to a name it holds"),
            ("no client certificate", ["asks": "yes"], "set REDIS_TLS_CERT_FILE and REDIS_TLS_KEY_FILE"),
            ("a port without TLS", ["plain": "yes"], "does this port speak TLS?"),
            ("a port of TLS alone", ["REDIS_TLS_ENABLED": "no"], "set REDIS_TLS_ENABLED=yes"),
        ])
    func mistakes(what: String, environment: [String: String], cure: String) async throws {
        let certificates = try Certificates()
        // Without addresses, since a certificate for the address that is connected to is taken under any name.
        try certificates.sign("server", for: "DNS:redis.test")
        var variables = ["REDIS_TLS_SERVER_NAME": "redis.test"].merging(environment) { $1 }
        variables = variables.mapValues { $0 == "{stranger}" ? certificates.certificate("stranger") : $0 }
        let asks = variables.removeValue(forKey: "asks") != nil
        let plain = variables.removeValue(forKey: "plain") != nil
        try await withApp(
            certificates, as: "server", asksClients: asks, plainPorts: plain, environment: variables
        ) { cluster, _ in
            try await cluster.wait(untilReadinessSays: cure)
            let answers = try await cluster.http("app", .get("/readyz"), Self.read, Self.write)
            #expect(answers.map(\.status) == [503, 503, 503])
            #expect(answers[1].code == "redis-unavailable")
            #expect(try await cluster.log(of: "app").contains(cure))
        }
    }

    @Test("files that cannot be used end the app with one line that names the cure, and never a key")
    func files() async throws {
        let certificates = try Certificates()
        try certificates.sign("server", for: "DNS:a")
        try certificates.sign("other", for: "DNS:b")
        let folder = certificates.folder
        let garbage = try folder.write("garbage.pem", "-----BEGIN NOTHING-----\n".utf8)
        let ca = certificates.certificate("ca")
        let cases: [(variables: [String: String], cure: String)] = [
            (["REDIS_TLS_ENABLED": "yes"], "REDIS_TLS_CA_FILE is not; name the file of the authority"),
            (["REDIS_TLS_ENABLED": "maybe"], "it takes yes or no"),
            (["REDIS_TLS_CA_FILE": ca], "set REDIS_TLS_ENABLED to yes or no"),
            (["REDIS_TLS_ENABLED": "yes", "REDIS_TLS_CA_FILE": folder["nowhere"]], "No such file or directory"),
            (["REDIS_TLS_ENABLED": "yes", "REDIS_TLS_CA_FILE": garbage], "it has to hold certificates in PEM"),
            (
                [
                    "REDIS_TLS_ENABLED": "yes", "REDIS_TLS_CA_FILE": ca,
                    "REDIS_TLS_CERT_FILE": certificates.certificate("server"),
                ], "REDIS_TLS_KEY_FILE is not; set both of them, or none"
            ),
            (
                [
                    "REDIS_TLS_ENABLED": "yes", "REDIS_TLS_CA_FILE": ca,
                    "REDIS_TLS_CERT_FILE": certificates.certificate("server"), "REDIS_TLS_KEY_FILE": garbage,
                ], "it has to hold a private key in PEM, without a passphrase"
            ),
            (
                [
                    "REDIS_TLS_ENABLED": "yes", "REDIS_TLS_CA_FILE": ca,
                    "REDIS_TLS_CERT_FILE": certificates.certificate("server"),
                    "REDIS_TLS_KEY_FILE": certificates.key("other"),
                ], "it is not the key of the certificate in REDIS_TLS_CERT_FILE"
            ),
            (
                ["REDIS_TLS_ENABLED": "yes", "REDIS_TLS_CA_FILE": ca, "REDIS_TLS_SERVER_NAME": "10.0.0.1"],
                "give it a host name"
            ),
            (["REDIS_TLS_ENABLED": "yes", "REDIS_TLS_CA_FILE": ca, "REDIS_TLS_VERIFY": "none"], "full or ca"),
        ]
        let program = try Programs.built("KVApp")
        for (variables, cure) in cases {
            let endpoint = Endpoint(port: try Loopback.freePorts(1)[0])
            var app = DirectCluster.app(
                at: endpoint, master: endpoint, replicas: [], program: program, environment: variables)
            app.readiness = .running
            try await withLocalCluster(ClusterSpec([app])) { cluster in
                let ending = try await cluster.waitUntilEnded("app")
                let log = try await cluster.log(of: "app")
                #expect(ending == .exited(code: 78), "\(log)")
                #expect(log.contains(cure), "\(log)")
                #expect(log.split(separator: "\n").count == 1, "\(log)")
                #expect(!log.contains("PRIVATE"))
            }
        }
    }
}
