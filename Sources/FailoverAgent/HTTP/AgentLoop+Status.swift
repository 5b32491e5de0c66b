import Failover
import NIOCore
import Telemetry

extension AgentLoop {
    // MARK: Readiness

    /// Whether clients may be sent here, and why not.
    var readiness: (isReady: Bool, words: String) {
        let now = now
        switch machine.state {
        case .leading(let leadership), .handingOver(let leadership, _, _, _):
            guard now < leadership.validFrom + configuration.settings.duration else {
                return (false, "not ready: its lease has run out")
            }
            return (true, "ready: leads in term \(leadership.term)")
        case .taking, .promoting, .recording: return (false, "not ready: is about to lead")
        case .fencing, .releasing: return (false, "not ready: gives up its place")
        case .following: break
        }
        guard let local = machine.local else { return (false, "not ready: redis-server was not asked yet") }
        // After this process stood still.
        guard machine.isCurrent(local.askedAt, at: now) else {
            return (false, "not ready: redis-server was not asked for \((now - local.askedAt).tenths) s")
        }
        switch local.role {
        case .replica(let name?, isLinkUp: true) where name == leaderName:
            return (true, "ready: replicates from \(name)")
        case .replica(_, isLinkUp: true): return (false, "not ready: replicates from a node that does not lead")
        case .replica: return (false, "not ready: its link to a leader is down")
        case .incomplete(let reason): return (false, "not ready: \(reason.words)")
        case .away: return (false, "not ready: redis-server does not answer")
        case .master: return (false, "not ready: is a master that does not lead")
        }
    }

    // MARK: All nodes

    struct NodeRow {
        var name: String
        var observation: NodeObservation?
        var isLeader: Bool
        /// Bytes of the leader's stream that it lacks; `nil` where that is not known.
        var lagBytes: Int64?
        var age: Duration?
    }

    func nodeRows() -> [NodeRow] {
        let now = now
        func observation(_ name: String) -> NodeObservation? { name == ownName ? machine.local : machine.peers[name] }
        let leader = leaderName
        let head = leader.flatMap(observation)?.position
        return configuration.members.map { member in
            let seen = observation(member.name)
            var lag: Int64?
            if let head, let position = seen?.position, position.term == head.term, position.history == head.history {
                lag = max(0, head.offset - position.offset)
            }
            return NodeRow(
                name: member.name, observation: seen, isLeader: member.name == leader, lagBytes: lag,
                age: seen.map { now - $0.askedAt })
        }
    }

    /// What only the others have, or may have, as seen from this node: a line each.
    var losses: [String] {
        let own = machine.local?.position
        return configuration.members.map(\.name).filter { $0 != ownName }.compactMap { name in
            guard let peer = machine.peers[name], !(peer.role == .away) else {
                return
                    "\(name) does not answer: what only it has is lost, or kept in its rollback folder when it comes back"
            }
            guard let theirs = peer.position else { return nil }
            guard let own else { return "\(name) has data, and nothing is known of the data of \(ownName)" }
            switch theirs.order(to: own) {
            case .behind, .same: return nil
            case .unrelated: return "\(name) has another data set: all of it"
            case .ahead where theirs.history == own.history:
                return "\(name) is ahead by \(theirs.offset - own.offset) bytes"
            case .ahead: return "\(name) has data of term \(theirs.term), \(ownName) of term \(own.term)"
            }
        }
    }

    /// What `failover` without `--force` says.
    var forceQuestion: String {
        if let leader = leaderName, leader == ownName { return "\(ownName) leads already" }
        var lines = ["\(ownName) would be made the leader, whatever its data lacks."]
        if let block = machine.block { lines.append("It is not promoted by itself because: \(block).") }
        let losses = losses
        lines.append(losses.isEmpty ? "Nothing would be lost, as far as is known." : "What would be lost:")
        lines += losses.map { "- \($0)" }
        lines.append("A leader that renews its lease is not replaced. Do it with: failover --force")
        return lines.joined(separator: "\n")
    }

    // MARK: For people

    func statusTable() -> String {
        var rows = [["NODE", "ROLE", "TERM", "OFFSET", "LAG", "ASKED", "NOTE"]]
        for row in nodeRows() {
            let position = row.observation?.position
            rows.append([
                row.name, row.observation?.role.word ?? "unknown", position.map { "\($0.term)" } ?? "-",
                position.map { "\($0.offset)" } ?? "-", row.lagBytes.map { "\($0)" } ?? "-",
                row.age.map { "\($0.tenths) s ago" } ?? "never",
                [row.isLeader ? "leads" : "", row.name == ownName ? "this node" : "", row.observation?.role.note ?? ""]
                    .filter { !$0.isEmpty }.joined(separator: ", "),
            ])
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        var lines = rows.map { row in
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            return cells.joined(separator: "  ").trimmingBlanks
        }
        lines.append("")
        lines.append("state of \(ownName): \(machine.stateName)")
        switch machine.lease {
        case nil: lines.append("lease: not read yet")
        case .absent: lines.append("lease: none yet")
        case .present(let seen):
            let record = seen.record
            lines.append(
                "lease: \(record.holder.map { "\($0.name) has it" } ?? "free"), term \(record.term), for "
                    + "\(record.duration.tenths) s, changed \((now - seen.unchangedSince).tenths) s ago")
            if record.isPaused {
                lines.append("automatic fail-over is PAUSED; end it with: redis-replica-sidecar resume")
            }
        }
        if let leaseDoubt { lines.append("LEASE LOST A TERM: \(leaseDoubt)") }
        if leaderName == nil || machine.block != nil, let block = machine.block { lines.append("blocked: \(block)") }
        if leaderName == nil { lines += losses.map { "would be lost with failover --force: \($0)" } }
        if let (time, event) = told.last(where: { $0.event.isTrouble }) {
            lines.append("last trouble, \((now - time).tenths) s ago: \(event)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    // MARK: For programs

    func statusDocument() -> ByteBuffer {
        var json = JSONText()
        let readiness = readiness
        json.object {
            $0.member("node", ownName)
            $0.member("state", machine.stateName)
            $0.member("ready", readiness.isReady)
            $0.member("readiness", readiness.words)
            $0.member("leader", leaderName)
            $0.member("term", lease.map { Int64(clamping: $0.term) })
            $0.member("paused", lease?.isPaused ?? false)
            $0.member("blocked", machine.block.map { "\($0)" })
            $0.member("lease") { json in
                guard case .present(let seen) = machine.lease else { return json.null() }
                json.object {
                    $0.member("holder", seen.record.holder?.name)
                    $0.member("term", Int64(clamping: seen.record.term))
                    $0.member("duration_ms", seen.record.duration.milliseconds)
                    $0.member("unchanged_ms", (now - seen.unchangedSince).milliseconds)
                }
            }
            $0.member("lease_doubt", leaseDoubt.map { "\($0)" })
            $0.member("nodes") { json in
                json.array(nodeRows()) { json, row in
                    json.object {
                        $0.member("name", row.name)
                        $0.member("leads", row.isLeader)
                        $0.member("role", row.observation?.role.word)
                        $0.member("note", row.observation?.role.note)
                        $0.member("term", (row.observation?.position?.term).map { Int64(clamping: $0) })
                        $0.member("history", row.observation?.position?.history)
                        $0.member("offset", row.observation?.position?.offset)
                        $0.member("lag_bytes", row.lagBytes)
                        $0.member("asked_ms_ago", row.age?.milliseconds)
                    }
                }
            }
            $0.member("would_be_lost") { $0.array(leaderName == nil ? losses : []) { $0.value($1) } }
            $0.member("events") {
                $0.array(Array(told.suffix(32))) { json, told in
                    json.object {
                        $0.member("ms_ago", (now - told.at).milliseconds)
                        $0.member("event", told.event.description)
                    }
                }
            }
        }
        json.end()
        return json.buffer
    }

    /// - Parameter server: adds the server's own.
    func metricsText(_ server: ((inout MetricsText) -> Void)?) -> ByteBuffer {
        var text = MetricsText()
        server?(&text)
        text.begin("redis_failover_ready", .gauge, "Whether /readyz says ready.")
        text.add(readiness.isReady ? 1 : 0)
        text.begin("redis_failover_leader", .gauge, "Whether this node leads and takes writes.")
        text.add(machine.mayTakeWrites(at: now) ? 1 : 0)
        text.begin("redis_failover_state", .gauge, "The state of this node: 1 for the current one.")
        for name in FailoverMachine.stateNames { text.add([("state", name)], name == machine.stateName ? 1 : 0) }
        text.begin("redis_failover_term", .gauge, "The term of the lease: how often it has changed hands.")
        text.add(Int(clamping: lease?.term ?? 0))
        text.begin(
            "redis_failover_lease_doubted", .gauge,
            "Whether this node's data are of a later term than the lease, or of another history of its term.")
        text.add(leaseDoubt == nil ? 0 : 1)
        text.begin("redis_failover_paused", .gauge, "Whether automatic fail-over is paused.")
        text.add(lease?.isPaused == true ? 1 : 0)
        text.begin("redis_failover_blocked", .gauge, "Whether no node leads and a rule blocks this one.")
        text.add(machine.block == nil ? 0 : 1)
        text.begin("redis_failover_node_up", .gauge, "Whether a node's redis-server answers this agent.")
        for row in nodeRows() {
            text.add([("node", row.name)], row.observation.map { $0.role == .away ? 0 : 1 } ?? 0)
        }
        text.begin("redis_failover_node_lag_bytes", .gauge, "Bytes of the leader's stream that a node lacks.")
        for row in nodeRows() {
            if let lag = row.lagBytes { text.add([("node", row.name)], Int(clamping: lag)) }
        }
        text.begin("redis_failover_fences_total", .counter, "How often this node's server was made to refuse writes.")
        text.add(counters.fences)
        text.begin("redis_failover_kills_total", .counter, "How often that needed SIGKILL.")
        text.add(counters.kills)
        text.begin("redis_failover_promotions_total", .counter, "How often this node began to lead.")
        text.add(counters.promotions)
        text.begin(
            "redis_failover_store_failures_total", .counter, "New reasons why the lease store did not do its work.")
        text.add(counters.storeFailures)
        text.begin("redis_failover_rollback_files_total", .counter, "Files kept with what only this node had.")
        text.add(counters.kept)
        return text.buffer
    }
}

/// What has happened since the agent's start.
struct AgentCounters {
    var fences = 0
    var kills = 0
    var promotions = 0
    var storeFailures = 0
    var kept = 0

    mutating func count(_ event: AgentEvent) {
        switch event {
        case .machine(.fencing): fences += 1
        case .machine(.leads): promotions += 1
        case .killedServer: kills += 1
        case .storeFailed: storeFailures += 1
        case .kept: kept += 1
        case .machine, .positionFailed, .notKept, .follows, .serverRefused, .peerFails, .foreignHolder, .leaseDoubted:
            break
        }
    }
}

extension NodeObservation.Reason {
    var words: String {
        switch self {
        case .loading: "loads its data"
        case .copying: "takes a full copy"
        case .emptied: "has no whole data, and waits for a copy"
        case .lostData: "came back with less data than it had"
        case .positionUnknown: "does not know in which term its data was written"
        }
    }
}

extension NodeObservation.Role {
    var word: String {
        switch self {
        case .master: "master"
        case .replica: "replica"
        case .incomplete: "incomplete"
        case .away: "away"
        }
    }

    var note: String? {
        switch self {
        case .master(isTakingWrites: true): nil
        case .master(isTakingWrites: false): "refuses writes"
        case .replica(let name?, isLinkUp: true): "follows \(name)"
        case .replica(let name?, isLinkUp: false): "link to \(name) is down"
        case .replica(nil, isLinkUp: true): "follows a server that is no node"
        case .replica(nil, isLinkUp: false): "follows no master, refuses writes"
        case .incomplete(let reason): reason.words
        case .away: "does not answer"
        }
    }
}

extension Duration {
    var milliseconds: Int64 {
        Int64(clamping: components.seconds) * 1000 + components.attoseconds / 1_000_000_000_000_000
    }

    /// `0.4`
    var tenths: String {
        let tenths = max(0, milliseconds) / 100
        return "\(tenths / 10).\(tenths % 10)"
    }
}

extension String {
    fileprivate var trimmingBlanks: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
