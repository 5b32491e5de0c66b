/// Whom a replica follows, why, and what the environment said then: what has to outlive a start, the server's or the sidecar's.
///
/// The sidecar writes it, and redis-replica-init goes by it where it overrules the environment. A line each:
///
/// ```
/// replicaof redis-master-b 6379
/// decided-by hand
/// supersedes redis-master-a 6379
/// configured redis-master-a 6379
/// server 0a1b…
/// ```
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
        /// Somebody sent REPLICAOF by hand.
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

    public init(
        _ following: Following, by author: Author, superseding superseded: [MasterAddress] = [],
        configured: MasterAddress, serverRunID: String
    ) {
        self.following = following
        self.author = author
        self.superseded = superseded.reduce(into: []) { list, address in
            if following != .master(address), !list.contains(address) { list.append(address) }
        }
        self.configured = configured
        self.serverRunID = serverRunID
    }

    /// Whether this decision stands against an environment that names this master.
    public func overrules(_ configured: MasterAddress) -> Bool { superseded.contains(configured) }
}

extension MasterRecord {
    /// Reads what ``text`` writes; words that are not known are passed over, so that a newer sidecar may add some.
    ///
    /// - Returns: `nil` where one of them is missing or cannot be read.
    public init?(parsing text: String) {
        var words: [Substring: [[Substring]]] = [:]
        for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
            let parts = line.split(separator: " ")
            words[parts[0], default: []].append(Array(parts.dropFirst()))
        }
        func address(_ words: [Substring]) -> MasterAddress? {
            words.count == 2 ? MasterAddress(host: words[0], port: words[1]) : nil
        }
        let superseded = words["supersedes", default: []].map(address)
        guard let replicaof = words["replicaof"]?.first, let configured = words["configured"]?.first.flatMap(address),
            let author = words["decided-by"]?.first?.first.flatMap({ Author(rawValue: String($0)) }),
            let server = words["server"]?.first?.first, !superseded.contains(nil)
        else { return nil }
        let following: Following
        if replicaof == ["no", "one"] {
            following = .nobody
        } else if let master = address(replicaof) {
            following = .master(master)
        } else {
            return nil
        }
        self.init(
            following, by: author, superseding: superseded.compactMap(\.self), configured: configured,
            serverRunID: String(server))
    }

    /// The record's file.
    public var text: String {
        let lines =
            ["replicaof \(following.words)", "decided-by \(author.rawValue)"]
            + superseded.map { "supersedes \($0.host) \($0.port)" }
            + ["configured \(configured.host) \(configured.port)", "server \(serverRunID)"]
        return """
            # Written by redis-replica-sidecar. redis-replica-init goes by it while its environment names a superseded master;
            # remove this file to have the environment decide again.
            \(lines.joined(separator: "\n"))

            """
    }
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
