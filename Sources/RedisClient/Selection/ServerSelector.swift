import Logging
import NIOConcurrencyHelpers
import NIOCore
import RedisCore
import ServerSelection

/// What all event loops know of all servers, and which of them is the master: one ``MasterSelection`` for the process, so that
/// they agree.
///
/// Each connection tells what its server says once a second; no request comes here.
final class ServerSelector: Sendable {
    /// What event loops do differently from now on.
    struct Decision: Equatable, Sendable {
        var master: RedisEndpoint
        /// Why there is no master, for an operator; `nil` where nothing speaks against the one above.
        var doubt: String?
        /// Where the masters are that it speaks of.
        var places: String?
        /// The histories by which servers are judged.
        var history: ReplicationID?
        /// Whether writes wait, since it is not known yet whether the master's name leads to one master.
        var holdsWrites = false
        /// The run id of the one master behind the configured name, where it is known; connections to others are of no use.
        var server: String?
        /// Why no node leads, or takes writes, where the leader is found among all nodes; `nil` where one does.
        var absence: LeaderReport.Absence?
        /// Whether a leader was ever found among all nodes: until then ``master`` only stands for it.
        var hasLeader = false
        /// Grows with every decision.
        var number = 0
    }

    struct State {
        var servers: MasterObservations
        /// In place of ``servers``, where the leader is found among all nodes.
        var leaders: LeaderObservations?
        /// What Sentinel says, where it decides.
        var sentinel: SentinelWord?
        var sentinelReport: SentinelReport?
        var report = LeaderReport()
        var endpoints: [String: RedisEndpoint]
        var decision: Decision
        var changes = 0
        var survey = Survey.none

        enum Survey { case none, underWay, over }

        var selection: MasterSelection { leaders?.selection ?? servers.selection }
    }

    private let state: NIOLockedValueBox<State>
    let logger: Logger
    private let doubtLog = NIOLockedValueBox(DoubtLog())
    let toldAbsence = NIOLockedValueBox<LeaderReport.Absence?>(.unknownYet)
    private let subscribers = NIOLockedValueBox<[@Sendable (Decision) -> Void]>([])

    init(_ topology: RedisTopology, logger: Logger) {
        self.logger = logger
        let configured = topology.master
        state = NIOLockedValueBox(
            State(
                servers: MasterObservations(configured: configured.description),
                leaders: topology.findsLeader ? LeaderObservations(placeholder: configured.description) : nil,
                sentinel: topology.sentinel.map { _ in SentinelWord() },
                sentinelReport: topology.sentinel.map { SentinelReport(masterName: $0.masterName) },
                endpoints: [configured.description: configured], decision: Decision(master: configured)))
    }

    /// - Parameter act: called on any thread with every decision.
    func subscribe(_ act: @escaping @Sendable (Decision) -> Void) { subscribers.withLockedValue { $0.append(act) } }

    /// The selection as it is, to judge a server by.
    var selection: MasterSelection { state.withLockedValue { $0.selection } }

    /// Which node leads; `nil` where a master is configured.
    var report: LeaderReport? { state.withLockedValue { $0.leaders == nil ? nil : $0.report } }

    /// How often another server has become the master.
    var changes: Int { state.withLockedValue { $0.changes } }

    /// Changes what is known, and notifies every event loop of the result.
    func update<Value: Sendable>(
        _ change: @Sendable (inout State, _ now: Int64) -> Value
    ) -> (value: Value, decision: Decision) {
        let (value, decision, isNew, moved) = state.withLockedValue { state in
            let before = state.selection
            let now = Int64(clamping: NIODeadline.now().uptimeNanoseconds)
            let value = change(&state, now)
            let decision = Self.decide(&state, at: now)
            let after = state.selection
            // The first leader takes no other one's place.
            let hasMoved = after.endpoint != before.endpoint && (state.leaders == nil || before.historySeenAt != .min)
            if hasMoved { state.changes += 1 }
            return (value, decision ?? state.decision, decision != nil, hasMoved ? after.lastChange : nil)
        }
        if isNew || moved != nil { tell(decision, moved) }
        return (value, decision)
    }

    func read<Value: Sendable>(_ body: (State) -> Value) -> Value { state.withLockedValue { body($0) } }

    /// What follows from all that is known.
    ///
    /// - Returns: `nil` where it is what was decided before.
    private static func decide(_ state: inout State, at now: Int64) -> Decision? {
        var decision = state.decision
        if state.leaders != nil {
            decideLeader(&decision, &state, at: now)
            guard decision != state.decision else { return nil }
            decision.number += 1
            state.decision = decision
            return decision
        }
        let selection = state.servers.selection
        decision.master = state.endpoints[selection.endpoint] ?? decision.master
        decision.history = selection.history?.id
        decision.doubt = nil
        decision.places = nil
        decision.server = nil
        decision.holdsWrites = state.survey == .underWay
        switch state.servers.verdict(at: now) {
        case .one(let server): decision.server = server
        case .unclear: decision.holdsWrites = true
        case .none(let reason):
            decision.doubt = doubt(reason, name: selection.configured)
            decision.places = reason.masters.map { place(of: $0, name: selection.configured) }.joined(separator: ", ")
        }
        guard decision != state.decision else { return nil }
        decision.number += 1
        state.decision = decision
        return decision
    }

    /// Forgets a connection that is not used any more, and endpoints that none is at.
    func forget(_ connection: RedisConnection) -> Decision {
        let id = ObjectIdentifier(connection)
        return update { state, now in
            state.leaders?.lose(id)
            state.servers.forget(id, at: now)
            let kept = [state.selection.endpoint, state.selection.configured]
            let used = (state.leaders?.endpoints ?? state.servers.endpoints).union(kept)
            state.endpoints = state.endpoints.filter { used.contains($0.key) }
        }.decision
    }

    private func tell(_ decision: Decision, _ change: MasterSelection.Change?) {
        if let change {
            logger.warning("\(Self.words(for: change))")
        }
        switch doubtLog.withLockedValue({ $0.line(for: decision) }) {
        case .begins(let doubt): logger.error("\(doubt)")
        case .ends: logger.info("there is a single master again; writes are taken")
        case nil: break
        }
        tellLeader(decision)
        for act in subscribers.withLockedValue({ $0 }) { act(decision) }
    }

    static func words(for change: MasterSelection.Change) -> String {
        var words = "redis \(change.to) is the master now, in place of \(change.from)"
        if let lost = change.lostBytes, lost > 0 {
            words += "; it does not have the last \(lost) byte(s) that \(change.from) is known to have written"
        }
        if change.isOldOneStillMaster {
            words += "; \(change.from) still takes writes, which will be lost: make it a replica (REPLICAOF)"
        }
        return words
    }

    static func doubt(_ reason: MasterObservations.Reason, name: String) -> String {
        let cure = "writes are refused until all but one of them are its replicas (REPLICAOF)"
        switch reason {
        case .behindName(let masters):
            return "there is no single master: \(name) leads to \(masters.count) servers that say they are the master "
                + "(\(words(for: masters, name: name))); \(cure)"
        case .beside(let masters):
            let end =
                masters.contains(where: \.isAway)
                ? ". What is not reached may have writes that the others lack: start it, and make it a replica. "
                    + "Where it is gone for good, give the other one a replica, or restart the apps"
                : ""
            return
                "there is no single master: \(masters.count) servers say that they are the master, and it is not certain "
                + "which one is meant (\(words(for: masters, name: name))); \(cure)\(end)"
        }
    }

    static func place(of master: MasterObservations.Master, name: String) -> String {
        master.endpoint == name ? "one behind \(name)" : master.endpoint
    }

    /// Each with its address, where it was met by one of its own, what tells it from the others, and its history.
    private static func words(for masters: [MasterObservations.Master], name: String) -> String {
        masters.map { master in
            let place = place(of: master, name: name)
            let door = master.isBehindName && master.endpoint != name ? ", behind \(name)" : ""
            let history = master.history.map { " with the history \($0.id)" } ?? ""
            let away = master.isAway ? ", not reached now" : ""
            return "\(place)\(door)\(away), run id \(master.server)\(history)"
        }.joined(separator: "; ")
    }
}
