import Failover
import LeaseStore
import NIOCore

/// Why what a person wants was not done; a sentence without its full stop.
package struct OrderRefused: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String
}

/// What a person wants, until it is done or fails.
final class PendingOrder {
    enum Kind { case handOver, force }

    let kind: Kind
    let due: Duration
    private var completion: ((FailoverAgent.OrderResult) -> Void)?

    init(_ kind: Kind, due: Duration, _ completion: @escaping (FailoverAgent.OrderResult) -> Void) {
        self.kind = kind
        self.due = due
        self.completion = completion
    }

    func end(_ result: FailoverAgent.OrderResult) {
        let completion = completion
        self.completion = nil
        completion?(result)
    }
}

extension AgentLoop {
    var ownName: String { configuration.settings.node.name }

    /// Who leads by the lease, once promoted.
    var leaderName: String? {
        guard let lease, let history = lease.newestHistory, history.term == lease.term else { return nil }
        return lease.holder?.name
    }

    // MARK: A planned change

    private var bestTarget: String? {
        let candidates = configuration.members.compactMap { member -> HandoverChoice.Candidate? in
            guard let peer = machine.peers[member.name], peer.role == .replica(of: ownName, isLinkUp: true) else {
                return nil
            }
            return HandoverChoice.Candidate(
                name: member.name, offset: peer.position?.offset ?? 0,
                server: peers.first { $0.name == member.name }?.server)
        }
        return HandoverChoice.target(among: candidates, leaderServer: answer?.server)
    }

    /// - Parameters:
    ///   - since: when the order was given.
    ///   - completion: called once: with who leads, or why not.
    func handOver(
        to name: String?, since: Duration? = nil, _ completion: @escaping (FailoverAgent.OrderResult) -> Void
    ) {
        guard order == nil else { return completion(.failure(.init(description: "another order is under way"))) }
        guard case .leading = machine.state else {
            let hint = leaderName.map { "; \($0) leads: give the order there" } ?? ", and no node does"
            return completion(.failure(.init(description: "\(ownName) does not lead\(hint)")))
        }
        if let name, !configuration.members.contains(where: { $0.name == name }) {
            let names = configuration.members.map(\.name).joined(separator: ", ")
            return completion(.failure(.init(description: "there is no node '\(name)'; the nodes are \(names)")))
        }
        if name == ownName { return completion(.failure(.init(description: "\(ownName) leads already"))) }
        guard let target = name ?? bestTarget else {
            // What is known of the others may be as old as the time from one question to the next.
            let since = since ?? now
            if now - since < configuration.settings.interval * 2 {
                askPeers()
                isolatedLoop.scheduleTask(in: .milliseconds(50)) { self.handOver(to: nil, since: since, completion) }
                return
            }
            return completion(.failure(.init(description: "no other node replicates from \(ownName) with its link up")))
        }
        let settings = configuration.settings
        order = PendingOrder(.handOver, due: now + settings.pauseLimit + settings.duration * 2, completion)
        switchOver(to: target)
    }

    // MARK: A forced fail-over

    func force(_ completion: @escaping (FailoverAgent.OrderResult) -> Void) {
        guard order == nil else { return completion(.failure(.init(description: "another order is under way"))) }
        if case .present(let seen) = machine.lease, let holder = seen.record.holder, holder.name != ownName,
            now - seen.unchangedSince < configuration.settings.interval * 2
        {
            return completion(
                .failure(
                    .init(
                        description:
                            "\(holder.name) leads and renews its lease; to move the leader, run switchover --to \(ownName) there"
                    )))
        }
        order = PendingOrder(.force, due: now + configuration.settings.duration * 3, completion)
        advance(machine.force(at: now))
    }

    /// Looks whether the order is done; called at each tick.
    func tendOrder() {
        guard let order else { return }
        switch (order.kind, machine.state) {
        case (.handOver, .following):
            if let leader = leaderName, leader != ownName { endOrder(.success(leader)) }
        case (.force, .leading): endOrder(.success(ownName))
        default: break
        }
        guard let order = self.order, now >= order.due else { return }
        let reason = machine.block.map { "\($0)" } ?? leaderName.map { "\($0) leads" } ?? "no node leads yet"
        endOrder(.failure(.init(description: "not done in time: \(reason)")))
    }

    func endOrder(_ result: FailoverAgent.OrderResult) {
        let order = order
        self.order = nil
        order?.end(result)
    }

    // MARK: Maintenance

    /// Writes it into the lease, where all nodes read it.
    func pause(_ isPaused: Bool, attempts: Int = 5, _ completion: @escaping (FailoverAgent.OrderResult) -> Void) {
        let store = configuration.store
        let limit = configuration.storeLimit
        finish { () async -> Result<Void, LeaseStoreError> in
            do throws(LeaseStoreError) {
                guard var found = try await store.read(within: limit) else {
                    return .failure(.unavailable("there is no lease yet: no node has led"))
                }
                guard found.record.isPaused != isPaused else { return .success(()) }
                found.record.isPaused = isPaused
                found.record.renewals &+= 1
                _ = try await store.write(found.record, replacing: found.version, within: limit)
                return .success(())
            } catch {
                return .failure(error)
            }
        } then: { loop, result in
            switch result {
            case .success:
                loop.readLease()
                completion(.success(isPaused ? "paused" : "active"))
            case .failure(.conflict) where attempts > 1:
                // The leader renews it all the time.
                loop.pause(isPaused, attempts: attempts - 1, completion)
            case .failure(let error): completion(.failure(.init(description: "\(error)")))
            }
        }
    }
}
