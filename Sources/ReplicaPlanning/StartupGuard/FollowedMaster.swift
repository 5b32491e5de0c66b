public import RedisCore

/// The master that this server found in its place, and follows from this start on.
public struct FollowedMaster: Equatable, Sendable {
    public var address: MasterAddress
    public var replicationID: String
    public var secondReplicationID: String?
    /// Whether it has everything that is in our files: then nothing of them has to be kept aside.
    public var hasEverything: Bool
    /// What it takes for a log-in; nil where it has no password.
    public var credentials: GuardSettings.Credentials?

    public init(
        address: MasterAddress, replicationID: String, secondReplicationID: String?, hasEverything: Bool,
        credentials: GuardSettings.Credentials?
    ) {
        self.address = address
        self.replicationID = replicationID
        self.secondReplicationID = secondReplicationID
        self.hasEverything = hasEverything
        self.credentials = credentials
    }

    /// What ``DataSettings/followedPath`` says: of whose history the data in the folder is a copy since this start.
    public var text: String {
        """
        # Written by redis-replica-init: this server came back as a replica of the master that was found in its place. Removed at its
        # next start as a master.
        master \(address.host) \(address.port)
        history \(replicationID)

        """
    }

    /// What the text in a folder says of the last start.
    public enum Trace: Equatable, Sendable {
        /// This server was a replica of that one. Its files hold a copy of what that one had.
        case replica(of: MasterAddress, file: [UInt8])
        /// It was a replica; of whom cannot be read.
        case unreadable(file: [UInt8])

        public init(_ text: String, file: [UInt8]) {
            for line in text.split(whereSeparator: \.isNewline) {
                let words = line.split(separator: " ")
                if words.count == 3, words[0] == "master", let address = MasterAddress(host: words[1], port: words[2]) {
                    self = .replica(of: address, file: file)
                    return
                }
            }
            self = .unreadable(file: file)
        }
    }

    /// Whether a folder in which an earlier start left this text holds a copy of this master's data.
    public func isCopied(in text: String) -> Bool {
        text.split(whereSeparator: \.isNewline).contains { line in
            let words = line.split(separator: " ")
            guard words.count == 2, words[0] == "history" else { return false }
            return words[1] == replicationID || secondReplicationID.map { words[1] == $0 } ?? false
        }
    }
}

extension Environment {
    /// The environment of a replica of this master.
    func following(_ master: FollowedMaster) -> Environment {
        var environment = self
        environment["REDIS_REPLICATION_MODE"] = utf8("replica")
        environment["REDIS_MASTER_HOST"] = utf8(master.address.host)
        environment["REDIS_MASTER_PORT_NUMBER"] = utf8("\(master.address.port)")
        // What it took for our questions it takes for our replication, too.
        if let credentials = master.credentials, self["REDIS_MASTER_PASSWORD"] == nil,
            self["REDIS_MASTER_PASSWORD_FILE"] == nil
        {
            environment["REDIS_MASTER_PASSWORD"] = credentials.password
        }
        return environment
    }
}
