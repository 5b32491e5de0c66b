/// How one node takes part in fail-over. The same on all nodes, but for ``node`` and ``priority``.
package struct FailoverSettings: Equatable, Sendable {
    package var node: NodeID
    /// The names of all nodes, this one among them.
    package var members: [String]
    /// On how many nodes, the leader among them, an acknowledged write has to be so that no fail-over loses it: W, 1…N.
    package var writeQuorum: Int
    /// How long a renewal lasts.
    package var duration: Duration
    /// How often the lease is renewed or read.
    package var interval: Duration
    /// How long it takes at the most to have redis-server refuse writes, SIGKILL included.
    package var fenceTime: Duration
    /// How much longer than the duration others wait: clocks do not run at the same rate.
    package var clockTolerance: Duration
    /// 0: this node never leads.
    package var priority: Int
    /// How long a planned change may pause writes.
    package var pauseLimit: Duration

    package init(
        node: NodeID, members: [String], writeQuorum: Int = 2, duration: Duration = .seconds(5),
        interval: Duration = .seconds(1), fenceTime: Duration = .seconds(1),
        clockTolerance: Duration = .milliseconds(100), priority: Int = 100, pauseLimit: Duration = .seconds(1)
    ) {
        self.node = node
        self.members = members
        self.writeQuorum = writeQuorum
        self.duration = duration
        self.interval = interval
        self.fenceTime = fenceTime
        self.clockTolerance = clockTolerance
        self.priority = priority
        self.pauseLimit = pauseLimit
    }

    /// How many nodes have to tell how far their data goes before one of them is promoted: N − W + 1. One of them then has every
    /// write that W nodes have.
    package var readQuorum: Int { max(1, members.count - writeQuorum + 1) }

    /// How old an observation may be. Every node and the store are asked five times in that time, the node's own server more
    /// often, so only a process that stood still has older ones.
    package var observationLimit: Duration { duration }

    /// How long a lease has to be seen unchanged before another node takes it.
    var takeoverTime: Duration { duration + clockTolerance }
}
