import Glibc
import Hiredis
import LocalTopology
import SystemPackage
import Testing

@Suite("A network of hosts on this machine")
struct TestNetworkTests {
    @Test("has servers at addresses of their own, all on one port")
    func servers() async throws {
        try await withTestNetwork { network in
            let server = try Harness.redisServer
            let master = try await network.addHost("master")
            let replica = try await network.addHost("replica")
            let spec = ClusterSpec([
                .redis(server: server, on: master), .replica(server: server, on: replica, of: master.address),
            ])
            try await withLocalCluster(spec) { cluster in
                try await cluster.wait(untilReplicasOf: "master", are: 1)
                let line = try #require(try await cluster.info("master")["slave0"])
                #expect(line.hasPrefix("ip=\(replica.address),port=6379,state=online,"))
                var information = stat()
                #expect(stat("/proc/\(try await cluster.processIdentifier(of: "master"))", &information) == 0)
                #expect(information.st_uid != 0, "redis is dropped there, too")
            }
        }
    }

    @Test("keeps packets from a host that is cut off, and from one of two that are parted, without a word to anybody")
    func cutting() async throws {
        try await withTestNetwork { network in
            let server = try await network.addHost("server")
            let near = try await network.addHost("near")
            let far = try await network.addHost("far")
            let spec = ClusterSpec([.redis(server: try Harness.redisServer, on: server)])
            try await withLocalCluster(spec) { cluster in
                #expect(try await look(at: server, from: near) == .answers)
                try await network.cut(server)
                #expect(try await look(at: server, from: near) == .silence)
                #expect(try await cluster.redis("server", "PING").text == "PONG", "a node is asked on its own host")
                try await network.heal(server)
                #expect(try await look(at: server, from: near) == .answers)

                try await network.cut(server, from: far)
                #expect(try await look(at: server, from: far) == .silence)
                #expect(try await look(at: server, from: near) == .answers)
                try await network.heal(server, to: far)
                #expect(try await look(at: server, from: far) == .answers)

                try await cluster.kill("server")
                #expect(try await look(at: server, from: near) == .refusal, "a host without a server is no silence")
            }
        }
    }

    @Test("has an open connection survive a cut, and what was sent meanwhile arrive")
    func connectionSurvives() async throws {
        try await withTestNetwork { network in
            let server = try await network.addHost("server")
            let client = try await network.addHost("client")
            let spec = ClusterSpec([.redis(server: try Harness.redisServer, on: server)])
            try await withLocalCluster(spec) { _ in
                let connection = try await client.namespace.connect(to: server.endpoint())
                defer { try? connection.close() }
                try connection.writeAll("PING\r\n".utf8)
                #expect(try await received(on: connection, within: .seconds(5)) == "+PONG\r\n")
                try await network.cut(server)
                try connection.writeAll("PING\r\n".utf8)
                #expect(try await received(on: connection, within: .milliseconds(300)) == nil)
                try await network.heal(server)
                #expect(try await received(on: connection, within: .seconds(5)) == "+PONG\r\n")
            }
        }
    }

    @Test(
        "leaves no namespace and no file behind: when the body returns, when it throws, and when it is cancelled",
        .timeLimit(.minutes(1)))
    func leavesNothing() async throws {
        struct Failure: Error {}
        let interfaces = Leftovers.names(in: "/sys/class/net")
        let first = try await withTestNetwork { network in
            _ = try await network.addHost("a")
            _ = try await network.addSegment(behind: "router")
            #expect(Set(Leftovers.names(in: "/sys/class/net")) == Set(interfaces), "the machine's own are untouched")
            return await network.namespaces
        }
        expectNothing(of: first)

        let (found, report) = AsyncStream.makeStream(of: [String].self)
        await #expect(throws: Failure.self) {
            try await withTestNetwork { network in
                _ = try await network.addHost("a")
                report.yield(await network.namespaces)
                throw Failure()
            }
        }
        // Nothing ever comes: only a cancellation ends the wait.
        let (nothing, source) = AsyncStream.makeStream(of: Never.self)
        defer { source.finish() }
        let task = Task {
            try await withTestNetwork { network in
                _ = try await network.addHost("a")
                report.yield(await network.namespaces)
                report.finish()
                for await _ in nothing {}
                try Task.checkCancellation()
            }
        }
        var networks: [[String]] = []
        for await names in found { networks.append(names) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(networks.count == 2)
        for names in networks { expectNothing(of: names) }
    }

    @Test("removes what a killed process has left, and nothing of one that runs")
    func leftovers() async throws {
        // No process has a number above 4194304 (proc(5), pid_max).
        let dead = NetworkNamespace("rrk-4194305-1-host")
        let living = NetworkNamespace("rrk-1-1-host")
        for namespace in [dead, living] {
            try await NetworkTools.add(namespace)
            try HostFiles(in: namespace).make()
        }
        try await withTestNetwork { _ in
            #expect(!Harness.exists("/run/netns/\(dead.name)"))
            #expect(!Harness.exists("/etc/netns/\(dead.name)"))
            #expect(Harness.exists("/run/netns/\(living.name)"))
            #expect(Harness.exists("/etc/netns/\(living.name)/hosts"))
        }
        try await NetworkTools.remove([living])
    }

    @Test("says what it needs where it may not make namespaces")
    func refused() async throws {
        let unprivileged = #expect(throws: NetworkTools.Failure.self) { try NetworkTools.requireRoot(user: 1000) }
        #expect("\(try #require(unprivileged))".contains("run `make test` as root"))
        let failed = await #expect(throws: NetworkTools.Failure.self) {
            try await NetworkTools.ip("netns delete no-such-namespace")
        }
        let message = "\(try #require(failed))"
        #expect(message.contains("No such file or directory"))
        #expect(message.contains("docker run --privileged"))
    }

    /// What comes on a connection, or `nil` if nothing does.
    private func received(on connection: FileDescriptor, within limit: Duration) async throws -> String? {
        try await Background.run {
            var entry = pollfd(fd: connection.rawValue, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, Int32(limit / .milliseconds(1))) > 0 else { return nil }
            var buffer = [UInt8](repeating: 0, count: 64)
            let count = try buffer.withUnsafeMutableBytes { try connection.read(into: $0) }
            return String(decoding: buffer[..<count], as: UTF8.self)
        }
    }

    private enum Observation { case answers, silence, refusal }

    /// Connects from one host to a Redis on another.
    private func look(at server: TestNetwork.Host, from host: TestNetwork.Host) async throws -> Observation {
        do {
            try await host.namespace.connect(to: server.endpoint(), timeout: .milliseconds(300)).close()
            return .answers
        } catch LoopbackHTTP.Failure.connect(_, errno: ETIMEDOUT) {
            return .silence
        } catch LoopbackHTTP.Failure.connect(_, errno: ECONNREFUSED) {
            return .refusal
        }
    }

    private func expectNothing(of names: [String], sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(names.count >= 2, sourceLocation: sourceLocation)
        for name in names {
            #expect(!Harness.exists("/run/netns/\(name)"), sourceLocation: sourceLocation)
            #expect(!Harness.exists("/etc/netns/\(name)"), sourceLocation: sourceLocation)
        }
    }
}

extension TestNetwork {
    fileprivate var namespaces: [String] { (hosts.map(\.namespace) + [switches]).map(\.name) }
}
