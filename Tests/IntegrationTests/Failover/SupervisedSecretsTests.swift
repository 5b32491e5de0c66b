import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

@Suite("Passwords that change while redis-replica-sidecar supervise runs with a lease store", .serialized)
struct SupervisedSecretsTests {
    private static let old = Array(#"s3cret-old "a" 'b' #c > %e"#.utf8)
    private static let new = Array("s3cret-new\r\n (d)".utf8)

    private static func secrets(_ files: [String: [UInt8]]) throws -> [String: MountedSecret] {
        try Dictionary(uniqueKeysWithValues: SupervisedNodes.names.map { ($0, try MountedSecret(files)) })
    }

    private static func expectNoSecret(_ nodes: SupervisedNodes) async throws {
        for name in SupervisedNodes.names {
            #expect(try await !nodes.cluster.log(of: name).contains("s3cret"), "the log of \(name)")
            #expect(try await !nodes.status(of: name).contains("s3cret"), "the status of \(name)")
        }
    }

    @Test("reach servers and agents node by node; the link stays up, and the next leader is found with the new one")
    func password() async throws {
        for path in RedisServer.representatives { try await password(server: path) }
    }

    private func password(server: String) async throws {
        let secrets = try Self.secrets(["password": Self.old])
        func variables(_ name: String, _ endpoint: Endpoint) -> [String: String] {
            ["REDIS_PASSWORD_FILE": secrets[name]?["password"] ?? ""]
        }
        try await SupervisedNodes.run(
            server: server, environment: ["ALLOW_EMPTY_PASSWORD": "", "SIDECAR_PASSWORD_OVERLAP_SECONDS": "8"],
            ofNode: variables, asksForLogin: true
        ) { nodes in
            let leader = try await nodes.agreed()
            #expect(try await nodes.cluster.asked(leader, password: Self.old, "SET", "k", "1").text == "OK")
            // Not all pods see a changed Secret at the same time.
            for name in SupervisedNodes.names {
                try secrets[name]?.exchange(["password": Self.new + [UInt8(ascii: "\n")]])
                try await nodes.cluster.wait(until: name, takes: Self.new)
                #expect(try await nodes.cluster.takes(Self.old, name), "\(name) takes both")
                #expect(try await nodes.agreed() == leader)
            }
            for name in SupervisedNodes.names {
                try await nodes.cluster.wait(until: name, has: Self.new, for: "masterauth", password: Self.new)
                try await nodes.cluster.wait(until: name, takes: Self.old, false)
            }
            #expect(try await nodes.agreed() == leader)
            kill(try await nodes.serverProcess(of: leader), SIGKILL)
            let next = try await nodes.agreed(but: leader)
            #expect(try await nodes.cluster.asked(next, password: Self.new, "GET", "k").text == "1")
            let third = try #require(SupervisedNodes.names.first { $0 != leader && $0 != next })
            let done = try await nodes.order("switchover", "--to", third, on: next)
            #expect(done.code == .exited(0), "\(done)")
            #expect(try await nodes.agreed(but: next) == third)
            #expect(try await nodes.cluster.asked(third, password: Self.new, "SET", "k", "2").text == "OK")
            try await Self.expectNoSecret(nodes)
        }
    }

    @Test("are not shown to a leader that was not heard: it comes back with the old one, and is followed")
    func silentLeader() async throws {
        let secrets = try Self.secrets(["password": Self.old])
        let first = SupervisedNodes.names[0]
        func variables(_ name: String, _ endpoint: Endpoint) -> [String: String] {
            ["REDIS_PASSWORD_FILE": secrets[name]?["password"] ?? "", "FAILOVER_PRIORITY": name == first ? "100" : "0"]
        }
        try await SupervisedNodes.run(
            server: try Harness.redisServer.string,
            environment: ["ALLOW_EMPTY_PASSWORD": "", "SIDECAR_PASSWORD_OVERLAP_SECONDS": "120"],
            ofNode: variables, asksForLogin: true
        ) { nodes in
            #expect(try await nodes.agreed() == first)
            try await nodes.cluster.kill(first)
            for name in SupervisedNodes.names where name != first {
                try secrets[name]?.exchange(["password": Self.new])
                try await nodes.cluster.wait(until: name, takes: Self.new)
            }
            // Time to ask the others, twice and more.
            let taken = ContinuousClock.now
            try await nodes.wait(until: "the others were asked") { ContinuousClock.now - taken > .seconds(5) }
            try await nodes.cluster.launch(first)
            // The others have a PING more than its position file says.
            try await nodes.wait(until: "it leads again") {
                try await nodes.order("failover", "--force", on: first).code == .exited(0)
            }
            #expect(try await nodes.agreed() == first)
            try secrets[first]?.exchange(["password": Self.new])
            for name in SupervisedNodes.names {
                try await nodes.cluster.wait(until: name, has: Self.new, for: "masterauth", password: Self.new)
            }
            #expect(try await nodes.agreed() == first)
            try await Self.expectNoSecret(nodes)
        }
    }

    @Test("of users of an aclfile are used once the operator has added them there")
    func users() async throws {
        let folder = try Scratch()
        let users = try folder.write(
            "users.acl",
            """
            user default off
            user agent on >s3cret-old ~* &* +@all
            user peer on >s3cret-old ~* &* +@all
            user person on >person ~* &* +@all

            """.utf8)
        let old = Array("s3cret-old".utf8)
        let new = Array("s3cret-new".utf8)
        let secrets = try Self.secrets(["password": old])
        func variables(_ name: String, _ endpoint: Endpoint) -> [String: String] {
            let path = secrets[name]?["password"] ?? ""
            return ["REDIS_PROBE_PASSWORD_FILE": path, "REDIS_MASTER_PASSWORD_FILE": path]
        }
        try await SupervisedNodes.run(
            server: try Harness.redisServer.string,
            environment: [
                "ALLOW_EMPTY_PASSWORD": "", "REDIS_ACLFILE": users, "REDIS_PROBE_USER": "agent",
                "REDIS_MASTER_USER": "peer", "SIDECAR_PASSWORD_OVERLAP_SECONDS": "2",
            ],
            ofNode: variables, asksForLogin: true
        ) { nodes in
            let leader = try await nodes.agreed()
            let person = NodeClient(user: "person", password: "person")
            func onAll(_ words: String...) async throws {
                for node in nodes.nodes {
                    for user in ["agent", "peer"] {
                        let answer = try await person.ask(node, "ACL", "SETUSER", user, words[0])
                        #expect(answer == "OK\n", "\(answer)")
                    }
                }
            }
            try await onAll(">s3cret-new")
            for name in SupervisedNodes.names { try secrets[name]?.exchange(["password": new]) }
            try await nodes.wait(until: "all replicas show the new one") {
                for node in nodes.nodes {
                    let answer = try await person.ask(node, "CONFIG", "GET", "masterauth")
                    guard answer.contains("s3cret-new") else { return false }
                }
                return true
            }
            try await onAll("<s3cret-old")
            // No connection of before is left.
            for node in nodes.nodes {
                for user in ["agent", "peer"] { _ = try await person.ask(node, "CLIENT", "KILL", "USER", user) }
            }
            #expect(try await nodes.agreed() == leader)
            // The next start reads the file.
            try folder.write(
                "users.acl",
                String(decoding: folder.read("users.acl"), as: UTF8.self).split(separator: "s3cret-old")
                    .joined(separator: "s3cret-new").utf8)
            kill(try await nodes.serverProcess(of: leader), SIGKILL)
            try await nodes.agreed(but: leader)
            try await Self.expectNoSecret(nodes)
        }
        withExtendedLifetime(folder) {}
    }
}
