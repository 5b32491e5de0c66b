import LeaseStore
import LocalTopology
import NIOCore
import SystemPackage
import Testing

/// Debian's etcd on loopback, with its data in the cluster's folder.
final class EtcdServer: LeaseServer {
    let endpoint: String
    /// Where `isSecured` is set: for the authorities, the client's certificate, and stranger ones.
    let certificates: Certificates?
    private let cluster: LocalCluster
    private let given = GivenStores()
    private let scratch: Scratch

    static let user = "redis"
    static let password = "etcd-pass-phrase"
    /// Keys that the user may read and write begin so.
    static let prefix = "/redis-replica-kit/"

    private init(cluster: LocalCluster, endpoint: String, certificates: Certificates?) throws {
        self.cluster = cluster
        self.endpoint = endpoint
        self.certificates = certificates
        scratch = try Scratch()
    }

    /// - Parameter isSecured: TLS with client certificates, and authentication.
    static func with(
        isSecured: Bool = false, _ body: @Sendable (EtcdServer) async throws -> Void
    ) async throws {
        let certificates = isSecured ? try Certificates() : nil
        try certificates?.sign("etcd", for: "IP:127.0.0.1")
        // With authentication, etcd's gateway refuses every client certificate with a common name.
        try certificates?.sign("client", for: "DNS:redis-0", usage: "clientAuth", subject: "/O=redis")
        try certificates?.sign("named", for: "DNS:redis-0", usage: "clientAuth")
        let node = try node("etcd", certificates: certificates)
        try await withLocalCluster(ClusterSpec([node])) { cluster in
            let scheme = isSecured ? "https" : "http"
            let server = try EtcdServer(
                cluster: cluster, endpoint: "\(scheme)://\(node.endpoint)", certificates: certificates)
            try await server.ready()
            if isSecured { try await server.secure() }
            do {
                try await body(server)
            } catch {
                await server.given.endAll()
                throw error
            }
            await server.given.endAll()
        }
    }

    /// One member, which is a whole etcd.
    static func node(_ name: String, certificates: Certificates? = nil) throws -> NodeSpec {
        let ports = try Loopback.freePorts(2)
        let endpoint = Endpoint(port: ports[0])
        let scheme = certificates == nil ? "http" : "https"
        var arguments = [
            "--name", name, "--data-dir", "{directory}/data", "--listen-client-urls", "\(scheme)://\(endpoint)",
            "--advertise-client-urls", "\(scheme)://\(endpoint)", "--listen-peer-urls", "http://127.0.0.1:\(ports[1])",
            "--initial-advertise-peer-urls", "http://127.0.0.1:\(ports[1])", "--initial-cluster",
            "\(name)=http://127.0.0.1:\(ports[1])", "--unsafe-no-fsync",
        ]
        if let certificates {
            arguments += [
                "--cert-file", certificates.certificate("etcd"), "--key-file", certificates.key("etcd"),
                "--client-cert-auth", "--trusted-ca-file", certificates.certificate("ca"),
            ]
        }
        return NodeSpec(
            name: name, executable: try Programs.installed("etcd", package: "etcd-server"), arguments: arguments,
            endpoint: endpoint, readiness: .running, isRedis: false)
    }

    /// What reaches this server.
    var settings: EtcdSettings { get throws { try settings(key: "\(Self.prefix)main") } }

    func settings(key: String) throws -> EtcdSettings {
        try EtcdSettings(
            endpoints: [endpoint], key: key, user: certificates == nil ? nil : Self.user,
            password: certificates == nil ? nil : Self.password, tls: tls)
    }

    var tls: StoreTLSFiles? {
        certificates.map {
            StoreTLSFiles(
                authorities: $0.certificate("ca"), certificate: $0.certificate("client"), key: $0.key("client"))
        }
    }

    func store(_ lease: String) async throws -> any LeaseStore {
        try await store(settings(key: Self.prefix + lease))
    }

    func store(_ settings: EtcdSettings) async -> any LeaseStore {
        await given.add(EtcdLeaseStore(settings, eventLoop: given.loop))
    }

    func remove(_ lease: String) async throws { try await control("del", Self.prefix + lease) }

    func putForeign(_ lease: String) async throws { try await control("put", Self.prefix + lease, "owner: somebody") }

    func kill() async throws { try await cluster.kill("etcd") }

    func start() async throws {
        try await cluster.start("etcd")
        try await ready()
    }

    func freeze() async throws { try await cluster.pause("etcd") }
    func thaw() async throws { try await cluster.resume("etcd") }

    /// Runs etcdctl as root.
    func control(_ words: String..., as user: String? = "root:root-pass") async throws {
        try await eventually("etcdctl \(words)") { try await self.controlOnce(words, as: user) }
    }

    private func controlOnce(_ words: [String], as user: String?) async throws {
        var arguments = ["--endpoints", endpoint, "--dial-timeout", "2s", "--command-timeout", "2s"]
        if let tls {
            arguments += ["--cacert", tls.authorities ?? "", "--cert", tls.certificate ?? "", "--key", tls.key ?? ""]
            if let user { arguments += ["--user", user] }
        }
        let program = try Programs.installed("etcdctl", package: "etcd-client").string
        let process = try Spawned(
            program, arguments + words, environment: ["ETCDCTL_API": "3"], in: scratch.path, log: scratch["etcdctl"])
        guard process.ended() == .exited(0) else { throw NotYet(seen: process.output) }
    }

    private func ready() async throws { try await control("endpoint", "health", as: nil) }

    /// A user that may read and write the keys with the prefix, and nothing else.
    private func secure() async throws {
        try await control("user", "add", "root:root-pass", as: nil)
        try await control("user", "add", "\(Self.user):\(Self.password)", as: nil)
        try await control("role", "add", "lease", as: nil)
        try await control("role", "grant-permission", "lease", "readwrite", Self.prefix, "--prefix", as: nil)
        try await control("user", "grant-role", Self.user, "lease", as: nil)
        try await control("user", "grant-role", "root", "root", as: nil)
        try await control("auth", "enable", as: nil)
    }
}
