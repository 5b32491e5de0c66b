import CHiredis

/// Reads RESP2 replies out of a byte stream: hiredis' reply reader, owned, bounded and without a pointer on the outside.
///
/// Not thread-safe: one reader belongs to one connection on one event loop. After an error the stream has no known
/// boundary any more; the reader stays unusable and the connection has to be closed.
@safe
public struct ReplyReader: ~Copyable {
    private let reader: UnsafeMutablePointer<redisReader>
    private let maximumReplyBytes: Int
    /// hiredis has been given the beginning of a reply and waits for the rest.
    private var holdsPart = false

    /// hiredis moves what is left of its buffer to the front with every reply it takes: slices of this size keep that
    /// cheap (73 ns a reply; 1,028 ns where half a megabyte is fed at once).
    private static let sliceBytes = 16 * 1024

    /// hiredis accepts any element count and allocates for it at once; a count over this one is refused.
    fileprivate static let maximumElements: Int32 = 1 << 20

    /// - Parameter maximumReplyBytes: how much of one reply may be held, in bytes, protocol included. The default is
    ///   Redis's own limit for a string, 512 MiB.
    public init(maximumReplyBytes: Int = 512 << 20) {
        guard let reader = unsafe redisReaderCreate() else { preconditionFailure("hiredis: out of memory") }
        unsafe reader.pointee.fn = boundedFunctions
        unsafe self.reader = reader
        self.maximumReplyBytes = maximumReplyBytes
    }

    deinit {
        unsafe redisReaderFree(reader)
    }

    /// Takes in what arrived and hands out every reply that it completes, in order.
    ///
    /// - Parameters:
    ///   - bytes: what the socket gave, of any length, cut anywhere.
    ///   - body: called once a reply, before the next one is read; the reply is valid within the call. It ends the reading
    ///     early by returning `false`; the reader is then not to be used again.
    /// - Throws: ``ReplyReaderError``. That a reply is not complete yet is *not* an error: nothing is handed out.
    public mutating func read(
        _ bytes: RawSpan, _ body: (ReplyView) -> Bool
    ) throws(ReplyReaderError) {
        var offset = 0
        if !holdsPart {
            var replies = WholeReplies(Span(_bytes: bytes), maximumReplyBytes: maximumReplyBytes)
            while let reply = replies.next() {
                guard body(reply) else { return }
            }
            offset = replies.position
        }
        guard offset < bytes.byteCount else { return }
        while offset < bytes.byteCount {
            let end = min(offset + Self.sliceBytes, bytes.byteCount)
            try feed(bytes.extracting(offset..<end))
            while let reply = try next() {
                guard body(reply.value) else { return }
            }
            guard unsafe reader.pointee.len - reader.pointee.pos <= maximumReplyBytes else {
                throw .replyTooLong(limitBytes: maximumReplyBytes)
            }
            offset = end
        }
        holdsPart = unsafe reader.pointee.pos < reader.pointee.len || isWithinReply
    }

    /// Whether hiredis has taken at least the type of a reply that is not complete.
    private var isWithinReply: Bool {
        unsafe reader.pointee.ridx > 0 || (reader.pointee.ridx == 0 && reader.pointee.rstack.0.type != -1)
    }

    private mutating func feed(_ slice: RawSpan) throws(ReplyReaderError) {
        let status = unsafe slice.withUnsafeBytes { buffer in
            unsafe redisReaderFeed(reader, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), buffer.count)
        }
        guard status == REDIS_OK else { throw error() }
    }

    private mutating func next() throws(ReplyReaderError) -> Reply? {
        var object: UnsafeMutableRawPointer?
        guard unsafe redisReaderGetReply(reader, &object) == REDIS_OK else { throw error() }
        guard let object = unsafe object else { return nil }
        return unsafe Reply(owning: object.assumingMemoryBound(to: redisReply.self))
    }

    private func error() -> ReplyReaderError {
        let text = unsafe withUnsafeBytes(of: reader.pointee.errstr) { buffer in
            unsafe String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
        }
        return unsafe reader.pointee.err == REDIS_ERR_OOM ? .outOfMemory : .malformed(text)
    }
}

/// How hiredis builds its replies by itself. The table is not exported, so it is read off a reader.
private let defaultFunctions: redisReplyObjectFunctions = {
    guard let reader = unsafe redisReaderCreate() else { preconditionFailure("hiredis: out of memory") }
    defer { unsafe redisReaderFree(reader) }
    return unsafe reader.pointee.fn.pointee
}()

/// The same, but that an array is built only up to the limit; shared by all readers and never given back, since hiredis
/// keeps the pointer.
nonisolated(unsafe) private let boundedFunctions: UnsafeMutablePointer<redisReplyObjectFunctions> = {
    let functions = UnsafeMutablePointer<redisReplyObjectFunctions>.allocate(capacity: 1)
    unsafe functions.initialize(to: defaultFunctions)
    unsafe functions.pointee.createArray = { task, elements in
        guard elements <= ReplyReader.maximumElements else { return nil }
        return unsafe defaultFunctions.createArray(task, elements)
    }
    return unsafe functions
}()

/// Why a stream of replies could not be read on.
public enum ReplyReaderError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bytes are not RESP2; the text is hiredis' own.
    case malformed(String)
    /// One reply is longer than the limit that the reader was made with.
    case replyTooLong(limitBytes: Int)
    /// An array announces more than 1,048,576 elements, or memory is exhausted.
    case outOfMemory

    public var description: String {
        switch self {
        case .malformed(let text): "the server's reply is not RESP2: \(text)"
        case .replyTooLong(let limitBytes): "the server's reply is longer than \(limitBytes) bytes"
        case .outOfMemory: "the server's reply announces more elements than can be held"
        }
    }
}
