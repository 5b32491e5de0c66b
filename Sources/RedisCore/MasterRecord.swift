/// Whom a replica follows, why, and what the environment said then. It has to survive restarts of server and sidecar.
///
/// The sidecar writes it, and redis-replica-init uses it where it overrules the environment. One line each:
///
/// ```
/// replicaof redis-master-b 6379
/// decided-by hand
/// supersedes redis-master-a 6379
/// configured redis-master-a 6379
/// server 0a1b…
/// term 3
/// ```
///
/// Bytes that a line cannot hold as they are stand as `%` and two hexadecimal digits.
public struct MasterRecord: Equatable, Sendable {
    public enum Following: Equatable, Hashable, Sendable {
        case master(MasterAddress)
        /// The replica was promoted: `replicaof no one`.
        case nobody
    }

    public enum Author: String, Equatable, Sendable {
        /// The server follows what it was started with.
        case start
        case sidecar
        /// An operator sent REPLICAOF: a manual override.
        case hand
    }

    public var following: Following
    public var author: Author
    /// The masters that this decision took the place of. An environment that names one of them is older than the decision;
    /// one that names yet another master is newer.
    public private(set) var superseded: [MasterAddress]
    /// Whom the sidecar's environment named.
    public var configured: MasterAddress
    /// The run id of the server that followed; another one has been started since.
    public var serverRunID: String
    /// In which term the decision was made. Each promotion begins a new one; 0: no server was promoted yet. Of two records of
    /// one node the one of the lower term is the older one.
    public var term: UInt64

    /// The most masters that a record lists as superseded: the newest ones.
    package static let maximumSuperseded = 64

    public init(
        _ following: Following, by author: Author, superseding superseded: [MasterAddress] = [],
        configured: MasterAddress, serverRunID: String, term: UInt64 = 0
    ) {
        self.following = following
        self.author = author
        let distinct = superseded.reduce(into: [MasterAddress]()) { list, address in
            list.removeAll { $0 == address }
            if following != .master(address) { list.append(address) }
        }
        self.superseded = Array(distinct.suffix(Self.maximumSuperseded))
        self.configured = configured
        self.serverRunID = serverRunID
        self.term = term
    }

    /// Whether this decision stands against an environment that names this master.
    public func overrules(_ configured: MasterAddress) -> Bool { superseded.contains(configured) }
}

extension MasterRecord.Following: CustomStringConvertible {
    /// The two words behind `replicaof`.
    public var words: String {
        switch self {
        case .master(let address): "\(address.host) \(address.port)"
        case .nobody: "no one"
        }
    }

    public var description: String {
        switch self {
        case .master(let address): address.description
        case .nobody: "nobody"
        }
    }
}
