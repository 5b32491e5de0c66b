import Glibc
import Hiredis
import LocalTopology
import Testing

@Suite("Passwords that change while servers and sidecars run")
struct SecretRotationTests {
    /// With all that a shell, redis.conf, RESP, JSON or an ACL could take for something else.
    private static let old = Array(#"> s3cret-old "a" 'b' #c \n \x00 (d) %e nopass"#.utf8)
    /// And with every byte but NUL.
    private static let new = Array("s3cret-new\r\n".utf8) + (1...255)

    @Test("both are taken for a while, then the new one alone, and the link comes back with it")
    func exchanged() async throws {
        try await onEveryServer { try await self.exchanged(path: $0) }
    }

    private func exchanged(path: String) async throws {
        let system = try SidecarSecretsCluster(server: path, password: Self.old, overlapSeconds: 4)
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilLinkIsUpWith: Self.old)
            try await cluster.wait(untilStatusOf: "replica-sidecar", says: #""state": "in-step""#)
            // A file's last newline is not part of the password.
            try system.exchange(Self.new + [UInt8(ascii: "\n")])
            for name in ["master", "replica"] {
                try await cluster.wait(until: name, takes: Self.new)
                #expect(try await cluster.takes(Self.old, name), "\(name) takes both")
            }
            let start = ContinuousClock.now
            try await cluster.wait(until: "replica", has: Self.new, for: "masterauth", password: Self.new)
            try await cluster.relink(Self.new)
            for name in ["master", "replica"] {
                try await cluster.wait(until: name, takes: Self.old, false)
                #expect(try await cluster.takes(Self.new, name))
            }
            let time = ContinuousClock.now - start
            #expect(time > .seconds(2), "the overlap: \(time)")
            try await cluster.relink(Self.new)
            _ = try await cluster.asked("master", password: Self.new, "SET", "k", "v")
            try await cluster.wait(until: "the replica has it", of: "replica") {
                let reply = try await cluster.asked("replica", password: Self.new, "GET", "k")
                return Observation(reply.text == "v", else: "\(reply)")
            }
            try await cluster.wait(untilStatusOf: "replica-sidecar", says: #""state": "in-step""#)
            try await expectNoSecret(cluster)

            // The next start has the new one by itself, and there is nothing left to do.
            try await cluster.restart("replica")
            try await cluster.wait(untilLinkIsUpWith: Self.new)
            try await cluster.wait(untilStatusOf: "replica-sidecar", says: #""state": "in-step""#)
            #expect(try await !cluster.takes(Self.old, "replica"))
        }
    }

    @Test("the link survives whichever pod sees the change first", arguments: ["replica", "master"])
    func order(first: String) async throws {
        let system = try SidecarSecretsCluster(password: Self.old, overlapSeconds: 5)
        let second = first == "replica" ? "master" : "replica"
        let secrets = ["master": system.master, "replica": system.replica]
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilLinkIsUpWith: Self.old)
            try await cluster.wait(untilStatusOf: "replica-sidecar", says: #""state": "in-step""#)
            try secrets[first]?.exchange(["password": Self.new])
            try await cluster.wait(until: first, takes: Self.new)
            #expect(try await !cluster.takes(Self.new, second))
            // A link that is lost now comes back with the old one, which the master still takes.
            try await cluster.relink(Self.old)
            try await cluster.wait(untilStatusOf: "replica-sidecar", says: #""state": "in-step""#)
            try secrets[second]?.exchange(["password": Self.new])
            try await cluster.wait(until: "replica", has: Self.new, for: "masterauth", password: Self.new)
            for name in [first, second] { try await cluster.wait(until: name, takes: Self.old, false) }
            try await cluster.relink(Self.new)
            let log = try await cluster.log(of: "replica-sidecar")
            let refusals = log.split(separator: "\n").filter { $0.contains("warning") && $0.contains("password") }
            #expect(refusals.isEmpty, "no client is ever refused")
        }
    }

    @Test("a sidecar that was away when the files changed finds the server by what it was started with")
    func startedLater() async throws {
        let system = try SidecarSecretsCluster(password: Self.old, overlapSeconds: 2)
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilLinkIsUpWith: Self.old)
            let sidecars = ["master-sidecar", "replica-sidecar"]
            for name in sidecars { try await cluster.terminate(name) }
            try system.exchange(Self.new)
            for name in sidecars { try await cluster.launch(name) }
            for name in ["master", "replica"] { try await cluster.wait(until: name, takes: Self.new) }
            // And away again before the old one is dropped.
            for name in sidecars {
                try await cluster.terminate(name)
                try await cluster.launch(name)
            }
            for name in ["master", "replica"] { try await cluster.wait(until: name, takes: Self.old, false) }
            try await cluster.wait(until: "replica", has: Self.new, for: "masterauth", password: Self.new)
            try await cluster.relink(Self.new)
        }
    }

    @Test("a file that is empty or gone for a moment changes nothing, and is logged once")
    func trouble() async throws {
        let system = try SidecarSecretsCluster(password: Self.old, overlapSeconds: 1)
        let name = "replica-sidecar"
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilLinkIsUpWith: Self.old)
            try await cluster.wait(untilStatusOf: name, says: #""state": "in-step""#)
            for files in [["password": []], [:]] as [[String: [UInt8]]] {
                let before = try await cluster.log(of: name).split(separator: "\n").count
                try system.replica.exchange(files)
                try await cluster.wait(untilLogOf: name, says: "secrets cannot be read, and stay as they were")
                let cure = files.isEmpty ? "mount the secret there" : "put the password into it"
                try await cluster.wait(untilLogOf: name, says: cure)
                // Two more checks of the files.
                let later = ContinuousClock.now + .seconds(4)
                try await cluster.wait(until: "two looks are over") {
                    let takesOld = try await cluster.takes(Self.old, "replica")
                    #expect(takesOld)
                    return Observation(ContinuousClock.now > later, else: "not yet")
                }
                #expect(try await cluster.log(of: name).split(separator: "\n").count == before + 1)
                try system.replica.exchange(["password": Self.old])
                try await cluster.wait(untilStatusOf: name, says: #""state": "in-step""#)
            }
            try system.exchange(Self.new)
            for name in ["master", "replica"] { try await cluster.wait(until: name, takes: Self.old, false) }
        }
    }

    @Test("a replica keeps the password that its master takes, where the environment names one that it refuses")
    func refused() async throws {
        let byHand = Array("by hand".utf8)
        let system = try SidecarSecretsCluster(password: Self.old, overlapSeconds: 1)
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilLinkIsUpWith: Self.old)
            try await cluster.terminate("master-sidecar")
            for (name, parameter) in [("replica", "masterauth"), ("master", "requirepass")] {
                let words = ["CONFIG", "SET", parameter].map { Array($0.utf8) } + [byHand]
                #expect(try await cluster.asked(name, password: Self.old, words).text == "OK")
            }
            // It meets the server as it is now.
            try await cluster.terminate("replica-sidecar")
            try await cluster.launch("replica-sidecar")
            try await cluster.wait(
                untilLogOf: "replica-sidecar", says: "the master still refuses the new REDIS_MASTER_PASSWORD",
                within: .seconds(20))
            try await cluster.wait(untilStatusOf: "replica-sidecar", says: #""state": "in-step""#)
            try await cluster.wait(until: "replica", has: byHand, for: "masterauth", password: Self.old)
            try await cluster.relink(Self.old)
        }
    }

    @Test("odd and long passwords follow each other")
    func odd() async throws {
        let passwords: [[UInt8]] = [
            Array(">".utf8), Array("#nopass ".utf8), [0xFF, 0xFE],
            Array(repeating: UInt8(ascii: "x"), count: 700), Array("(+@all)".utf8),
        ]
        let system = try SidecarSecretsCluster(password: Self.old, overlapSeconds: 0)
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilLinkIsUpWith: Self.old)
            var before = Self.old
            for password in passwords {
                try system.exchange(password)
                for name in ["master", "replica"] {
                    try await cluster.wait(until: name, takes: before, false, within: .seconds(20))
                    #expect(try await cluster.takes(password, name), "\(password)")
                }
                before = password
            }
            try await cluster.wait(until: "replica", has: before, for: "masterauth", password: before)
            try await cluster.relink(before)
        }
    }

    @Test("a dry run says what it would do, and does nothing")
    func dryRun() async throws {
        let system = try SidecarSecretsCluster(
            password: Self.old, overlapSeconds: 0, environment: ["SIDECAR_DRY_RUN": "yes"])
        try await withLocalCluster(system.spec) { cluster in
            try await cluster.wait(untilLinkIsUpWith: Self.old)
            try await cluster.wait(untilStatusOf: "replica-sidecar", says: #""state": "in-step""#)
            try system.exchange(Self.new)
            try await cluster.wait(
                untilLogOf: "master-sidecar", says: "dry run: would have the server take the old password no longer")
            for name in ["master", "replica"] {
                #expect(try await cluster.takes(Self.old, name))
                #expect(try await !cluster.takes(Self.new, name))
            }
        }
    }

    @Test("a server with a file of users keeps them, and the log says what an operator has to do")
    func fileOfUsers() async throws {
        let scratch = try Scratch()
        let users = try scratch.write("users.acl", "user default on >s3cret-old ~* &* +@all\n".utf8)
        let system = try SidecarSecretsCluster(password: Array("s3cret-old".utf8), overlapSeconds: 0)
        var nodes = system.spec.nodes
        for index in nodes.indices { nodes[index].environment["REDIS_ACLFILE"] = users }
        try await withLocalCluster(ClusterSpec(nodes)) { cluster in
            try await cluster.wait(untilLinkIsUpWith: Array("s3cret-old".utf8))
            try await cluster.wait(untilStatusOf: "replica-sidecar", says: #""state": "in-step""#)
            try system.exchange(Array("s3cret-new".utf8))
            let cure = "the server uses its aclfile: send ACL SETUSER default with it, then write it there"
            for name in ["master-sidecar", "replica-sidecar"] { try await cluster.wait(untilLogOf: name, says: cure) }
            #expect(try await cluster.takes(Array("s3cret-old".utf8), "master"))
            #expect(try await !cluster.takes(Array("s3cret-new".utf8), "master"))
            // The operator does it.
            for name in ["master", "replica"] {
                let words = ["ACL", "SETUSER", "default", ">s3cret-new"].map { Array($0.utf8) }
                #expect(try await cluster.asked(name, password: Array("s3cret-old".utf8), words).text == "OK")
            }
            try scratch.write("users.acl", "user default on >s3cret-new ~* &* +@all\n".utf8)
            let new = Array("s3cret-new".utf8)
            try await cluster.wait(until: "replica", has: new, for: "masterauth", password: new)
            try await cluster.relink(new)
            try await cluster.wait(untilStatusOf: "replica-sidecar", says: #""state": "in-step""#)
        }
    }

    /// Searches all places that other users could read.
    private func expectNoSecret(_ cluster: LocalCluster) async throws {
        for node in cluster.spec.nodes {
            let process = try await cluster.processIdentifier(of: node.name)
            var places = ["argv": String(decoding: try Scratch.read("/proc/\(process)/cmdline"), as: UTF8.self)]
            places["log"] = try await cluster.log(of: node.name)
            if node.name.hasSuffix("-sidecar") {
                for path in ["/status", "/metrics", "/readyz"] {
                    places[path] = try await cluster.http(node.name, .get(path))[0].text
                }
            }
            for (place, text) in places {
                #expect(!text.isEmpty && !text.contains("s3cret"), "\(place) of \(node.name)")
            }
        }
    }
}
