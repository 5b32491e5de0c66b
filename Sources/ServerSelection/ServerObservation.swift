public import RedisCore

/// What one server said of its replication, and when.
public struct ServerObservation: Equatable, Sendable {
    /// Where it was met, as `host:port`.
    public var endpoint: String
    /// Which server was met there: its run id, or the endpoint where it does not say one.
    public var server: String
    public var information: ReplicationInfo
    /// Nanoseconds of a clock that never goes back.
    public var seenAt: Int64

    public init(endpoint: String, server: String? = nil, information: ReplicationInfo, seenAt: Int64) {
        self.endpoint = endpoint
        self.server = server ?? endpoint
        self.information = information
        self.seenAt = seenAt
    }
}

/// One master's history: its name, how far it was, and where it came from.
public struct History: Equatable, Sendable {
    public let id: ReplicationID
    /// Bytes of its stream at the time of the observation.
    public var offset: Int64
    /// The history that it continues; `nil` where it began by itself.
    public let origin: ReplicationID?
    /// The first offset that is not of the origin's.
    public let fork: Int64

    /// - Returns: `nil` where the server names no history.
    public init?(of info: ReplicationInfo) {
        guard let id = ReplicationID(info.replicationID) else { return nil }
        self.id = id
        offset = info.offset
        fork = info.secondOffset
        origin = info.secondOffset > 0 ? info.secondReplicationID.flatMap { ReplicationID($0) } : nil
    }

    /// Whether its server was promoted while it followed the other history.
    public func continues(_ other: ReplicationID) -> Bool { origin == other }

    /// How many bytes it has written since it was promoted.
    var writtenBytes: Int64 { offset.saturatingSubtracting(fork.saturatingSubtracting(1)) }

    /// How many bytes of the history that it continues it does not have.
    ///
    /// - Parameter offset: how far that history is known to have gone.
    public func lostBytes(ofHistoryUpTo offset: Int64) -> Int64 {
        max(0, offset.saturatingSubtracting(fork.saturatingSubtracting(1)))
    }
}
