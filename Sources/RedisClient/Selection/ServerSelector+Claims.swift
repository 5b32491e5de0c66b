import NIOCore
import RedisCore
import ServerSelection

/// What the connections of all event loops tell of the servers.
extension ServerSelector {
    /// Whether the caller is the one that has to find out which masters there are before the process takes writes: the first.
    func beginSurvey() -> Bool {
        update { state, _ in
            guard state.survey == .none else { return false }
            state.survey = .underWay
            return true
        }.value
    }

    /// - Returns: what follows from it, for the event loop of the caller to do at once.
    func endSurvey() -> Decision { update { state, _ in state.survey = .over }.decision }

    /// Checks whether time alone has changed something.
    func review() -> Decision { update { _, _ in }.decision }

    /// Nothing listens at the address: what was behind it is gone.
    func noteRefusal(at endpoint: RedisEndpoint) -> Decision {
        update { state, now in
            state.leaders?.refuse(endpoint.description)
            if state.leaders == nil { state.servers.refuse(endpoint.description, at: now) }
        }.decision
    }

    /// How many servers say that they are the master, wherever they were met.
    var masters: Int {
        let now = Int64(clamping: NIODeadline.now().uptimeNanoseconds)
        return read { $0.leaders?.leaders(at: now).count ?? $0.servers.masters(at: now).count }
    }

    /// Takes what a connection has learnt of its server, or that it leads nowhere any more.
    ///
    /// - Parameters:
    ///   - isKept: whether the connection stays; the end of another one shows nothing.
    ///   - isChosenBy: whether the master is chosen by what the connection says.
    /// - Returns: what follows from it, for the event loop of the caller to do at once.
    func note(
        _ connection: RedisConnection, door: MasterObservations.Door, isKept: Bool = true, isChosenBy: Bool = false
    ) -> Decision {
        let id = ObjectIdentifier(connection)
        let endpoint = connection.endpoint
        let health = connection.health
        var observation: MasterObservations.Observation?
        if case .serving(let info) = health {
            observation = .init(
                server: connection.runID.map { String(decoding: $0, as: UTF8.self) }, endpoint: endpoint.description,
                door: door, information: info, askedAt: connection.healthAskedAt,
                answeredAt: Int64(clamping: connection.healthSeenAt.uptimeNanoseconds))
        }
        return update { [observation] state, now in
            if let observation {
                if isChosenBy { state.endpoints[endpoint.description] = endpoint }
                if state.leaders != nil {
                    state.leaders?.take(
                        .init(
                            server: observation.server, endpoint: observation.endpoint,
                            information: observation.information, askedAt: observation.askedAt,
                            answeredAt: observation.answeredAt), over: id)
                    return
                }
                state.servers.take(observation, over: id, isKept: isKept, isChosenBy: isChosenBy, at: now)
            } else if state.leaders != nil {
                state.leaders?.lose(id)
            } else if health == .loading {
                state.servers.takeLoading(endpoint.description, over: id, isChosenBy: isChosenBy, at: now)
            } else {
                // Who asks for another password does not say that it is no master.
                state.servers.lose(id, isAway: health == .unknown, at: now)
            }
        }.decision
    }
}
