internal import FoundationEssentials

extension KubernetesLeaseStore: WatchedStore {
    func readForWatch() async throws(LeaseStoreError) -> (lease: StoredLease?, position: String) {
        let object = try await find(until: .now + StoreHTTP.connectTime * 3)
        let version = object?.metadata.resourceVersion ?? Self.anyVersion
        return (try object.map { object throws(LeaseStoreError) in try stored(object) } ?? nil, version)
    }

    func follow(
        from position: inout String, tell: (StoredLease?) -> Void
    ) async throws(LeaseStoreError) {
        var next = position
        defer { position = next }
        var isExpired = false
        let isKnown = try await client.watch(from: Self.safe(position)) { bytes throws(LeaseStoreError) in
            guard let event = try? JSONDecoder().decode(KubernetesEvent.self, from: Data(bytes)) else {
                throw client.failure(.watch, "sends a watch that cannot be read")
            }
            if event.type == .error {
                guard event.object.code == 410 else { throw client.failure(.watch, "ends the watch") }
                isExpired = true
                return false
            }
            if let version = event.object.metadata?.resourceVersion { next = version }
            switch event.type {
            case .added, .modified:
                guard let lease = try? JSONDecoder().decode(KubernetesEvent.Whole.self, from: Data(bytes)).object else {
                    throw client.failure(.watch, "sends something that is no Lease")
                }
                tell(try stored(lease))
            case .deleted: tell(nil)
            case .bookmark, .error: break
            }
            return true
        }
        if !isKnown || isExpired {
            // The object's own version may be older than what the API server keeps, for ever: what comes next starts
            // with the present state.
            let lease = try await readForWatch().lease
            tell(lease)
            next = Self.anyVersion
        }
    }

    /// The state that the API server has at hand, and what comes after it. Without a version it would first have etcd confirm
    /// that the state is the newest, which an older etcd cannot: then it answers 500 (Kubernetes 1.36 with etcd 3.4, ran).
    private static let anyVersion = "0"

    /// A version is opaque, and goes into a URL.
    private static func safe(_ version: String) -> String {
        version.utf8.allSatisfy { (0x30...0x39) ~= $0 || (0x41...0x5A) ~= $0 || (0x61...0x7A) ~= $0 }
            ? version : anyVersion
    }
}

/// One line of a watch.
struct KubernetesEvent: Decodable {
    enum Kind: String, Decodable {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
        case bookmark = "BOOKMARK"
        case error = "ERROR"
    }

    var type: Kind
    var object: Part

    /// What every kind of it may have.
    struct Part: Decodable {
        var metadata: Metadata?
        /// Of an error.
        var code: Int?

        struct Metadata: Decodable {
            var resourceVersion: String?
        }
    }

    struct Whole: Decodable {
        var object: KubernetesLease
    }
}
