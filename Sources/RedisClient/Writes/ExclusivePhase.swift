public import NIOCore

/// Commands that leave together over a connection that nothing else uses meanwhile.
public struct ExclusivePhase {
    let replies: Int
    /// How long the last of the commands may wait for replicas.
    let wait: Duration
    /// Whether INFO replication follows, as ``InformationForm/parsed``: with it the connection is given back.
    let hasInformation: Bool
    let encode: (_ connection: RedisConnection, _ buffer: inout ByteBuffer) -> Void

    /// - Parameters:
    ///   - replies: how many commands `encode` writes.
    ///   - encode: called once, with the connection that the commands go over.
    public init(
        replies: Int, wait: Duration = .zero, hasInformation: Bool,
        encode: @escaping (_ connection: RedisConnection, _ buffer: inout ByteBuffer) -> Void
    ) {
        self.replies = replies
        self.wait = wait
        self.hasInformation = hasInformation
        self.encode = encode
    }
}
