/// The servers that an app connects to where Sentinel decides, as a value: the master that it names, and the replicas that it
/// lists, or those that are given.
struct SentinelNodes: Sendable {
    private var named: [RedisEndpoint] = []
    /// In place of those that Sentinel lists.
    private var own: [ReplicaDiscovery.Found]?

    /// - Parameter ownReplicas: `nil` for those that Sentinel lists.
    init(ownReplicas: RedisTopology.ReplicaSource?) {
        switch ownReplicas {
        case nil: own = nil
        case .endpoints(let endpoints): own = endpoints.map { .init(endpoint: $0, name: $0.host) }
        // Until they are found.
        case .name, .nodes: own = []
        }
    }

    /// - Parameter named: the master first.
    mutating func take(_ named: [RedisEndpoint]) -> [ReplicaDiscovery.Found] {
        self.named = named
        return all
    }

    mutating func takeReplicas(_ found: [ReplicaDiscovery.Found]) -> [ReplicaDiscovery.Found] {
        own = found
        return all
    }

    private var all: [ReplicaDiscovery.Found] {
        let given = named.map { ReplicaDiscovery.Found(endpoint: $0, name: $0.host) }
        guard let own else { return given }
        return Array(given.prefix(1)) + own.filter { $0.endpoint != named.first }
    }
}
