import NIOCore
import RedisClient
import RedisCore

/// What this process sees of the system: itself, the master, and the replicas.
///
/// It is what `GET /v1/topology` answers, and each event of `GET /v1/topology/events` holds:
///
/// - `app`: this process.
///   - `pod_ip`, `host_name`: how it is called.
///   - `version`: of the program.
///   - `streams`: how many streams of events are open, 0…64.
/// - `at`: the app's clock, in whole seconds.
/// - `verdict`: `state` is `ok`, `degraded` (a server is not well) or `failing` (writes or reads are refused); `writes` and `reads`
///   say since when they are accepted or refused, and why; `reads` how many servers serve them, of how many. `stale_share` is of
///   the reads of the last ten seconds, `p99_seconds` and the numbers a second are of the last second.
/// - `farthest`: the replica that is nearest to the master, and what its promotion would lose; `null` where none is known.
/// - `leader`: only where the app finds the leader among all nodes.
///   - `endpoint`: `host:port`; `null` while no node leads.
///   - `takes_writes`: whether writes are sent there now.
///   - `trouble`: why no node takes writes, in words for an operator; `null` while one does.
///   - `since`: since when that is so.
///   - `gap_seconds`: how long no node took writes before; `null` where there was no such time.
///   - `waiting_writes`: writes that wait for a leader now.
///   - `waited_writes`: writes that have waited for one since the process began.
/// - `sentinel`: only where Sentinel decides which server leads.
///   - `master_name`: as `sentinel monitor NAME` has it.
///   - `master`: `host:port` as the Sentinels named it last; `null` before they named one.
///   - `epoch`: the config-epoch of that, which grows with every fail-over.
///   - `failing_over`: whether one of them makes another server the master now.
///   - `trouble`: why they name no master now, in words for an operator; `null` while they do.
///   - `sentinels`: each `endpoint`, a stable `state` (`names-master` where all is well), the same in `words`, and its `epoch`.
/// - `master`: the server that takes the writes, which may be another one than configured.
///   - `endpoint`: `host:port`, as configured.
///   - `state`: `up`, or what is the matter, in words for an operator. Of several event loops, the first that sees something.
///   - `serving`: whether writes are sent there now.
///   - `role`: `master` or `replica`, as the server says; `null` while it never said so.
///   - `replication_id`: of the history that the server writes, 40 hexadecimal digits; `null` while it is not known.
///   - `offset`: bytes of the replication stream that the server has produced; `null` while it is not known.
///   - `connected_replicas`: how many replicas the server lists; `null` while it is not known.
///   - `in_flight`: submissions of commands that wait for the server's replies, over all event loops.
///   - `reads`: reads that the server has answered since the process began.
///   - `configured_as`: `master` or `replica`; `node` where the app finds the leader among all nodes.
///   - `standing`: `master`, `replica`, `stray_master` or `unknown`: its role in this system, regardless of what it reports.
///   - `since`: since when `state` and `standing` are as they are.
///   - `last_known_at`: `null` where the values are of now; else the server is away, and they are of that time.
/// - `replicas`: all other servers, in the order in which they are configured or found.
///   - `endpoint`, `state`, `role`, `in_flight`, `reads`, `configured_as`, `standing`, `since`, `last_known_at`: as above.
///   - `serving`: whether reads are sent there now; those of a replica that lost its master only where no better is there.
///   - `link`: of the replica to its master: `up`, `down`, or `synchronising` while its data set is being replaced; `null`
///     while it is not known, and where the server is a master.
///   - `applied_offset`: bytes of the replication stream that the server has applied; `null` while it is not known.
///   - `lag_bytes`: by how many bytes it is behind the master, 0 or more; `null` where one of them is not known, or their
///     histories differ. Both are asked at the same moment for a stream's events; else up to a second apart.
///   - `last_io_seconds`: seconds since the replica heard from its master; `null` while the link is not up.
struct Topology: Equatable, Sendable {
    struct App: Equatable, Sendable {
        var podIP: String
        var hostName: String
        var version: String
        var streams: Int
    }

    /// Whether all is well, in a few words and numbers.
    struct Verdict: Equatable, Sendable {
        /// Writes or reads are refused.
        var isFailing: Bool
        /// A server is not well.
        var isDegraded: Bool
        var writes: TopologyRecord.Acceptance
        var reads: TopologyRecord.Acceptance
        /// How many servers serve reads, of how many.
        var readServers: Int
        var servers: Int
        var staleShare: Double?
        var last: LoadSamples.Sample?
    }

    var app: App
    var master: ObservedServer
    var replicas: [ObservedServer]
    var lastChange: String?
    /// Which node leads; `nil` where a master is configured.
    var leader: ObservedLeader?
    /// What the Sentinels say; `nil` where they do not decide.
    var sentinel: SentinelReport?
    /// When it was seen, and what that comes to; `nil` until a ``TopologyRecord`` has taken it.
    var at: WallTime?
    var verdict: Verdict?

    /// What all event loops see together.
    ///
    /// - Parameter loops: 1 or more, each with the master first.
    init(of app: App, seenBy loops: [[ObservedServer]], words: SelectionWords = SelectionWords()) {
        guard var servers = loops.first, let first = servers.first else {
            preconditionFailure("a process has an event loop and a master")
        }
        for server in loops.dropFirst().joined() {
            if let index = servers.firstIndex(where: { $0.endpoint == server.endpoint }) {
                servers[index].add(server)
            } else {
                servers.append(server)
            }
        }
        self.app = app
        // While another server becomes the master, event loops may differ in who it is.
        let place = servers.firstIndex { $0.endpoint == first.endpoint } ?? 0
        self.master = servers.remove(at: place)
        self.replicas = servers
        self.lastChange = words.lastChange
        self.sentinel = words.sentinel
        self.leader = words.leader.map {
            ObservedLeader($0, waiting: words.waitingWrites, waited: words.waitedWrites, at: .now())
        }
    }

    /// By how many bytes a replica is behind the master; `nil` where that is unknown.
    func lagBytes(of replica: ObservedServer) -> Int64? {
        guard let master = master.information, let info = replica.information,
            !master.replicationID.isEmpty, master.replicationID == info.replicationID
        else { return nil }
        let (lag, isOverflow) = master.offset.subtractingReportingOverflow(info.appliedOffset)
        return isOverflow ? nil : max(0, lag)
    }

    /// The replica that has most of the master's stream, and by how many bytes it is behind what is known of that.
    var farthest: (endpoint: RedisEndpoint, behindBytes: Int64)? {
        var best: (endpoint: RedisEndpoint, behindBytes: Int64)?
        for replica in replicas where replica.standing == .replica && replica.information?.role == .replica {
            guard replica.information?.masterLink?.lostItsData != true, let lag = lagBytes(of: replica) else {
                continue
            }
            if best.map({ lag < $0.behindBytes }) ?? true { best = (replica.endpoint, lag) }
        }
        return best
    }

    /// The largest lag of those replicas that are seen.
    var worstLagBytes: Int64? { replicas.filter { $0.lastKnownAt == nil }.compactMap(lagBytes).max() }

    var worstLagNanoseconds: Int64? { replicas.compactMap(\.lagNanoseconds).max() }
}

extension ReplicationInfo {
    /// Bytes of the replication stream that are in the data set.
    var appliedOffset: Int64 { masterLink?.appliedOffset ?? offset }
}
