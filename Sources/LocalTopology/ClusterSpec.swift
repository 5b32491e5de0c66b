/// A cluster as a value: its nodes, in the order in which they start.
public struct ClusterSpec: Hashable, Sendable {
    public var nodes: [NodeSpec]
    /// How long one node may take from its start until it is up.
    package var startDeadline: Duration
    /// How long a node may take to end after SIGTERM, before it is killed.
    package var stopDeadline: Duration

    public init(_ nodes: [NodeSpec], startDeadline: Duration = .seconds(20), stopDeadline: Duration = .seconds(5)) {
        precondition(Set(nodes.map(\.name)).count == nodes.count, "two nodes share a name")
        self.nodes = nodes
        self.startDeadline = startDeadline
        self.stopDeadline = stopDeadline
    }
}
