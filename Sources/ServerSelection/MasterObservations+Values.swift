public import RedisCore

extension MasterObservations {
    /// How a server was met.
    public enum Door: Equatable, Sendable {
        /// The master's name led there.
        case masterName
        /// It is one of the addresses of the masters' headless name.
        case masterNodes
        /// It is one of the replicas that are given or found, or was promoted among them.
        case serverList

        var isOfName: Bool { self != .serverList }
    }

    /// What one server said, to whom, and when. Times are of one clock that never goes back.
    public struct Observation: Equatable, Sendable {
        /// The server's run id, where it says one.
        public var server: String?
        public var endpoint: String
        public var door: Door
        public var information: ReplicationInfo
        public var askedAt: Int64
        public var answeredAt: Int64

        public init(
            server: String?, endpoint: String, door: Door, information: ReplicationInfo, askedAt: Int64,
            answeredAt: Int64
        ) {
            self.server = server
            self.endpoint = endpoint
            self.door = door
            self.information = information
            self.askedAt = askedAt
            self.answeredAt = answeredAt
        }

        /// What tells the server from others: its run id, or its history where it does not say one.
        var name: String? {
            if let server { return server }
            return information.role == .master && !information.replicationID.isEmpty ? information.replicationID : nil
        }
    }

    /// A server that says it is the master.
    public struct Master: Equatable, Sendable {
        public let server: String
        /// Where it was met; by its own address, where it was met there.
        public internal(set) var endpoint: String
        /// Whether the master's name leads to it.
        public internal(set) var isBehindName = false
        public internal(set) var history: History?
        var door: Door
        var attached: Int
        /// Whether it is not heard any more, and counts since it was one of those of which none was certain.
        public internal(set) var isAway = false
        /// Where its followers were, when it was one of those of which none was certain.
        var followers: Set<String> = []
        let firstAnsweredAt: Int64
        var askedAt: Int64
        var answeredAt: Int64
    }

    public enum Verdict: Equatable, Sendable {
        /// - Parameter server: the run id of the one master behind the name, where one is known.
        case one(server: String?)
        /// Servers have to be asked again first.
        case unclear
        case none(Reason)
    }

    /// Why no server takes writes.
    public enum Reason: Equatable, Sendable {
        /// The name leads to all of these.
        case behindName([Master])
        /// Neither of them continues the other, or all do not agree on one.
        case beside([Master])

        public var masters: [Master] {
            switch self {
            case .behindName(let masters), .beside(let masters): masters
            }
        }
    }
}

extension MasterObservations.Master {
    init(_ observation: MasterObservations.Observation, _ server: String) {
        self.server = server
        endpoint = observation.endpoint
        door = observation.door
        attached = 0
        firstAnsweredAt = observation.answeredAt
        askedAt = observation.askedAt
        answeredAt = observation.answeredAt
        take(observation)
    }

    init(_ claim: MasterClaims.Claim) {
        server = claim.server
        endpoint = claim.endpoint
        isBehindName = true
        door = .masterName
        attached = 0
        firstAnsweredAt = claim.last.answeredAt
        askedAt = claim.last.askedAt
        answeredAt = claim.last.answeredAt
    }

    init(_ rival: MasterSelection.Rival, at now: Int64) {
        server = "\(rival.id)"
        endpoint = rival.endpoint
        door = .serverList
        attached = 0
        firstAnsweredAt = now
        askedAt = now
        answeredAt = now
    }

    mutating func take(_ observation: MasterObservations.Observation) {
        askedAt = observation.askedAt
        answeredAt = observation.answeredAt
        history = History(of: observation.information)
        attached = observation.information.replicas.count { $0.state == "online" }
        // A separate address says more than the name.
        if door == .masterName || observation.door != .masterName {
            door = observation.door
            endpoint = observation.endpoint
        }
    }
}
