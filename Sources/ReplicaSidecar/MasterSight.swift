public import Replication

/// What one look at the configured master showed: its name resolved anew, and each address asked.
public struct MasterSight: Equatable, Sendable {
    /// What was looked at, as the environment has it.
    public var address: MasterAddress
    public var outcome: Outcome

    public enum Outcome: Equatable, Sendable {
        /// The name has no address now; the reason in words.
        case unresolved(String)
        /// Every address of the name, and what is there.
        case found([Candidate])
    }

    public init(_ address: MasterAddress, _ outcome: Outcome) {
        self.address = address
        self.outcome = outcome
    }

    public struct Candidate: Equatable, Sendable {
        /// Numeric, without the port.
        public var address: String
        public var standing: Standing

        public init(_ address: String, _ standing: Standing) {
            self.address = address
            self.standing = standing
        }
    }

    /// What a server proves to be by ROLE and INFO.
    public enum Standing: Equatable, Sendable {
        case master(ServerInformation)
        /// It follows somebody itself.
        case replica(of: MasterAddress)
        /// A server that reads its data: what it will be is not known yet.
        case loading
        /// It cannot be connected to, or is silent; the reason in words.
        case unreachable(String)
        /// It answers, and not as a server that lets us look: the error's code and its cure, or what it is instead.
        case refuses(String)
    }
}

extension MasterSight.Standing {
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
            self = .refuses("says that its role is '\(role)'")
        }
    }
}
