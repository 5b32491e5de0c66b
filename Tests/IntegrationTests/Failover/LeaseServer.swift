import LeaseStore
import LocalTopology
import NIOCore
import NIOPosix
import SystemPackage
import Testing

/// The server behind a lease store, which a test can stop, freeze and start again.
protocol LeaseServer: Sendable {
    /// A separate store, with its own connections. Ended with the server.
    func store(_ lease: String) async throws -> any LeaseStore
    /// As another program does, past every store.
    func remove(_ lease: String) async throws
    /// Puts there what no store of ours writes.
    func putForeign(_ lease: String) async throws
    /// SIGKILL, or as if.
    func kill() async throws
    func start() async throws
    /// SIGSTOP, or as if.
    func freeze() async throws
    func thaw() async throws
}

/// An API server of Kubernetes, or what answers as one.
protocol APIServer: LeaseServer {
    /// As the service account of a pod.
    func settings(_ lease: String) throws -> KubernetesSettings
    /// A lease by its name, another object by kind and name: `endpointslices/redis-master-ipv4`.
    func object(_ path: String) async throws -> String?
    /// All objects of a kind, as text.
    func all(_ kind: String) async throws -> String
    /// As another program does.
    func replace(_ path: String, _ json: String) async throws
}

/// The stores that the suite runs against.
enum LeaseServerKind: String, CustomTestStringConvertible, Sendable {
    case etcd
    case etcdOverTLS = "etcd over TLS, with authentication"
    /// A server of ours that answers as the API server was seen to.
    case scriptedAPIServer = "scripted API server"
    /// The program that `KUBE_APISERVER` names.
    case kubeAPIServer = "kube-apiserver"

    var testDescription: String { rawValue }

    static let all: [Self] =
        [.etcd, .etcdOverTLS, .scriptedAPIServer] + (KubeAPIServer.program == nil ? [] : [.kubeAPIServer])

    /// Those that have more of Kubernetes than leases.
    static let apiServers: [Self] = [.scriptedAPIServer] + (KubeAPIServer.program == nil ? [] : [.kubeAPIServer])

    func withAPIServer(_ body: @Sendable (any APIServer) async throws -> Void) async throws {
        try await withServer { server in try await body(#require(server as? any APIServer)) }
    }

    func withServer(_ body: @Sendable (any LeaseServer) async throws -> Void) async throws {
        switch self {
        case .etcd: try await EtcdServer.with { try await body($0) }
        case .etcdOverTLS: try await EtcdServer.with(isSecured: true) { try await body($0) }
        case .scriptedAPIServer: try await ScriptedAPIServer.with { try await body($0) }
        case .kubeAPIServer: try await KubeAPIServer.with { try await body($0) }
        }
    }
}

/// The stores that a server has given out, to end with it.
final class GivenStores: Sendable {
    private let stores = NIOLockedValues()
    let loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()

    private actor NIOLockedValues {
        var stores: [any LeaseStore] = []
        func add(_ store: any LeaseStore) { stores.append(store) }
        func endAll() async {
            for store in stores { await store.shutDown() }
            stores = []
        }
    }

    func add(_ store: any LeaseStore) async -> any LeaseStore {
        await stores.add(store)
        return store
    }

    func endAll() async { await stores.endAll() }
}

/// Waits until the body does not throw, and gives its value.
func eventually<Value>(
    _ what: String, within limit: Duration = .seconds(40), _ body: () async throws -> Value
) async throws -> Value {
    let end = ContinuousClock.now + limit
    while true {
        do {
            return try await body()
        } catch {
            guard ContinuousClock.now < end else {
                throw Spawned.Failure(description: "\(what) was not seen within \(limit): \(error)")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

/// What was seen is not yet what is waited for.
struct NotYet: Error {
    var seen: String
}
