import RedisClient
import RedisCore

/// What the process remembers of what it saw: last known values, since when things are as they are, a time line, and five minutes
/// of load. A value; topologies, loads and times go in. Bounded by the number of servers, and by fixed numbers.
struct TopologyRecord: Sendable {
    /// How long a server may be unknown after the start before that counts as a loss.
    static let patienceMilliseconds: Int64 = 2000

    private struct Memory {
        var information: ReplicationInfo?
        var knownAt: WallTime
        var state: String
        var standing: ObservedServer.Standing
        var since: WallTime
        let firstSeenAt: WallTime
    }

    /// Whether writes or reads are accepted.
    struct Acceptance: Equatable, Sendable {
        var isAccepted: Bool
        var since: WallTime
        /// In words for an operator; `nil` while they are accepted.
        var reason: String?
    }

    private var memories: [String: Memory] = [:]
    private var writes: Acceptance?
    private var reads: Acceptance?
    private var master: String?
    private var lastChange: String?
    /// How often a node had begun to take writes, and how many writes had waited, when that was noted last.
    private var leaders = 0
    private var leader: ObservedLeader?
    private var waitedWrites = 0
    private var startedAt: WallTime?
    private(set) var timeline = Timeline()
    private(set) var samples = LoadSamples()

    init() {}

    /// Notes that the app has started, once.
    mutating func start(at now: WallTime) {
        guard startedAt == nil else { return }
        startedAt = now
        timeline.note(.started, "the app started", at: now)
    }

    /// Takes what is seen now.
    ///
    /// - Returns: the same, with last known values for servers that are away, and with the verdict.
    mutating func observe(_ seen: Topology, at now: WallTime) -> Topology {
        var topology = seen
        start(at: now)
        notePromotion(seen, at: now)
        if var leader = seen.leader {
            note(leader, at: now)
            // Two clocks tell it, so it is kept as it was told first.
            if let known = self.leader, known.endpoint == leader.endpoint, known.trouble == leader.trouble,
                known.number == leader.number
            {
                leader.since = known.since
            }
            self.leader = leader
            topology.leader = leader
        }
        remember(&topology.master, at: now)
        for index in topology.replicas.indices {
            remember(&topology.replicas[index], at: now)
            // A former master that is away is none any more.
            if topology.replicas[index].standing == .master, topology.replicas[index].lastKnownAt != nil {
                topology.replicas[index].standing = .unknown
            }
        }
        let known = Set(([topology.master] + topology.replicas).map(\.endpoint.description))
        for gone in memories.keys.filter({ !known.contains($0) }) {
            memories[gone] = nil
            for kind in [Timeline.Kind.lost, .strayMaster, .resync] { timeline.end(kind, of: gone, at: now) }
        }
        topology.at = now.second
        topology.verdict = verdict(on: topology, at: now)
        return topology
    }

    /// Takes what was answered until now, once a second.
    ///
    /// - Parameter topology: as ``observe(_:at:)`` returned it.
    mutating func sample(_ load: RequestLoad, _ topology: Topology, after seconds: Double, at now: WallTime) {
        var lags: [String: Int64] = [:]
        for replica in topology.replicas where replica.lastKnownAt == nil {
            lags[replica.endpoint.description] = topology.lagBytes(of: replica)
        }
        samples.take(load, lags: lags, after: seconds, at: now)
    }

    mutating func takeTimelineChanges() -> [Timeline.Entry] { timeline.takeChanges() }

    // MARK: Servers

    private mutating func remember(_ server: inout ObservedServer, at now: WallTime) {
        let name = server.endpoint.description
        var memory =
            memories[name]
            ?? Memory(
                knownAt: now, state: server.state, standing: server.standing, since: now, firstSeenAt: now)
        note(server, before: memory, at: now)
        if let information = server.information {
            memory.information = information
            memory.knownAt = now
        } else {
            server.information = memory.information
            server.lastKnownAt = memory.information == nil ? nil : memory.knownAt
            // What it was, it may be again; that it is a stray is not known of a server that is away.
            if server.standing == .unknown, memory.information != nil { server.standing = memory.standing }
        }
        if memory.state != server.state || memory.standing != server.standing { memory.since = now }
        memory.state = server.state
        memory.standing = server.standing
        server.since = memory.since
        memories[name] = memory
    }

    private mutating func note(_ server: ObservedServer, before memory: Memory, at now: WallTime) {
        let name = server.endpoint.description
        guard let information = server.information else {
            let isLost =
                memory.information != nil
                || now.milliseconds - memory.firstSeenAt.milliseconds > Self.patienceMilliseconds
            if isLost { timeline.begin(.lost, of: name, server.state, at: now) }
            return timeline.end(.resync, of: name, at: now)
        }
        timeline.end(.lost, of: name, at: now)
        if let role = memory.information?.role, role != information.role {
            timeline.note(
                .role, of: name, information.role == .master ? "became a master" : "became a replica", at: now)
        }
        if server.standing == .strayMaster {
            timeline.begin(.strayMaster, of: name, server.state, at: now)
        } else {
            timeline.end(.strayMaster, of: name, at: now)
        }
        if information.masterLink?.isSynchronising == true {
            timeline.begin(.resync, of: name, "gets a full copy of the data", at: now)
        } else {
            timeline.end(.resync, of: name, at: now)
        }
    }

    private mutating func note(_ leader: ObservedLeader, at now: WallTime) {
        if leader.trouble == nil {
            timeline.end(.leaderLost, at: now)
        } else if leaders > 0 {
            timeline.begin(.leaderLost, leader.trouble ?? "", at: now)
        }
        guard leader.trouble == nil, leader.number != leaders, let endpoint = leader.endpoint else { return }
        let gap = leader.gapNanoseconds.map { ", after \($0 / 1_000_000) ms without a leader that does" } ?? ""
        let waited = leader.waitedWrites - waitedWrites
        let writes = waited > 0 ? "; \(waited) write(s) waited for it" : ""
        timeline.note(.leader, of: endpoint.description, "leads and takes writes\(gap)\(writes)", at: now)
        leaders = leader.number
        waitedWrites = leader.waitedWrites
    }

    private mutating func notePromotion(_ topology: Topology, at now: WallTime) {
        let name = topology.master.endpoint.description
        let hasChanged = topology.lastChange != nil && topology.lastChange != lastChange
        if hasChanged || (master != nil && master != name) {
            let text = topology.lastChange ?? "is the master now, in place of \(master ?? "another one")"
            timeline.note(.promotion, of: name, text, at: now)
        }
        lastChange = topology.lastChange
        master = name
    }

    // MARK: The verdict

    private mutating func verdict(on topology: Topology, at now: WallTime) -> Topology.Verdict {
        let servers = [topology.master] + topology.replicas
        let serving = servers.count { $0.servesReads }
        let isEarly = startedAt.map { now.milliseconds - $0.milliseconds <= Self.patienceMilliseconds } ?? true
        let writes = Self.next(
            self.writes, isAccepted: topology.master.isServing, reason: topology.master.state, at: now)
        let reads = Self.next(
            self.reads, isAccepted: serving > 0, reason: "no server can serve a read", at: now)
        note(.writesRefused, writes, isEarly, "writes are refused: \(writes.reason ?? "")", at: now)
        note(.readsRefused, reads, isEarly, "reads are refused: no server can serve one", at: now)
        self.writes = writes
        self.reads = reads
        let isWell = servers.allSatisfy { $0.state == RedisConnection.goodState }
        return Topology.Verdict(
            isFailing: !writes.isAccepted || !reads.isAccepted, isDegraded: !isWell, writes: writes, reads: reads,
            readServers: serving, servers: servers.count, staleShare: samples.staleShare, last: samples.samples.last)
    }

    private static func next(_ old: Acceptance?, isAccepted: Bool, reason: String, at now: WallTime) -> Acceptance {
        Acceptance(
            isAccepted: isAccepted, since: old?.isAccepted == isAccepted ? old?.since ?? now : now,
            reason: isAccepted ? nil : reason)
    }

    private mutating func note(
        _ kind: Timeline.Kind, _ acceptance: Acceptance, _ isEarly: Bool, _ text: String, at now: WallTime
    ) {
        if acceptance.isAccepted {
            timeline.end(kind, at: now)
        } else if !isEarly {
            timeline.begin(kind, text, at: now)
        }
    }
}
