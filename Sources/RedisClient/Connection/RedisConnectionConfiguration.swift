package import NIOCore

/// How a connection behaves.
public struct RedisConnectionConfiguration: Sendable {
    public var credentials: RedisCredentials?
    /// The number of the database, as in SELECT; 0 is the one that a connection begins with.
    public var database = 0
    /// `nil` for connections in clear text.
    public var tls: RedisTLS?
    /// From the look-up of the name to the connection; its addresses are tried within it. An address that drops packets
    /// has to be tried again soon after it came back, so this is not longer.
    public var connectTimeout: Duration = .seconds(1)
    /// From a command's flush to its reply.
    public var commandTimeout: Duration = .seconds(2)
    /// How long the oldest command may wait before new reads are asked of other servers, if there are others.
    public var stallTimeout: Duration = .milliseconds(250)
    /// How often the server is asked for `INFO replication`.
    package var healthInterval: Duration = .seconds(1)
    /// How old a connection to a replica may get before another one takes its place, give or take a fifth; `nil` for as
    /// old as it likes.
    public var maximumAge: Duration? = .seconds(300)
    /// Submissions that may wait on one connection; one more is refused at once.
    public var maximumInFlight = 16_384
    /// How a shared INFO replication is written for those who asked for it; as it is, unless told otherwise.
    package var encodeInformation: @Sendable (_ text: Span<UInt8>, _ buffer: inout ByteBuffer) -> Void = {
        $1.writeBytes($0)
    }
    /// Bytes of one reply that is gathered; Redis itself allows 512 MiB.
    public var maximumReplyBytes = (8 << 20) + 64
    /// A value of more bytes than this gets its own connection, so that it does not hold up what is behind it.
    public var largeReplyBytes = 1 << 20
    /// How fast a reply has to come at the least, in bytes a second, to count as progress.
    package var minimumReplyRate = 64 << 10
    /// How long a command may wait at the most, although replies make progress.
    package var longestCommand: Duration = .seconds(30)
    /// How many large values are read at a time, on all event loops together; each event loop has its share.
    public var maximumLargeReads = 32
    /// How long a write that was surely not applied may wait for the master.
    public var writeHold: Duration = .seconds(1)

    /// How Sentinels are spoken to, where they decide.
    public var sentinel = SentinelConnectionSettings()

    /// Whether a master is asked, where it may refuse writes for lack of replicas, whether it does.
    var asksForRefusal = false

    /// Whether many requests share the connection; else a large reply holds up no other, and stays.
    var isShared = true
    var backoff = Backoff()
    /// Shared by all connections.
    var complaints: Complaints?

    public init(credentials: RedisCredentials? = nil) { self.credentials = credentials }
}
