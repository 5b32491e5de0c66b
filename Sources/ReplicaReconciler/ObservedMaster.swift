public import RedisCore

/// One observation of the configured master: its name resolved again, and each address asked.
public struct ObservedMaster: Equatable, Sendable {
    /// What was looked at, as the environment has it.
    public var address: MasterAddress
    public var outcome: Outcome
    /// What is at the name that lists all masters; a Service's address leads to one of them by chance.
    public var nodes = Nodes.notAsked

    public enum Outcome: Equatable, Sendable {
        /// The name has no address now; the reason in words.
        case unresolved(String)
        /// Every address of the name, and what is there.
        case found([Candidate])
    }

    public enum Nodes: Equatable, Sendable {
        /// There is no such name.
        case notAsked
        case unresolved(String)
        case found([Candidate])
    }

    public init(_ address: MasterAddress, _ outcome: Outcome, nodes: Nodes = .notAsked) {
        self.address = address
        self.outcome = outcome
        self.nodes = nodes
    }

    public struct Candidate: Equatable, Sendable {
        /// Numeric, without the port.
        public var address: String
        public var port: Int
        public var standing: Standing

        public init(_ address: String, port: Int = 6379, _ standing: Standing) {
            self.address = address
            self.port = port
            self.standing = standing
        }

        /// With the port: several servers of one host differ by it alone.
        var endpoint: String { "\(MasterAddress(host: address, port: port))" }
    }

    /// What a server proves to be by ROLE and INFO.
    public enum Standing: Equatable, Sendable {
        case master(ServerInformation)
        /// It is itself a replica.
        case replica(of: MasterAddress)
        /// A server that reads its data: what it will be is not known yet.
        case loading
        /// No server: redis-replica-init restores the master's data from its replicas, and answers in its place meanwhile.
        case placeholder
        /// It cannot be connected to, or is silent; the reason in words.
        case unreachable(String)
        /// It answers, and not as a server that lets us look: the error's code and its cure, or what it is instead.
        case refuses(String)
    }
}

extension ObservedMaster.Standing {
    /// What ROLE and INFO say together.
    ///
    /// - Parameters:
    ///   - role: the first word of the answer to ROLE: `master`, `slave` or `sentinel`.
    ///   - information: the answers to INFO.
    public init(role: String, _ information: ServerInformation) {
        if information.isLoading {
            self = .loading
        } else if role == "slave", let link = information.replication.masterLink {
            self = .replica(of: MasterAddress(host: link.host, port: link.port))
        } else if role == "master", information.replication.role == .master {
            self = .master(information)
        } else {
            self = .refuses("says that its role is '\(printable(role.utf8, limit: 32))'")
        }
    }
}

extension ObservedMaster {
    /// Whether all masters were looked at, so that one server proves to be the only one: `nil`, else why it may not be.
    ///
    /// - Parameter runID: of the server at the configured name.
    func doubt(that runID: String) -> String? {
        switch nodes {
        case .notAsked: return nil
        case .unresolved(let reason): return "the name that lists all masters has no address: \(reason)"
        case .found(let candidates):
            let unknown = candidates.filter { candidate in
                switch candidate.standing {
                case .master, .replica: false
                case .loading, .placeholder, .unreachable, .refuses: true
                }
            }
            if !unknown.isEmpty { return unknown.map(\.description).joined(separator: ", ") }
            let isListed = candidates.contains { candidate in
                if case .master(let master) = candidate.standing { master.runID == runID } else { false }
            }
            return isListed ? nil : "it is not among those that the name for all masters lists"
        }
    }
}
