package import Failover
package import LeaseStore
package import Logging
package import NIOCore
import Synchronization

/// What a node tells Kubernetes beside its lease: where the write Service leads, and events about the pod.
package final class KubernetesSide: Sendable {
    private let address: KubernetesWriteAddress?
    private let events: KubernetesEvents
    private let name: String
    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        /// The term in which this node led last.
        var ledTerm: UInt64?
        /// Clients that came while it led are still connected.
        var hasOldClients = false
        /// Waits until the Service leads to the next leader.
        var waiting: Task<Void, Never>?
        var endConnections: @Sendable () async -> Void = {}
    }

    /// - Parameters:
    ///   - writeAddress: `nil`: no Service leads to the leader.
    package init(
        _ lease: KubernetesSettings, _ writeAddress: WriteAddressSettings?, node: NodeID, eventLoop: any EventLoop,
        logger: Logger
    ) {
        name = node.name
        self.logger = logger
        address = writeAddress.map { settings in
            KubernetesWriteAddress(settings, eventLoop: eventLoop) { logger.warning("\($0)") }
        }
        events = KubernetesEvents(
            KubernetesEventsSettings(kubernetes: lease, pod: node.name, podUID: node.pod), eventLoop: eventLoop
        ) { logger.warning("\($0)") }
    }

    /// Ends the connections of the server's clients.
    package var endConnections: @Sendable () async -> Void {
        get { state.withLock { $0.endConnections } }
        set { state.withLock { $0.endConnections = newValue } }
    }

    package func publish(term: UInt64) async {
        do {
            try await address?.publish(term: term)
        } catch WriteAddressError.superseded(let newer) {
            // Another node leads by now, as a rule.
            logger.warning(
                """
                the write Service was not moved to this node, which leads in term \(term): its EndpointSlice is of term \(newer). \
                If no node leads in that term, since the Lease was deleted, delete the EndpointSlice: it is written again
                """)
        } catch {
            // This node does not lead any more.
        }
    }

    package func see(_ event: AgentEvent) {
        switch event {
        case .machine(.leads(let term)):
            state.withLock { state in
                state.ledTerm = term
                state.hasOldClients = true
                state.waiting?.cancel()
                state.waiting = nil
            }
        case .machine(.fencing): address?.stop()
        case .follows: sendClientsOn()
        default: break
        }
        if let reason = event.reason { events.report(OperatorEvent(reason, note: "\(name): \(event.note)")) }
    }

    /// A former leader's clients would be refused for ever: REPLICAOF ends no connection of theirs. Those that connect
    /// again before the Service leads to the new leader only come back.
    private func sendClientsOn() {
        guard let address else { return }
        state.withLock { state in
            guard state.hasOldClients, let term = state.ledTerm else { return }
            state.hasOldClients = false
            let endConnections = state.endConnections
            state.waiting = Task {
                do {
                    try await address.waitUntilPublished(term: term &+ 1)
                    let start = ContinuousClock.now
                    // The later ones for those that came back, since their machine was late.
                    for time in KubernetesWriteAddress.settleTimes {
                        try await Task.sleep(until: start + time, clock: .continuous)
                        await endConnections()
                    }
                } catch {
                    return
                }
            }
        }
    }

    /// Returns once the Service leads to the next leader, and after that time at the latest.
    package func waitForSuccessor(within limit: Duration) async {
        guard let address, let term = state.withLock({ $0.ledTerm }) else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await address.waitUntilPublished(term: term &+ 1)
                try? await Task.sleep(for: KubernetesWriteAddress.settleTime)
            }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
    }

    /// Sends what waits, for a second at the most. Connections end with the process.
    package func shutDown() async {
        state.withLock { $0.waiting?.cancel() }
        address?.stop()
        await events.send(within: .seconds(1))
    }
}

extension AgentEvent {
    /// As what Kubernetes shows it; `nil` for what only the log has.
    fileprivate var reason: OperatorEvent.Reason? {
        switch self {
        case .machine(.leads): .leads
        case .machine(.fencing(.handover)): .handedOver
        case .machine(.fencing), .killedServer: .fenced
        case .machine(.blocked): .blocked
        case .kept: .keptRollback
        case .notKept: .notKept
        case .machine(.switchoverFailed), .machine(.forceFailed), .machine(.goesOnByAgreement), .storeFailed,
            .positionFailed, .follows, .serverRefused, .peerFails, .foreignHolder, .leaseDoubted:
            nil
        }
    }

    fileprivate var note: String {
        if self == .machine(.fencing(.handover)) {
            return "handed over as planned: its redis-server refuses writes from now on"
        }
        return description
    }
}
