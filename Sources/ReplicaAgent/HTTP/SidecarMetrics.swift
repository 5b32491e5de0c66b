import NIOCore
import RedisCore
import ReplicaReconciler
import Telemetry

extension Sidecar {
    /// Makes the body of `/metrics`: the local server is asked for all of it now, as redis_exporter asks when it is scraped.
    ///
    /// One text at a time. Those who ask meanwhile share the next one: a text can be megabytes, and `/livez` waits for it.
    ///
    /// - Parameter completion: called once, on the event loop, with numbers that are younger than this call.
    func metrics(_ completion: @escaping (ByteBuffer) -> Void) {
        waitingForMetrics.append(completion)
        if !isMakingMetrics { makeMetrics() }
    }

    private func makeMetrics() {
        isMakingMetrics = true
        let asking = waitingForMetrics
        waitingForMetrics = []
        processFiles.perform {
            ProcessStatistics.now
        } completion: { process in
            self.serverReports.ask { report in
                let text = self.metricsText(report, process)
                self.isMakingMetrics = false
                // Not at once: probes have their turn before the next text is made.
                self.isolatedLoop.execute {
                    if !self.isMakingMetrics, !self.waitingForMetrics.isEmpty { self.makeMetrics() }
                }
                for completion in asking { completion(text) }
            }
        }
    }

    private func metricsText(_ report: ServerReports.Report?, _ process: ProcessStatistics) -> ByteBuffer {
        var text = MetricsText()
        text.add(server: report)
        addDecisions(to: &text)
        text.add(process)
        return text.buffer
    }

    private func addDecisions(to text: inout MetricsText) {
        text.begin("redis_replica_sidecar_ready", .gauge, "Whether /readyz says ready.")
        text.add(readiness.isReady ? 1 : 0)
        text.begin("redis_replica_sidecar_state", .gauge, "The state of the sidecar: 1 for the current one.")
        text.add([("state", reconciler.state.code)], 1)
        text.begin("redis_replica_sidecar_alarm", .gauge, "Whether an operator should look; the reason is the state.")
        text.add(isAlarm ? 1 : 0)
        text.begin(
            "redis_replica_sidecar_held", .gauge, "Whether a change waits for a confirmation, since it would lose data."
        )
        if case .held = reconciler.state { text.add(1) } else { text.add(0) }
        text.begin(
            "redis_replica_sidecar_emptied_keys", .gauge, "Keys lost by a synchronisation with an empty master.")
        text.add(Int(reconciler.emptiedKeys ?? 0))
        if let sentinels {
            text.begin(
                "redis_replica_sidecar_sentinel_state", .gauge, "How it stands with Sentinel: 1 for the current state.")
            text.add([("state", follower.state.code)], 1)
            text.begin("redis_replica_sidecar_sentinel_epoch", .gauge, "The epoch of the master that Sentinel names.")
            text.add(Int(clamping: follower.state.master?.epoch ?? 0))
            text.begin("redis_replica_sidecar_sentinels", .gauge, "Sentinels that are asked.")
            text.add(sentinels.reports.count)
            text.begin("redis_replica_sidecar_sentinels_answering", .gauge, "Sentinels that name a master, up or down.")
            text.add(sentinels.reports.count { $0.answer?.named != nil })
        }
        if let local = reconciler.local, let lag = masterOffsets.lagBytes(of: local.replication, at: now) {
            text.begin(
                "redis_replica_sidecar_lag_bytes", .gauge, "Bytes of the master's stream that the replica lacks.")
            text.add(Int(lag))
        }
        text.begin("redis_replica_sidecar_changes_total", .counter, "Changes of master that were carried out.")
        text.add([("move", "follow")], counters.follows)
        text.add([("move", "reconnect")], counters.reconnects)
        text.begin("redis_replica_sidecar_change_failures_total", .counter, "Changes of master that failed.")
        text.add(counters.failures)
        text.begin(
            "redis_replica_sidecar_holds_total", .counter, "Changes of master that were blocked: they would lose data.")
        text.add(counters.holds)
        text.begin("redis_replica_sidecar_confirmations_total", .counter, "Confirmations by operators.")
        text.add(counters.confirmations)
        text.begin("redis_replica_sidecar_rehearsals_total", .counter, "Changes that a dry run did not carry out.")
        text.add(counters.rehearsals)
        text.begin("redis_replica_sidecar_moves_by_hand_total", .counter, "REPLICAOFs that the sidecar did not send.")
        text.add(counters.movesByHand)
        text.begin("redis_replica_sidecar_lost_datasets_total", .counter, "Synchronisations that left no keys.")
        text.add(counters.lostDatasets)
        text.begin("redis_replica_sidecar_rotations_total", .counter, "Secrets that were rotated on the server.")
        text.add(secrets.rotations)
        text.begin("redis_replica_sidecar_rotation_failures_total", .counter, "Failed attempts to rotate a secret.")
        text.add(secrets.failures)
    }
}

extension Reconciler.State {
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
        case .held(let change, let comparison): "blocked: would \(change), but \(comparison)"
        case .acting(let change): "is about to \(change)"
        case .rehearsed(let change): "dry run: would \(change)"
        }
    }
}
