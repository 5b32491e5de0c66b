import Glibc
import LocalTopology
import SystemPackage
import Testing

/// The agents of fail-over where servers ask for passwords, have users, speak TLS alone, or have IPv6 addresses.
@Suite("redis-replica-sidecar supervise with passwords, users, TLS and IPv6", .serialized)
struct SecuredNodesTests {
    /// With what a shell, redis.conf or an ACL could take for something else.
    static let password = #"s3cret "a" 'b' #c > (d) %e"#

    struct Scene: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var hosts = ["127.0.0.2", "127.0.0.3", "127.0.0.4"]
        var lines: [String] = []
        var environment: [String: String] = [:]
        var users: String?
        var user: String?
        var password: String?
        var speaksTLS = false

        static let all = [
            Scene(
                testDescription: "requirepass", environment: ["REDIS_PASSWORD": SecuredNodesTests.password],
                password: SecuredNodesTests.password),
            // The rights that docs/failover.md lists; the user default is off.
            Scene(
                testDescription: "users of an aclfile",
                environment: [
                    "REDIS_PROBE_USER": "agent", "REDIS_PROBE_PASSWORD": "s3cret-agent", "REDIS_MASTER_USER": "peer",
                    "REDIS_MASTER_PASSWORD": "s3cret-peer",
                ],
                users: """
                    user default off
                    user agent on >s3cret-agent \(agentRights)
                    user peer on >s3cret-peer \(peerRights)
                    user person on >s3cret-person ~* &* +@all

                    """, user: "person", password: "s3cret-person"),
            Scene(
                testDescription: "TLS alone, with client certificates and a password",
                environment: [
                    "REDIS_PASSWORD": SecuredNodesTests.password, "REDIS_TLS_ENABLED": "yes",
                ], password: SecuredNodesTests.password, speaksTLS: true),
            Scene(testDescription: "TLS alone, without passwords", speaksTLS: true),
            Scene(testDescription: "IPv6", hosts: ["::1", "::1", "::1"]),
            Scene(
                testDescription: "IPv6, TLS alone and a password", hosts: ["::1", "::1", "::1"],
                environment: ["REDIS_PASSWORD": SecuredNodesTests.password], password: SecuredNodesTests.password,
                speaksTLS: true),
        ]

        /// Those of one node.
        func variables(_ name: String, _ endpoint: Endpoint) -> [String: String] {
            // The test asks for metrics over IPv4.
            var variables = ["SIDECAR_HOST": endpoint.host.contains(":") ? "127.0.0.1" : endpoint.host]
            if speaksTLS {
                variables["REDIS_PORT_NUMBER"] = ""
                variables["REDIS_TLS_PORT_NUMBER"] = "\(endpoint.port)"
            }
            return variables
        }

        static let agentRights = SecuredNodesTests.rights(of: "agent's user on the server beside it")
        static let peerRights = SecuredNodesTests.rights(of: "user on the other nodes")
    }

    /// The rights of a user, as docs/failover.md has them.
    static func rights(of user: String) -> String {
        let page = String(decoding: (try? Scratch.read("\(Scratch.root)/docs/failover.md")) ?? [], as: UTF8.self)
        let start = page.firstRange(of: "The \(user) needs `")?.upperBound ?? page.endIndex
        let text = page[start...].prefix { $0 != "." }
        return text.split { " \n`".contains($0) }.filter { $0.hasPrefix("+") || $0.hasPrefix("&") }
            .joined(separator: " ")
    }

    @Test("a killed server is replaced, and a planned change moves the leader", arguments: Scene.all)
    func failsOver(_ scene: Scene) async throws {
        // What differs by version is what an ACL knows.
        for path in try scene.users == nil ? [Harness.redisServer.string] : RedisServer.representatives {
            try await failsOver(scene, server: path)
        }
    }

    private func failsOver(_ scene: Scene, server: String) async throws {
        var environment = scene.environment
        var lines = scene.lines
        let folder = try Scratch()
        if var users = scene.users {
            // 6.0 knows no rights on channels.
            if try !(RedisServer(server).minor >= 2 || RedisServer(server).major > 6) {
                users = users.split(separator: "\n").map { line in
                    line.split(separator: " ").filter { !$0.hasPrefix("&") }.joined(separator: " ") + "\n"
                }.joined()
            }
            environment["REDIS_ACLFILE"] = try folder.write("users.acl", users.utf8)
        }
        var client = NodeClient(user: scene.user, password: scene.password)
        if scene.speaksTLS {
            let certificates = try Certificates()
            try certificates.sign("one", for: scene.hosts.map { "IP:\($0)" }.joined(separator: ","))
            client.certificates = certificates
            environment["REDIS_TLS_ENABLED"] = "yes"
            environment["REDIS_TLS_CERT_FILE"] = certificates.certificate("one")
            environment["REDIS_TLS_KEY_FILE"] = certificates.key("one")
            environment["REDIS_TLS_CA_FILE"] = certificates.certificate("ca")
            lines.append("tls-auth-clients yes")
        }
        if scene.password != nil || scene.users != nil { environment["ALLOW_EMPTY_PASSWORD"] = "" }
        try await SupervisedNodes.run(
            server: server, hosts: scene.hosts, lines: lines, environment: environment,
            ofNode: scene.variables,
            asksForLogin: scene.password != nil || scene.speaksTLS
        ) { [client] nodes in
            func node(_ name: String) throws -> NodeSpec { try #require(nodes.nodes.first { $0.name == name }) }
            let first = try await nodes.agreed()
            let answer = try await client.ask(node(first), "SET", "k", "1")
            #expect(answer == "OK\n", "\(answer)")
            try await nodes.wait(until: "both others have it") {
                try await client.ask(node(first), "WAIT", "2", "500") == "2\n"
            }
            kill(try await nodes.serverProcess(of: first), SIGKILL)
            let second = try await nodes.agreed(but: first)
            #expect(try await client.ask(node(second), "GET", "k") == "1\n")
            #expect(try await client.ask(node(second), "SET", "k", "2") == "OK\n")

            let third = try #require(SupervisedNodes.names.first { $0 != first && $0 != second })
            let done = try await nodes.order("switchover", "--to", third, on: second)
            #expect(done.code == .exited(0) && done.text == "\(third) leads\n", "\(done)")
            #expect(try await nodes.agreed(but: second) == third)
            #expect(try await client.ask(node(third), "GET", "k") == "2\n")
            #expect(try await client.ask(node(third), "SET", "k", "3") == "OK\n")
            for name in SupervisedNodes.names {
                var wanted = ["redis_up 1\n", "redis_failover_ready 1\n", "redis_config_maxclients "]
                wanted += name == third ? ["redis_connected_slaves 2\n"] : ["redis_master_link_up{master_host="]
                // The agent may not have seen yet that the link is up.
                try await nodes.wait(until: "\(name) tells \(wanted)") { [wanted] in
                    let metrics = try await nodes.metrics(of: name)
                    let families = metrics.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }
                    #expect(Set(families).count == families.count)
                    return wanted.allSatisfy(metrics.contains)
                }
                #expect(try await !nodes.cluster.log(of: name).contains("s3cret"), "the log of \(name)")
                #expect(try await nodes.order("status", "--json", on: name).text.contains("s3cret") == false)
            }
        }
        withExtendedLifetime(folder) {}
    }
}
