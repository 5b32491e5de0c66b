import Foundation
import Glibc
import LeaseStore
import LocalTopology
import SystemPackage
import Testing

/// A real kube-apiserver with its own etcd: all that a Lease needs of Kubernetes.
final class KubeAPIServer: APIServer {
    /// The program; `nil` where `KUBE_APISERVER` names none.
    static let program = getenv("KUBE_APISERVER").map { FilePath(String(cString: $0)) }
    static let namespace = "redis"

    private let cluster: LocalCluster
    private let scratch: Scratch
    private let certificates: Certificates
    private let endpoint: Endpoint
    private let secret: MountedSecret
    private let given = GivenStores()

    private init(
        cluster: LocalCluster, scratch: Scratch, certificates: Certificates, endpoint: Endpoint, secret: MountedSecret
    ) {
        self.cluster = cluster
        self.scratch = scratch
        self.certificates = certificates
        self.endpoint = endpoint
        self.secret = secret
    }

    static func with(_ body: @Sendable (KubeAPIServer) async throws -> Void) async throws {
        let certificates = try Certificates()
        try certificates.sign("apiserver", for: "IP:127.0.0.1,DNS:kubernetes.default.svc")
        let scratch = try Scratch()
        let tokens = try scratch.write(
            "tokens.csv",
            """
            admin-token,admin,admin,"system:masters"
            pod-token,system:serviceaccount:redis:redis,redis,"system:serviceaccounts"

            """.utf8)
        let etcd = try EtcdServer.node("etcd")
        let endpoint = Endpoint(port: try Loopback.freePorts(1)[0])
        let node = NodeSpec(
            name: "apiserver", executable: try #require(program),
            arguments: [
                "--etcd-servers=http://\(etcd.endpoint)", "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1", "--secure-port=\(endpoint.port)",
                "--tls-cert-file=\(certificates.certificate("apiserver"))",
                "--tls-private-key-file=\(certificates.key("apiserver"))", "--token-auth-file=\(tokens)",
                "--authorization-mode=RBAC", "--service-cluster-ip-range=10.96.0.0/16",
                "--service-account-issuer=https://kubernetes.default.svc",
                "--service-account-key-file=\(certificates.certificate("apiserver"))",
                "--service-account-signing-key-file=\(certificates.key("apiserver"))",
                "--cert-dir={directory}",
            ], endpoint: endpoint, readiness: .running, isRedis: false)
        let secret = try MountedSecret([
            "token": Array("pod-token\n".utf8), "ca.crt": try Scratch.read(certificates.certificate("ca")),
        ])
        try await withLocalCluster(ClusterSpec([etcd, node], startDeadline: .seconds(60))) { cluster in
            let server = KubeAPIServer(
                cluster: cluster, scratch: scratch, certificates: certificates, endpoint: endpoint, secret: secret)
            do {
                try await server.prepare()
                try await body(server)
            } catch {
                await server.given.endAll()
                throw error
            }
            await server.given.endAll()
        }
    }

    func store(_ lease: String) async throws -> any LeaseStore {
        await given.add(KubernetesLeaseStore(try settings(lease), eventLoop: given.loop))
    }

    func settings(_ lease: String) throws -> KubernetesSettings {
        try KubernetesSettings(
            server: "https://\(endpoint)", namespace: Self.namespace, name: lease, tokenFile: secret["token"],
            authoritiesFile: secret["ca.crt"])
    }

    func remove(_ path: String) async throws {
        try await ask("DELETE", Self.place(path), nil)
    }

    func object(_ path: String) async throws -> String? {
        try await ask("GET", Self.place(path), nil, alsoDone: ["404"])
        let text = String(decoding: try scratch.read("answer"), as: UTF8.self)
        return text.contains(#""status":"Failure""#) ? nil : text
    }

    func all(_ kind: String) async throws -> String {
        let place = Self.place("\(kind)/none")
        try await ask("GET", String(place.dropLast("/none".count)), nil)
        return String(decoding: try scratch.read("answer"), as: UTF8.self)
    }

    /// Over what is there.
    func replace(_ path: String, _ json: String) async throws {
        if try await object(path) != nil { try await remove(path) }
        let place = Self.place(path)
        try await ask("POST", String(place[..<(place.lastIndex(of: "/") ?? place.endIndex)]), json)
    }

    /// A lease by its name, another object by kind and name: `endpointslices/redis-master-ipv4`.
    private static func place(_ path: String) -> String {
        let parts = path.split(separator: "/").map(String.init)
        guard parts.count == 2 else { return "\(leases)/\(path)" }
        let group = parts[0] == "events" ? "events.k8s.io" : "discovery.k8s.io"
        return "/apis/\(group)/v1/namespaces/\(namespace)/\(path)"
    }

    func putForeign(_ lease: String) async throws {
        try await ask(
            "POST", Self.leases,
            """
            {"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"\(lease)"},\
            "spec":{"holderIdentity":"scheduler_1","leaseTransitions":3}}
            """)
    }

    func kill() async throws { try await cluster.kill("apiserver") }
    func start() async throws { try await cluster.start("apiserver") }
    func freeze() async throws { try await cluster.pause("apiserver") }
    func thaw() async throws { try await cluster.resume("apiserver") }

    private static let leases = "/apis/coordination.k8s.io/v1/namespaces/\(namespace)/leases"

    /// The namespace, and the rights that docs/failover.md names.
    private func prepare() async throws {
        try await ask("POST", "/api/v1/namespaces", #"{"metadata":{"name":"\#(Self.namespace)"}}"#)
        let rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/\(Self.namespace)"
        try await ask(
            "POST", "\(rbac)/roles",
            """
            {"metadata":{"name":"lease"},"rules":[\
            {"apiGroups":["coordination.k8s.io"],"resources":["leases"],"verbs":["create"]},\
            {"apiGroups":["coordination.k8s.io"],"resources":["leases"],"resourceNames":["main","other"],\
            "verbs":["get","update","watch"]},\
            {"apiGroups":["discovery.k8s.io"],"resources":["endpointslices"],"verbs":["create"]},\
            {"apiGroups":["discovery.k8s.io"],"resources":["endpointslices"],\
            "resourceNames":["redis-master-ipv4","redis-master-ipv6"],"verbs":["get","update"]},\
            {"apiGroups":["events.k8s.io"],"resources":["events"],"verbs":["create"]}]}
            """)
        try await ask(
            "POST", "\(rbac)/rolebindings",
            """
            {"metadata":{"name":"lease"},\
            "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"lease"},\
            "subjects":[{"kind":"ServiceAccount","name":"redis","namespace":"redis"}]}
            """)
        let store = try await store("main")
        _ = try await eventually("the rights") { try await store.read(within: .seconds(5)) }
    }

    /// Asks as an administrator, until it answers 2xx or says that this is done already.
    private func ask(
        _ method: String, _ path: String, _ body: String?, alsoDone: Set<String> = ["409"]
    ) async throws {
        try await eventually("\(method) \(path)", within: .seconds(90)) {
            var arguments = [
                // To curl by its own name it would write with spaces.
                "-s", "-m", "10", "-A", "test", "--cacert", certificates.certificate("ca"), "-o", scratch["answer"],
                "-w",
                "%{http_code}", "-X", method, "-H", "Authorization: Bearer admin-token", "-H",
                "Content-Type: application/json", "https://\(endpoint)\(path)",
            ]
            if let body { arguments += ["-d", body] }
            let process = try Spawned("/usr/bin/curl", arguments, in: scratch.path, log: scratch["curl"])
            _ = process.ended()
            guard process.output.hasPrefix("2") || alsoDone.contains(process.output) else {
                let answer = (try? scratch.read("answer")).map { String(decoding: $0, as: UTF8.self) } ?? ""
                throw NotYet(seen: "\(process.output) \(answer)")
            }
        }
    }
}
