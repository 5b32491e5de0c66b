package import Failover
package import NIOCore
package import RedisClient

/// One node's part in fail-over, from its start to its end.
package final class FailoverAgent: Sendable {
    let loop: NIOLoopBound<AgentLoop>
    private let eventLoop: any EventLoop

    private init(_ loop: NIOLoopBound<AgentLoop>, _ eventLoop: any EventLoop) {
        self.loop = loop
        self.eventLoop = eventLoop
    }

    /// What an operator may see.
    package struct Status: Sendable {
        package var state: FailoverMachine.State
        package var lease: LeaseRecord?
        package var block: BlockReason?
        package var local: NodeObservation?
        package var peers: [String: NodeObservation]
        /// How far the data on the disk go at least.
        package var stored: StoredPosition?
        package var events: [AgentEvent]
    }

    /// Returns when the position file is read.
    package static func start(
        _ configuration: FailoverAgentConfiguration, on eventLoop: any EventLoop
    ) async throws -> FailoverAgent {
        let promise = eventLoop.makePromise(of: FailoverAgent.self)
        eventLoop.execute {
            let loop = AgentLoop(configuration, control: nil, eventLoop: eventLoop)
            let bound = NIOLoopBound(loop, eventLoop: eventLoop)
            loop.begin { promise.succeed(FailoverAgent(bound, eventLoop)) }
        }
        return try await promise.futureResult.get()
    }

    package func status() async throws -> Status {
        try await eventLoop.submit { [loop] in
            let loop = loop.value
            return Status(
                state: loop.machine.state, lease: loop.lease, block: loop.machine.block, local: loop.machine.local,
                peers: loop.machine.peers, stored: loop.latest, events: loop.told.map(\.event))
        }.get()
    }

    /// The life of the server beside it, while that answers and has its data. Must be called on the event loop.
    package var servingRun: String? {
        let answer = loop.value.answer
        return answer.flatMap { $0.isLoading ? nil : $0.run }
    }

    /// How the servers are reached from now on. Must be called on the event loop.
    package func use(_ local: ServerLocation, logins: [ServerLocation.Login], peerTLS: RedisTLS?) {
        let loop = loop.value
        loop.server.location = local
        loop.listener?.location = local
        for peer in loop.peers { peer.use(logins: logins, tls: peerTLS) }
    }

    /// Asks the servers of all other nodes whether they take a login. Must be called on the event loop.
    ///
    /// Each over a connection of its own: some servers give no reply to an AUTH that they refuse while others are pending.
    ///
    /// - Parameter completion: called once, with the ``LoginVerdict``.
    package func othersTake(_ login: ServerLocation.Login, _ completion: @escaping (Bool?) -> Void) {
        let peers = loop.value.peers
        guard !peers.isEmpty else { return completion(nil) }
        let askedAt = loop.value.now
        var answers: [String: Bool] = [:]
        var left = peers.count
        for peer in peers {
            var location = peer.connection.location
            location.logins = []
            let connection = ServerConnection(location, eventLoop: eventLoop)
            connection.ask([login.command], within: loop.value.configuration.peerLimit) { reply in
                connection.close()
                if case .success(let values) = reply, let value = values.first { answers[peer.name] = value.isOK }
                left -= 1
                guard left == 0 else { return }
                let loop = self.loop.value
                // Before this process stood still they may have said something else.
                guard loop.machine.isCurrent(askedAt, at: loop.now) else { return completion(nil) }
                completion(LoginVerdict.takes(answers, leaders: loop.shownLeaders))
            }
        }
    }

    package typealias OrderResult = Result<String, OrderRefused>

    /// Hands the lease over as planned; writes pause for some ms.
    ///
    /// - Parameter name: `nil`: the replica whose data goes furthest.
    /// - Returns: once another node leads: its name.
    package func handOver(to name: String?) async throws -> OrderResult {
        let promise = eventLoop.makePromise(of: OrderResult.self)
        eventLoop.execute { [loop] in loop.value.handOver(to: name) { promise.succeed($0) } }
        return try await promise.futureResult.get()
    }

    /// Makes this node lead even if its data is incomplete, once no other node leads.
    ///
    /// - Returns: once it leads: its name.
    package func force() async throws -> OrderResult {
        let promise = eventLoop.makePromise(of: OrderResult.self)
        eventLoop.execute { [loop] in loop.value.force { promise.succeed($0) } }
        return try await promise.futureResult.get()
    }

    /// Stops automatic fail-over, on all nodes, or has it go on.
    package func pause(_ isPaused: Bool) async throws -> OrderResult {
        let promise = eventLoop.makePromise(of: OrderResult.self)
        eventLoop.execute { [loop] in loop.value.pause(isPaused) { promise.succeed($0) } }
        return try await promise.futureResult.get()
    }

    /// Ends the connections of the server's clients, so that they connect again, to another node. Does nothing while this
    /// node leads.
    ///
    /// - Throws: ``ServerControlError``.
    package func endClientConnections() async throws {
        let promise = eventLoop.makePromise(of: Void.self)
        eventLoop.execute { [loop] in
            let loop = loop.value
            guard case .following = loop.machine.state else { return promise.succeed() }
            loop.control.endClientConnections(within: .seconds(1)) { error in
                if let error { promise.fail(error) } else { promise.succeed() }
            }
        }
        try await promise.futureResult.get()
    }

    /// Asks for a planned change; its outcome is an event.
    package func switchOver(to name: String) async throws {
        try await eventLoop.submit { [loop] in
            loop.value.switchOver(to: name)
        }.get()
    }

    /// Has a leader's server refuse writes, gives the lease back, writes the exact position and ends. The server goes on, and its
    /// supervisor ends it.
    package func stop() async throws {
        let promise = eventLoop.makePromise(of: Void.self)
        eventLoop.execute { [loop] in loop.value.stop { promise.succeed() } }
        try await promise.futureResult.get()
    }
}
