import NIOCore
import RedisClient
import Replication

/// What this process sees of the system: itself, the master, and the replicas.
///
/// It is what `GET /v1/topology` answers, and each event of `GET /v1/topology/events` holds:
///
/// - `app`: this process.
///   - `pod_ip`, `host_name`: how it is called.
///   - `version`: of the program.
///   - `streams`: how many streams of events are open, 0…64.
/// - `master`: the server that takes the writes.
///   - `endpoint`: `host:port`, as configured.
///   - `state`: `up`, or what is the matter, in words for an operator. Of several event loops, the first that sees something.
///   - `serving`: whether writes are sent there now.
///   - `role`: `master` or `replica`, as the server says; `null` while no connection is up.
///   - `replication_id`: of the history that the server writes, 40 hexadecimal digits; `null` while it is not known.
///   - `offset`: bytes of the replication stream that the server has produced; `null` while it is not known.
///   - `connected_replicas`: how many replicas the server lists; `null` while it is not known.
///   - `in_flight`: submissions of commands that wait for the server's replies, over all event loops.
///   - `reads`: reads that the server has answered since the process began.
/// - `replicas`: the servers for reads, in the order in which they are configured or found.
///   - `endpoint`, `state`, `role`, `in_flight`, `reads`: as above.
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

    var app: App
    var master: ObservedServer
    var replicas: [ObservedServer]

    /// What all event loops see together.
    ///
    /// - Parameter loops: 1 or more, each with the master first.
    init(of app: App, seenBy loops: [[ObservedServer]]) {
        guard var master = loops.first?.first else { preconditionFailure("a process has an event loop and a master") }
        var replicas = Array(loops[0].dropFirst())
        for servers in loops.dropFirst() {
            if let first = servers.first { master.add(first) }
            for server in servers.dropFirst() {
                if let index = replicas.firstIndex(where: { $0.endpoint == server.endpoint }) {
                    replicas[index].add(server)
                } else {
                    replicas.append(server)
                }
            }
        }
        self.app = app
        self.master = master
        self.replicas = replicas
    }

    /// By how many bytes a replica is behind the master; `nil` where that cannot be told.
    func lagBytes(of replica: ObservedServer) -> Int64? {
        guard let master = master.information, let info = replica.information,
            !master.replicationID.isEmpty, master.replicationID == info.replicationID
        else { return nil }
        return max(0, master.offset - info.appliedOffset)
    }
}

extension ReplicationInfo {
    /// Bytes of the replication stream that are in the data set.
    var appliedOffset: Int64 { masterLink?.appliedOffset ?? offset }
}
