import CHiredis

/// Reads RESP2 replies out of a byte stream: hiredis' reply reader, owned, bounded and without a pointer on the outside.
///
/// Not thread-safe: one reader belongs to one connection on one event loop. After an error the stream has no known
/// boundary any more; the reader stays unusable and the connection has to be closed.
@safe
public struct ReplyReader: ~Copyable {
    private let reader: BoundedReader
    private let maximumReplyBytes: Int
    private let largeReplyBytes: Int
    /// hiredis has been given the beginning of a reply and waits for the rest.
    public private(set) var holdsPart = false
    /// The reply whose beginning hiredis has was announced as large, and is gathered all the same.
    private var gathersLarge = false

    /// hiredis moves what is left of its buffer to the front with every reply it takes: slices of this size keep that
    /// cheap (73 ns a reply; 1,028 ns where half a megabyte is fed at once).
    private static let sliceBytes = 16 * 1024

    /// - Parameters:
    ///   - maximumReplyBytes: how much memory one reply may take where its command says no less, in bytes. The default is
    ///     Redis's own limit for a string, 512 MiB.
    ///   - largeReplyBytes: a bulk reply of more bytes than this is announced before it is gathered; see
    ///     ``read(_:startingAt:expecting:_:)``. `nil` for none. At least 16 KiB.
    public init(maximumReplyBytes: Int = 512 << 20, largeReplyBytes: Int? = nil) {
        precondition(largeReplyBytes ?? .max >= Self.sliceBytes, "a large reply does not lie whole in a slice")
        reader = BoundedReader()
        self.maximumReplyBytes = maximumReplyBytes
        self.largeReplyBytes = largeReplyBytes ?? .max
    }

    /// Takes in what arrived and hands out every reply that it completes, in order.
    ///
    /// - Parameters:
    ///   - bytes: what the socket gave, of any length, cut anywhere.
    ///   - start: how many of the bytes have been read already.
    ///   - expecting: what the reply may be that comes next. Asked of those alone that do not lie whole in the bytes, and of
    ///     arrays; more than once for the same one.
    ///   - body: called once a reply, before the next one is read; the reply is valid within the call. It ends the reading
    ///     early by returning `false`; the reader is then not to be used again.
    /// - Returns: a large reply, as soon as its length is known; what comes behind is not read yet. Either the caller takes the
    ///   value off the stream by itself, from ``LargeReply/bodyOffset`` on, and goes on behind it with a new reader. Or it has
    ///   the value gathered as any other, by another call with the same bytes from ``LargeReply/nextOffset`` on.
    /// - Throws: ``ReplyReaderError``. That a reply is not complete yet is *not* an error: nothing is handed out.
    @discardableResult
    public mutating func read(
        _ bytes: RawSpan, startingAt start: Int = 0, expecting: @autoclosure () -> ExpectedReply = .anything,
        _ body: (ReplyView) -> Bool
    ) throws(ReplyReaderError) -> LargeReply? {
        var offset = start
        if !holdsPart {
            var replies = WholeReplies(
                Span(_bytes: bytes), from: start, maximumReplyBytes: min(maximumReplyBytes, largeReplyBytes))
            while let reply = replies.next() {
                guard body(reply) else { return nil }
            }
            offset = replies.position
        }
        guard offset < bytes.byteCount else { return nil }
        while offset < bytes.byteCount {
            let end = min(offset + Self.sliceBytes, bytes.byteCount)
            try feed(bytes.extracting(offset..<end))
            reader.expect(expecting(), maximumBytes: maximumReplyBytes)
            while let reply = try reader.next() {
                gathersLarge = false
                guard body(reply.value) else { return nil }
                reader.expect(expecting(), maximumBytes: maximumReplyBytes)
            }
            if !gathersLarge, let (length, gathered) = largeReply {
                try reader.check(announced: length)
                gathersLarge = true
                holdsPart = true
                return LargeReply(length: length, bodyOffset: end - gathered, nextOffset: end)
            }
            try reader.checkPart()
            offset = end
        }
        holdsPart = reader.unreadBytes > 0 || reader.hasBegun
        return nil
    }

    /// The bulk reply of the top level that hiredis waits for the rest of, if it is a large one and its length is known.
    ///
    /// - Returns: its length, and how many bytes of it have come.
    private var largeReply: (length: Int, gathered: Int)? {
        guard largeReplyBytes < .max, reader.isAtTop, reader.taskType == REDIS_REPLY_STRING,
            let announced = reader.announced, announced.length > largeReplyBytes
        else { return nil }
        return (announced.length, reader.unreadBytes - announced.head)
    }

    private mutating func feed(_ slice: RawSpan) throws(ReplyReaderError) {
        try unsafe slice.withUnsafeBytes { (buffer) throws(ReplyReaderError) in unsafe try reader.feed(buffer) }
    }
}

/// A bulk reply of the top level that has begun, and is longer than what a reader gathers unasked.
public struct LargeReply: Equatable, Sendable {
    /// Of the value, in bytes.
    public let length: Int
    /// Where the value begins in the bytes that were read; it may begin right behind them.
    public let bodyOffset: Int
    /// Where the reader goes on, if it is to gather the value.
    public let nextOffset: Int
}

/// Why a stream of replies could not be read on.
public enum ReplyReaderError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes are not RESP2; the text is hiredis' own.
    case malformed(String)
    /// One reply takes more memory than the limit that the reader was made with.
    case replyTooLong(limitBytes: Int)
    /// A reply is another one than its command is answered with, or larger.
    case refused(RefusedReply)
    /// Memory is exhausted.
    case outOfMemory

    public var description: String {
        switch self {
        case .malformed(let text): "the server's reply is not RESP2: \(text)"
        case .replyTooLong(let limitBytes): "the server's reply is longer than \(limitBytes) bytes"
        case .refused(let refusal): refusal.description
        case .outOfMemory: "there is no memory for the server's reply"
        }
    }
}
