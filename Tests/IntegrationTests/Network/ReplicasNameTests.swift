import LocalTopology
import SystemPackage
import Testing

@Suite("The replicas' name, where the cluster's name server knows nothing outside the cluster")
struct ReplicasNameTests {
    private static let domains = ["default.svc.cluster.local", "svc.cluster.local", "cluster.local"]
    private static let name = "redis-slave-nodes.default.svc.cluster.local"

    @Test(
        "holds no first master up that is absent from its own namespace",
        arguments: [NameServer.Answer.absent, .noAddress], [NameServer.Answer.failure, .refused, .silence])
    func absent(inside: NameServer.Answer, outside: NameServer.Answer) async throws {
        try await withMaster(inside: inside, outside: outside) { cluster, server in
            // Within the time that a start may take, and the guard would ask for a minute.
            try await cluster.start("master")
            #expect(server.questions.contains(Self.name))
            #expect(server.questions.contains("redis-slave-nodes"), "the look-up went on to the bare name")
        }
    }

    @Test(
        "blocks a master's start while no name server knows the namespace",
        arguments: [NameServer.Answer.failure, .silence])
    func unavailable(answer: NameServer.Answer) async throws {
        try await withMaster(["REDIS_GUARD_TIMEOUT": "4"], inside: answer, outside: .failure) {
            cluster, _ in
            try await expectHeld(cluster)
        }
    }

    @Test("holds a master outside Kubernetes, where no domain is known to be its own")
    func elsewhere() async throws {
        let environment = [
            "REDIS_GUARD_TIMEOUT": "4", "KUBERNETES_SERVICE_HOST": "", "REDIS_SLAVE_NODES_HOST": "redis-slave-nodes",
        ]
        try await withMaster(environment, inside: .absent, outside: .failure) { cluster, _ in
            try await expectHeld(cluster)
        }
    }

    @Test("ends a master at SIGTERM while no name server answers")
    func interrupted() async throws {
        let environment = ["REDIS_GUARD_TIMEOUT": "3600"]
        try await withMaster(environment, inside: .silence, outside: .silence) { cluster, server in
            try await cluster.launch("master")
            try await cluster.wait(until: "it asks for the name", of: "master") {
                Observation(server.questions.contains(Self.name), else: "\(server.questions)")
            }
            let ending = try await cluster.terminate("master")
            let log = try await cluster.log(of: "master")
            #expect(ending == .exited(code: 75) && log.contains("a signal ended the start"), "\(log)")
        }
    }

    private func expectHeld(_ cluster: LocalCluster) async throws {
        try await cluster.launch("master")
        let ending = try await cluster.waitUntilEnded("master", within: .seconds(30))
        let log = try await cluster.log(of: "master")
        #expect(ending == .exited(code: 75), "\(log)")
        #expect(
            log.contains(" s): the replicas' name cannot be looked up: redis-slave-nodes: "), "it asks again: \(log)")
    }

    /// A master without data, in a pod as far as it can tell.
    /// - Parameters:
    ///   - inside: what is answered to the name in the pod's namespace.
    ///   - outside: what is answered to every other name.
    private func withMaster(
        _ environment: [String: String] = [:], inside: NameServer.Answer, outside: NameServer.Answer,
        body: @Sendable (LocalCluster, NameServer) async throws -> Void
    ) async throws {
        try await withTestNetwork { network in
            let host = try await network.addHost("master")
            let server = try await NameServer(in: network, on: host, searching: Self.domains) {
                $0 == Self.name ? inside : outside
            }
            defer { server.stop() }
            var master = NodeSpec.redisThroughInit(
                host.name, program: try Programs.built("redis-replica-init"), at: host.endpoint(),
                configuration: .lines(["save \"\""])
            ).running(on: host)
            let pod = ["KUBERNETES_SERVICE_HOST": "10.96.0.1", "ALLOW_EMPTY_PASSWORD": "yes"]
            master.environment.merge(pod.merging(environment) { $1 }) { $1 }
            try await withLocalCluster(ClusterSpec([master]), starts: false) { try await body($0, server) }
        }
    }
}
