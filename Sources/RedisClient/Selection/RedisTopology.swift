package import RedisCore

/// Where the master and the replicas are, as the operator says it.
public struct RedisTopology: Equatable, Sendable {
    public var master: RedisEndpoint
    public var replicas: ReplicaSource
    /// A headless name with the address of every server behind the master's name; `nil` where there is none.
    public var masterNodes: RedisEndpoint?

    /// Whether no master is given: ``replicas`` are all nodes, and the leader is found among them.
    public var findsLeader: Bool { if case .nodes = replicas { true } else { sentinel != nil } }

    /// Who is asked where Sentinel decides; `nil` where it does not.
    package var sentinel: SentinelSettings?

    /// Whether Sentinel decides which server leads.
    public var followsSentinel: Bool { sentinel != nil }

    public enum ReplicaSource: Equatable, Sendable {
        /// These, one by one; each name is resolved at its connect.
        case endpoints([RedisEndpoint])
        /// Every address that this name has, resolved again every few seconds: a headless Service, or a Service's one
        /// address.
        case name(RedisEndpoint)
        /// All nodes, the leader among them: every address that each of these names has.
        case nodes([RedisEndpoint])
    }

    /// - Parameter nodes: 1 or more. The first one stands for the leader while none is known.
    public init(nodes: [RedisEndpoint]) {
        precondition(!nodes.isEmpty, "a system has a node")
        self.init(master: nodes[0], replicas: .nodes(nodes))
    }

    /// Sentinel decides which server leads. The first Sentinel stands for the leader while none is known.
    ///
    /// - Parameter replicas: `nil` for those that Sentinel lists.
    package init(sentinel: SentinelSettings, replicas: ReplicaSource?) {
        let first = sentinel.sentinels[0]
        self.init(master: RedisEndpoint(host: first.host, port: first.port), replicas: replicas ?? .endpoints([]))
        self.sentinel = sentinel
        hasOwnReplicas = replicas != nil
    }

    private var hasOwnReplicas = false

    /// The replicas where Sentinel decides and they are given all the same; `nil` for those that it lists.
    var ownReplicas: ReplicaSource? { hasOwnReplicas ? replicas : nil }

    public init(master: RedisEndpoint, replicas: ReplicaSource) {
        self.master = master
        self.replicas = replicas
    }
}
