import Logging
import NIOConcurrencyHelpers
import NIOCore
import Replication
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
        /// The histories by which servers are judged.
        var history: ReplicationID?
        /// Grows with every decision.
        var number = 0
    }

    private struct State {
        var selection: MasterSelection
        var observations: [ObjectIdentifier: (observation: ServerObservation, endpoint: RedisEndpoint)] = [:]
        /// Connections whose servers read their data.
        var loading: [ObjectIdentifier: String] = [:]
        var endpoints: [String: RedisEndpoint]
        var decision: Decision
        /// Of other masters, each told once.
        var toldStrays: Set<String> = []
        var changes = 0
    }

    private let state: NIOLockedValueBox<State>
    private let logger: Logger
    private let subscribers = NIOLockedValueBox<[@Sendable (Decision) -> Void]>([])

    init(configured: RedisEndpoint, logger: Logger) {
        self.logger = logger
        state = NIOLockedValueBox(
            State(
                selection: MasterSelection(configured: configured.description),
                endpoints: [configured.description: configured], decision: Decision(master: configured)))
    }

    /// - Parameter act: called on any thread with every decision.
    func subscribe(_ act: @escaping @Sendable (Decision) -> Void) { subscribers.withLockedValue { $0.append(act) } }

    /// The selection as it is, to judge a server by.
    var selection: MasterSelection { state.withLockedValue { $0.selection } }

    /// How often another server has become the master.
    var changes: Int { state.withLockedValue { $0.changes } }

    /// Takes what a connection's server says, or that it says nothing any more, and has every event loop told if that changes
    /// something.
    ///
    /// - Returns: the selection.
    func take(
        _ information: ReplicationInfo?, isLoading: Bool, runID: [UInt8]?, at endpoint: RedisEndpoint,
        over connection: ObjectIdentifier, seenAt: NIODeadline
    ) -> MasterSelection {
        let name = endpoint.description
        let now = Int64(clamping: NIODeadline.now().uptimeNanoseconds)
        let (selection, decision, change) = state.withLockedValue { state in
            state.loading[connection] = isLoading ? name : nil
            let isNews = information != nil || state.observations[connection] != nil
            guard isNews else { return (state.selection, Decision?.none, MasterSelection.Change?.none) }
            state.endpoints[name] = endpoint
            state.observations[connection] = information.map {
                (
                    ServerObservation(
                        endpoint: name, server: runID.map { String(decoding: $0, as: UTF8.self) }, information: $0,
                        seenAt: Int64(clamping: seenAt.uptimeNanoseconds)), endpoint
                )
            }
            let before = state.selection.endpoint
            state.selection.take(
                state.observations.values.map(\.observation), isMasterLoading: state.loading.values.contains(before),
                at: now)
            var decision = state.decision
            decision.master = state.endpoints[state.selection.endpoint] ?? decision.master
            decision.doubt = Self.doubt(state.selection.rivals)
            decision.history = state.selection.history?.id
            guard decision != state.decision else { return (state.selection, nil, nil) }
            decision.number += 1
            state.decision = decision
            let hasMoved = state.selection.endpoint != before
            if hasMoved { state.changes += 1 }
            return (state.selection, decision, hasMoved ? state.selection.lastChange : nil)
        }
        if let decision { tell(decision, change) }
        return selection
    }

    /// Forgets endpoints that no connection is at any more.
    func forget(_ connection: ObjectIdentifier) {
        state.withLockedValue { state in
            state.observations[connection] = nil
            state.loading[connection] = nil
            let used = Set(state.observations.values.map(\.endpoint.description))
            let kept = [state.selection.endpoint, state.selection.configured]
            state.endpoints = state.endpoints.filter { used.contains($0.key) || kept.contains($0.key) }
        }
    }

    private func tell(_ decision: Decision, _ change: MasterSelection.Change?) {
        if let change {
            logger.warning("\(Self.words(for: change))")
        }
        if let doubt = decision.doubt { logger.error("\(doubt)") }
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

    private static func doubt(_ rivals: [MasterSelection.Rival]) -> String? {
        guard !rivals.isEmpty else { return nil }
        let names = rivals.map(\.endpoint).joined(separator: " and ")
        return """
            there is no single master: \(names) are masters, and neither continues the other; writes are refused until all \
            but one of them are its replicas (REPLICAOF)
            """
    }
}
