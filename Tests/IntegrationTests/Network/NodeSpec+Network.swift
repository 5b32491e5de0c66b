import LocalTopology
import SystemPackage

extension NodeSpec {
    /// The node on a host of a test network; its endpoint has to be there.
    func running(on host: TestNetwork.Host) -> NodeSpec {
        var node = self
        node.network = host.namespace
        return node
    }

    /// A redis-server on a host, at port 6379 and called as the host is, that replicates no endpoint: its lines say whom.
    /// - Parameter server: one of a user's folder runs as that user, since `redis` could not reach it.
    static func redis(server: FilePath, on host: TestNetwork.Host, lines: [String] = []) -> NodeSpec {
        var node = NodeSpec.redis(
            host.name, server: server, at: host.endpoint(),
            lines: ["repl-diskless-sync-delay 0"] + lines)
        node.isRedis = server.starts(with: "/usr")
        return node.running(on: host)
    }

    /// A replica of a name or an address, which announces the address of its host.
    static func replica(
        server: FilePath, on host: TestNetwork.Host, of master: String, lines: [String] = []
    ) -> NodeSpec {
        var node = redis(
            server: server, on: host,
            lines: ["replicaof \(master) 6379", "replica-announce-ip \(host.address)"] + lines)
        node.readiness = .linkUp
        return node
    }
}
