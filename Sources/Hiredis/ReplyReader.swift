import CHiredis

/// Reads RESP2 replies out of a byte stream: hiredis' reply reader, owned, bounded and without a pointer on the outside.
///
/// Not thread-safe: one reader belongs to one connection on one event loop. After an error the stream has no known
/// boundary any more; the reader stays unusable and the connection has to be closed.
@safe
public struct ReplyReader: ~Copyable {
    private let reader: UnsafeMutablePointer<redisReader>
    private let maximumReplyBytes: Int
    private let largeReplyBytes: Int
    /// hiredis has been given the beginning of a reply and waits for the rest.
    private var holdsPart = false
    /// The reply that hiredis holds the beginning of was told to be large, and is gathered all the same.
    private var gathersLarge = false

    /// hiredis moves what is left of its buffer to the front with every reply it takes: slices of this size keep that
    /// cheap (73 ns a reply; 1,028 ns where half a megabyte is fed at once).
    private static let sliceBytes = 16 * 1024

    /// hiredis accepts any element count and allocates for it at once; a count over this one is refused.
    fileprivate static let maximumElements: Int32 = 1 << 20

    /// - Parameters:
    ///   - maximumReplyBytes: how much of one reply may be held, in bytes, protocol included. The default is
    ///     Redis's own limit for a string, 512 MiB.
    ///   - largeReplyBytes: a bulk reply of more bytes than this is announced before it is gathered; see
    ///     ``read(_:startingAt:_:)``. `nil` for none. At least 16 KiB.
    public init(maximumReplyBytes: Int = 512 << 20, largeReplyBytes: Int? = nil) {
        precondition(largeReplyBytes ?? .max >= Self.sliceBytes, "a large reply does not lie whole in a slice")
        guard let reader = unsafe redisReaderCreate() else { preconditionFailure("hiredis: out of memory") }
        unsafe reader.pointee.fn = boundedFunctions
        unsafe self.reader = reader
        self.maximumReplyBytes = maximumReplyBytes
        self.largeReplyBytes = largeReplyBytes ?? .max
    }

    deinit {
        unsafe redisReaderFree(reader)
    }

    /// Takes in what arrived and hands out every reply that it completes, in order.
    ///
    /// - Parameters:
    ///   - bytes: what the socket gave, of any length, cut anywhere.
    ///   - start: how many of the bytes have been read already.
    ///   - body: called once a reply, before the next one is read; the reply is valid within the call. It ends the reading
    ///     early by returning `false`; the reader is then not to be used again.
    /// - Returns: a large reply, as soon as its length is known; what comes behind is not read yet. Either the caller takes the
    ///   value off the stream by itself, from ``LargeReply/bodyOffset`` on, and goes on behind it with a new reader. Or it has
    ///   the value gathered as any other, by another call with the same bytes from ``LargeReply/nextOffset`` on.
    /// - Throws: ``ReplyReaderError``. That a reply is not complete yet is *not* an error: nothing is handed out.
    @discardableResult
    public mutating func read(
        _ bytes: RawSpan, startingAt start: Int = 0, _ body: (ReplyView) -> Bool
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
            while let reply = try next() {
                gathersLarge = false
                guard body(reply.value) else { return nil }
            }
            if !gathersLarge, let (length, gathered) = largeReply() {
                gathersLarge = true
                holdsPart = true
                return LargeReply(length: length, bodyOffset: end - gathered, nextOffset: end)
            }
            guard unsafe reader.pointee.len - reader.pointee.pos <= maximumReplyBytes else {
                throw .replyTooLong(limitBytes: maximumReplyBytes)
            }
            offset = end
        }
        holdsPart = unsafe reader.pointee.pos < reader.pointee.len || isWithinReply
        return nil
    }

    /// The bulk reply of the top level that hiredis waits for the rest of, if it is a large one and its length is known.
    ///
    /// hiredis takes the type's byte alone, and leaves the length in its buffer until the whole value has come (0.14.1,
    /// `read.c`, `processBulkItem`).
    ///
    /// - Returns: its length, and how many bytes of it have come.
    private func largeReply() -> (length: Int, gathered: Int)? {
        guard largeReplyBytes < .max, unsafe reader.pointee.ridx == 0,
            unsafe reader.pointee.rstack.0.type == REDIS_REPLY_STRING, let buffer = unsafe reader.pointee.buf
        else { return nil }
        let count = unsafe reader.pointee.len - reader.pointee.pos
        let start = unsafe UnsafeRawPointer(buffer + reader.pointee.pos)
        var length = 0
        // At most 18 digits: no server holds more than that, and the sum does not overflow.
        for index in 0..<min(count, 19) {
            let byte = unsafe start.load(fromByteOffset: index, as: UInt8.self)
            guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte else {
                guard byte == UInt8(ascii: "\r"), index > 0, index + 2 <= count, length > largeReplyBytes else {
                    return nil
                }
                return (length, count - index - 2)
            }
            length = length * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return nil
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

/// A bulk reply of the top level that has begun, and is longer than what a reader gathers unasked.
public struct LargeReply: Equatable, Sendable {
    /// Of the value, in bytes.
    public let length: Int
    /// Where the value begins in the bytes that were read; it may begin right behind them.
    public let bodyOffset: Int
    /// Where the reader goes on, if it is to gather the value.
    public let nextOffset: Int
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
