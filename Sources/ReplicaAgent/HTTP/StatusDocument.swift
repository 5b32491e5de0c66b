import NIOCore
import RedisCore
import ReplicaReconciler
import Telemetry

extension Sidecar {
    /// The body of `/status` for those who do not show the token: without addresses.
    func briefStatus() -> ByteBuffer {
        var json = JSONText()
        json.object {
            $0.member("ready", readiness.isReady)
            $0.member("state", reconciler.state.code)
            $0.member("alarm", isAlarm)
        }
        json.end()
        return json.buffer
    }

    /// The body of `/status`: what is seen, what is decided, and why.
    func status() -> ByteBuffer {
        var json = JSONText()
        json.object {
            $0.member("ready", readiness.isReady)
            $0.member("readiness", readiness.description)
            $0.member("state", reconciler.state.code)
            $0.member("reason", reconciler.state.words)
            $0.member("alarm", isAlarm)
            $0.member("alarms") { $0.array(reconciler.alarms) { $0.value($1.description) } }
            $0.member("dry_run", reconciler.settings.isDryRun)
            $0.member("emptied_keys", reconciler.emptiedKeys)
            $0.member("configured_master", reconciler.settings.configured?.description)
            $0.member("record") { $0.write(reconciler.record) }
            $0.member("server") { json in
                let isAway = if case .settled(.serverAway) = reconciler.state { true } else { false }
                if isAway { json.null() } else { json.write(reconciler.local) }
            }
            $0.member("lag_bytes", reconciler.local.flatMap { masterOffsets.lagBytes(of: $0.replication, at: now) })
            $0.member("master") { $0.write(reconciler.observation) }
            $0.member("sentinel") { $0.write(sentinels, follower) }
        }
        json.end()
        return json.buffer
    }
}

extension JSONText {
    fileprivate mutating func write(_ record: MasterRecord?) {
        guard let record else { return null() }
        object {
            $0.member("follows", record.following.description)
            $0.member("decided_by", record.author.rawValue)
            $0.member("term", Int64(clamping: record.term))
            $0.member("supersedes") { $0.array(record.superseded) { $0.value($1.description) } }
        }
    }

    fileprivate mutating func write(_ sentinels: SentinelWatch?, _ follower: SentinelFollower) {
        guard let sentinels else { return null() }
        object {
            $0.member("state", follower.state.code)
            $0.member("master", follower.state.master?.address.description)
            $0.member("epoch", follower.state.master.map { Int64(clamping: $0.epoch) })
            $0.member("master_name", sentinels.access.settings.masterName)
            $0.member("sentinels") {
                $0.array(sentinels.reports) { json, report in
                    json.object {
                        $0.member("address", report.sentinel.description)
                        $0.member("says", report.answer?.description ?? "has not answered yet")
                        $0.member("code", report.answer?.code ?? "asking")
                    }
                }
            }
        }
    }

    fileprivate mutating func write(_ server: ServerInformation?) {
        guard let server else { return null() }
        let replication = server.replication
        object {
            $0.member("role", replication.role == .master ? "master" : "replica")
            $0.member("version", server.version)
            $0.member("run_id", server.runID)
            $0.member("loading", server.isLoading)
            $0.member("keys", server.keys)
            $0.member("replication_id", replication.replicationID)
            $0.member("offset", replication.masterLink?.appliedOffset ?? replication.offset)
            $0.member("follows", replication.masterLink.map { MasterAddress(host: $0.host, port: $0.port).description })
            $0.member(
                "link", replication.masterLink.map { $0.isUp ? "up" : $0.isSynchronising ? "synchronising" : "down" })
            $0.member("link_down_seconds", replication.masterLink.flatMap { $0.hasBeenUp ? $0.downSeconds : nil })
            $0.member("master_silent_seconds", replication.masterLink?.silentSeconds)
        }
    }

    fileprivate mutating func write(_ observation: ObservedMaster?) {
        guard let observation else { return null() }
        object {
            $0.member("address", observation.address.description)
            switch observation.outcome {
            case .unresolved(let reason): $0.member("unresolved", reason)
            case .found(let candidates):
                $0.member("found") { $0.array(candidates) { $0.write($1) } }
            }
            switch observation.nodes {
            case .notAsked: break
            case .unresolved(let reason): $0.member("nodes_unresolved", reason)
            case .found(let candidates): $0.member("nodes") { $0.array(candidates) { $0.write($1) } }
            }
        }
    }

    private mutating func write(_ candidate: ObservedMaster.Candidate) {
        object {
            $0.member("address", candidate.address)
            $0.member("port", Int64(candidate.port))
            $0.member("is", candidate.description)
            guard case .master(let master) = candidate.standing else { return }
            $0.member("run_id", master.runID)
            $0.member("replication_id", master.replication.replicationID)
            $0.member("offset", master.replication.offset)
            $0.member("keys", master.keys)
        }
    }
}
