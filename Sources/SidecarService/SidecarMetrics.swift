import Glibc
import ReplicaSidecar
import Replication
import Telemetry

extension Sidecar {
    /// The body of `/metrics`.
    func metrics() -> MetricsText {
        var text = MetricsText()
        let isAway = if case .settled(.serverAway) = keeper.course { true } else { keeper.local == nil }
        text.begin("redis_up", .gauge, "Whether the local server answers.")
        text.add(isAway ? 0 : 1)
        if !isAway, let local = keeper.local { Self.add(local, to: &text) }
        addDecisions(to: &text)
        text.add(ProcessStatistics.now)
        return text
    }

    private static func add(_ local: ServerInformation, to text: inout MetricsText) {
        let fields = local.fields
        let replication = local.replication
        text.begin("redis_instance_info", .gauge, "What the local server is.")
        text.add(
            [
                ("role", replication.role == .master ? "master" : "slave"), ("redis_version", local.version),
                ("redis_mode", fields["redis_mode"] ?? fields["server_mode"] ?? ""), ("os", fields["os"] ?? ""),
                ("tcp_port", fields["tcp_port"] ?? ""), ("run_id", local.runID),
                ("process_id", fields["process_id"] ?? ""), ("master_replid", replication.replicationID),
            ], 1)
        if let uptime = fields["uptime_in_seconds"].flatMap({ Int($0) }) {
            text.begin("redis_start_time_seconds", .gauge, "When the server started, in seconds since 1970.")
            text.add(time(nil) - uptime)
        }
        for family in ExporterFamily.all {
            guard let value = family.value(in: fields) else { continue }
            text.begin(family.name, .gauge, family.help)
            text.add(value)
        }
        if let link = replication.masterLink { add(link, readOnly: fields["slave_read_only"] ?? "", to: &text) }
        add(replication.replicas, to: &text)
        text.begin("redis_db_keys", .gauge, "Keys of a database.")
        for database in local.databases { text.add([("db", database.name)], Int(database.keys)) }
        text.begin("redis_db_keys_expiring", .gauge, "Those of them that have a time to live.")
        for database in local.databases { text.add([("db", database.name)], Int(database.expiringKeys)) }
    }

    private static func add(_ link: ReplicationInfo.MasterLink, readOnly: String, to text: inout MetricsText) {
        let labels: [MetricsText.Label] = [("master_host", link.host), ("master_port", "\(link.port)")]
        text.begin("redis_slave_info", .gauge, "Whom the replica follows.")
        text.add(labels + [("read_only", readOnly)], 1)
        text.begin("redis_master_link_up", .gauge, "Whether the link to the master is up.")
        text.add(labels, link.isUp ? 1 : 0)
        text.begin("redis_master_sync_in_progress", .gauge, "Whether a full synchronisation is under way.")
        text.add(labels, link.isSynchronising ? 1 : 0)
        text.begin(
            "redis_master_last_io_seconds_ago", .gauge, "Seconds since the master was heard; -1: the link is down.")
        text.add(labels, link.silentSeconds.map { Int($0) } ?? -1)
        text.begin("redis_slave_repl_offset", .gauge, "Bytes of the master's stream that were applied.")
        text.add(labels, Int(link.appliedOffset))
    }

    private static func add(_ replicas: [ReplicationInfo.AttachedReplica], to text: inout MetricsText) {
        func labels(_ replica: ReplicationInfo.AttachedReplica) -> [MetricsText.Label] {
            [("slave_ip", replica.address), ("slave_port", "\(replica.port)"), ("slave_state", replica.state)]
        }
        text.begin("redis_connected_slave_offset_bytes", .gauge, "Bytes that an attached replica has acknowledged.")
        for replica in replicas { text.add(labels(replica), Int(replica.offset)) }
        text.begin("redis_connected_slave_lag_seconds", .gauge, "Seconds since an attached replica's acknowledgement.")
        for replica in replicas { text.add(labels(replica), Int(replica.lagSeconds)) }
    }

    private func addDecisions(to text: inout MetricsText) {
        text.begin("redis_replica_sidecar_ready", .gauge, "Whether /readyz says so.")
        text.add(readiness.isReady ? 1 : 0)
        text.begin("redis_replica_sidecar_state", .gauge, "What the sidecar is at; 1 for the state that is.")
        text.add([("state", keeper.course.code)], 1)
        text.begin("redis_replica_sidecar_alarm", .gauge, "Whether an operator should look; the reason is the state.")
        text.add(keeper.course.isAlarm || keeper.emptiedKeys != nil ? 1 : 0)
        text.begin(
            "redis_replica_sidecar_held", .gauge, "Whether a change waits for a confirmation, since it would cost data."
        )
        if case .held = keeper.course { text.add(1) } else { text.add(0) }
        text.begin(
            "redis_replica_sidecar_emptied_keys", .gauge, "Keys that a synchronisation with an empty master has cost.")
        text.add(Int(keeper.emptiedKeys ?? 0))
        if let local = keeper.local, let lag = masterOffsets.lagBytes(of: local.replication, at: now) {
            text.begin(
                "redis_replica_sidecar_lag_bytes", .gauge, "Bytes of the master's stream that the replica lacks.")
            text.add(Int(lag))
        }
        text.begin("redis_replica_sidecar_changes_total", .counter, "Changes of master that were carried out.")
        text.add([("move", "follow")], counters.follows)
        text.add([("move", "reconnect")], counters.reconnects)
        text.begin("redis_replica_sidecar_change_failures_total", .counter, "Changes that could not be carried out.")
        text.add(counters.failures)
        text.begin(
            "redis_replica_sidecar_holds_total", .counter, "Changes that were held back, since they would cost data.")
        text.add(counters.holds)
        text.begin("redis_replica_sidecar_confirmations_total", .counter, "What operators have confirmed.")
        text.add(counters.confirmations)
        text.begin("redis_replica_sidecar_rehearsals_total", .counter, "Changes that a dry run has only told.")
        text.add(counters.rehearsals)
        text.begin("redis_replica_sidecar_moves_by_hand_total", .counter, "REPLICAOFs that somebody else has sent.")
        text.add(counters.movesByHand)
        text.begin("redis_replica_sidecar_lost_datasets_total", .counter, "Synchronisations that left no keys.")
        text.add(counters.lostDatasets)
        text.begin("redis_replica_sidecar_rotations_total", .counter, "Secrets that were told the server anew.")
        text.add(counters.rotations)
        text.begin("redis_replica_sidecar_rotation_failures_total", .counter, "Attempts at that which failed.")
        text.add(counters.rotationFailures)
    }
}

extension ReplicaKeeper.Course {
    /// For metrics and programs: stable.
    var code: String {
        switch self {
        case .settled(let rest): rest.code
        case .suspecting: "suspecting"
        case .waiting: "waiting"
        case .held: "held"
        case .acting: "acting"
        case .rehearsed: "rehearsed"
        }
    }

    var isAlarm: Bool {
        switch self {
        case .settled(let rest): rest.isAlarm
        case .held: true
        case .suspecting, .waiting, .acting, .rehearsed: false
        }
    }

    /// For people.
    var words: String {
        switch self {
        case .settled(let rest): rest.description
        case .suspecting(let change, _): "may have to \(change)"
        case .waiting(let change, _): "will \(change), once the last change is long enough ago"
        case .held(let change, let comparison): "held: would \(change), but \(comparison)"
        case .acting(let change): "is about to \(change)"
        case .rehearsed(let change): "dry run: would \(change)"
        }
    }
}
