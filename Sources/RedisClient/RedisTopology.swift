/// Where the master and the replicas are, as the operator says it.
public struct RedisTopology: Equatable, Sendable {
    public var master: RedisEndpoint
    public var replicas: ReplicaSource

    public enum ReplicaSource: Equatable, Sendable {
        /// These, one by one; each name is resolved at its connect.
        case endpoints([RedisEndpoint])
        /// Every address that this name has, resolved anew every few seconds: a headless Service, or a Service's one
        /// address.
        case name(RedisEndpoint)
    }

    public init(master: RedisEndpoint, replicas: ReplicaSource) {
        self.master = master
        self.replicas = replicas
    }
}
