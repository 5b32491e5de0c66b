public import NIOCore

extension RedisLoop {
    /// How a read takes a large value.
    public enum LargeRead {
        /// Piece by piece: its receiver is offered a ``LargeValue``.
        case streamed
        /// As any other reply, up to ``RedisConnectionConfiguration/maximumReplyBytes``.
        case gathered
    }

    /// Whether the value was large when the key was last read.
    @inline(__always)
    public func expectsLarge(_ key: [UInt8]) -> Bool { largeKeys.contain(key) }

    /// Notes whether a key's value is large.
    public func note(_ key: [UInt8], isLarge: Bool) {
        if isLarge { largeKeys.insert(key) } else { largeKeys.remove(key) }
    }

    /// From how many bytes on a value is large.
    public var largeBytes: Int { configuration.largeReplyBytes }

    /// Asks a server over a connection that the read has to itself, as soon as there is room for one more.
    ///
    /// - Parameters:
    ///   - reader: only its endpoint counts: where a name leads to several servers, another one may be met.
    ///   - isWanted: asked when it is the read's turn; it is dropped without a word where it is not.
    /// - Throws: ``RedisFailure`` where nothing was sent; the receiver is then not called.
    public func submit(
        _ receiver: ReplyReceiver, at reader: Reader, as kind: LargeRead, replies: Int,
        information: InformationForm? = nil, isWanted: @escaping () -> Bool,
        encode: @escaping (inout ByteBuffer) -> Void
    ) throws(RedisFailure) {
        let connections = kind == .streamed ? streamedReads : gatheredReads
        try connections.submit(
            receiver, at: reader, replies: replies, information: information, isWanted: isWanted, encode: encode)
    }
}
