public import RedisCore

/// Whom a replica has to follow again, in a file of the data folder while that is to be done.
///
/// ```
/// replica 10.1.37.14 6379
/// followed redis-master 6379
/// stand-in 10.1.37.13 6379
/// ```
public struct ReseedJournal: Equatable, Sendable {
    public var replica: MasterAddress
    public var followed: MasterAddress
    /// Whom it follows meanwhile. If it follows another server by now, it is left alone.
    public var placeholder: MasterAddress

    public init(replica: MasterAddress, followed: MasterAddress, placeholder: MasterAddress) {
        self.replica = replica
        self.followed = followed
        self.placeholder = placeholder
    }

    /// Reads what ``text`` writes; nil where a line is missing or cannot be read.
    public init?(parsing text: String) {
        var words: [Substring: MasterAddress] = [:]
        for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
            let parts = line.split(separator: " ")
            if parts.count == 3 { words[parts[0]] = MasterAddress(host: parts[1], port: parts[2]) }
        }
        guard let replica = words["replica"], let followed = words["followed"], let placeholder = words["stand-in"]
        else {
            return nil
        }
        self.init(replica: replica, followed: followed, placeholder: placeholder)
    }

    public var text: String {
        """
        # Written by redis-replica-init while it restores the data from a replica. If it is still here afterwards, the next
        # start points that replica back.
        replica \(replica.host) \(replica.port)
        followed \(followed.host) \(followed.port)
        stand-in \(placeholder.host) \(placeholder.port)

        """
    }
}
