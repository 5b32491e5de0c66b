import RedisClient
import RedisCore

extension RedisConnection {
    /// What ``stateInWords`` says of a server with which all is well.
    static var goodState: String { "up" }

    /// What is known of the server, in words for an operator.
    var stateInWords: String {
        if let trouble { return trouble }
        return switch health {
        case .unknown: "is not known yet"
        case .loading: "is loading its data"
        case .refused(let reason), .denied(let reason): reason
        case .serving:
            switch readSuitability {
            case .fresh, nil: Self.goodState
            case .stale where role == .master: ReadSuitability.Reason.rival.rawValue
            case .stale: "up, but its link to the master is down"
            case .unusable(let reason): reason.rawValue
            }
        }
    }
}
