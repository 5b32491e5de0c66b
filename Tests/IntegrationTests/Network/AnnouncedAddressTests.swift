import Hiredis
import LocalTopology
import Testing

/// What docs/why-one-address.md tells, on real addresses: the replicas reach their master through source NAT, as they do
/// through a Service in many clusters.
@Suite("Why replicas announce their address")
struct AnnouncedAddressTests {
    @Test("a master behind source NAT lists one address for all its replicas, and with POD_IP each one's own")
    func announced() async throws {
        try await withTestNetwork { network in
            let master = try await network.addHost("master")
            let (pods, router) = try await network.addSegment(behind: "router")
            var nodes = [try node("master", on: master)]
            for number in 1...2 {
                let host = try await network.addHost("replica-\(number)", in: pods)
                try network.setNames(["redis-master": [master.address]], on: host)
                nodes += [
                    try node("nameless-\(number)", on: host, of: "redis-master"),
                    try node("replica-\(number)", on: host, of: "redis-master", podIP: host.address),
                ]
            }
            let replicas = await network.hosts.filter { $0.segment == pods }
            try await withLocalCluster(ClusterSpec(nodes), starts: false) { cluster in
                try await cluster.start("master")

                for name in ["nameless-1", "nameless-2"] { try await cluster.start(name) }
                try await cluster.wait(untilReplicasOf: "master", are: 2)
                let listed = try await addresses(listedBy: "master", cluster)
                #expect(listed == [router.address, router.address])
                await #expect(throws: BlockingConnectionError.self) { try await ping(listed[0], from: master) }
                for name in ["nameless-1", "nameless-2"] { try await cluster.terminate(name) }

                for name in ["replica-1", "replica-2"] { try await cluster.start(name) }
                try await cluster.wait(untilReplicasOf: "master", are: 2)
                let announced = try await addresses(listedBy: "master", cluster)
                #expect(announced.sorted() == replicas.map(\.address))
                // Clients that follow the list get there.
                for address in announced { try await ping(address, from: master) }
                // The connections still come from one address: it is the announcement that tells them apart.
                let clients = try await cluster.redis("master", "CLIENT", "LIST", "TYPE", "replica").text ?? ""
                #expect(clients.split(separator: "addr=\(router.address):").count == 3, "\(clients)")
            }
        }
    }

    /// A server through redis-replica-init, as the manifests start it.
    private func node(
        _ name: String, on host: TestNetwork.Host, of master: String? = nil, podIP: String? = nil
    ) throws -> NodeSpec {
        var node = NodeSpec.redisThroughInit(
            name, program: try Programs.built("redis-replica-init"), at: host.endpoint(),
            replicaOf: master.map { Endpoint(host: $0, port: 6379) },
            configuration: .lines(["save \"\"", "repl-diskless-sync-delay 0"]))
        node.environment["POD_IP"] = podIP
        return node.running(on: host)
    }

    /// The addresses of `INFO replication`, in its order.
    private func addresses(listedBy name: String, _ cluster: LocalCluster) async throws -> [String] {
        let info = try await cluster.info(name)
        return try (0..<2).map { index in
            let line = try #require(info["slave\(index)"])
            #expect(line.contains(",port=6379,"))
            return String(line.dropFirst("ip=".count).prefix { $0 != "," })
        }
    }

    private func ping(_ address: String, from host: TestNetwork.Host) async throws {
        let reply = try await host.namespace.perform {
            var connection = try BlockingConnection(host: address, port: 6379, timeout: .seconds(2))
            return try connection.command("PING")
        }
        #expect(reply.text == "PONG")
    }
}
