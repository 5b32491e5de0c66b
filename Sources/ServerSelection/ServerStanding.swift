public import RedisCore

/// What a server is in the system, by its history.
public enum ServerStanding: Equatable, Sendable {
    /// The master in use, under any name that it was reached by.
    case master
    /// A replica in the master's history, or one whose link is down: what that is worth it says itself.
    case replica
    /// A replica that still follows a history which the master continues, and has nothing beyond it.
    case behind
    /// A master that is not the one in use.
    case strayMaster
    /// One of several masters of which none can be preferred; `isLastResort`: the one that has most of the last history.
    case rival(isLastResort: Bool)
    /// A replica of another master.
    case foreign
    /// No master is known, or the server names no history.
    case unknown
}

extension MasterSelection {
    /// - Parameter information: of a server that answers. A ``ServerStanding/foreign`` one may have been asked before the
    ///   master's history changed, or after: it counts once both were asked again.
    public func standing(of information: ReplicationInfo) -> ServerStanding {
        guard let history, let own = History(of: information) else { return .unknown }
        switch information.role {
        case .master:
            if let rival = rivals.first(where: { $0.id == own.id }) {
                let best = rivals.max { ($0.fork, $1.endpoint) < ($1.fork, $0.endpoint) }
                return .rival(isLastResort: best == rival)
            }
            return own.id == history.id ? .master : .strayMaster
        case .replica:
            guard let link = information.masterLink, link.isInStep else { return .replica }
            if own.id == history.id { return .replica }
            if history.origin == own.id { return link.appliedOffset < history.fork ? .behind : .foreign }
            return .foreign
        }
    }
}
