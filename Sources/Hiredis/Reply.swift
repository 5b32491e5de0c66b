import CHiredis

/// One reply, valid while it is borrowed; hiredis' memory is given back with it.
@safe
struct Reply: ~Copyable {
    private let reply: UnsafeMutablePointer<redisReply>

    init(owning reply: UnsafeMutablePointer<redisReply>) { unsafe self.reply = reply }

    deinit { unsafe freeReplyObject(reply) }

    /// The reply as a view: its bytes are read where they lie.
    var value: ReplyView {
        @_lifetime(borrow self)
        get { unsafe _overrideLifetime(ReplyView(reply), borrowing: self) }
    }
}

/// A view of a reply's value; it cannot outlive the reply.
public enum ReplyView: ~Escapable {
    /// A bulk string, such as a value or the answer to INFO.
    case bulk(Span<UInt8>)
    /// A simple string, such as `OK`.
    case simple(Span<UInt8>)
    /// An error without its leading `-`, such as `WRONGTYPE Operation against …`.
    case error(Span<UInt8>)
    case integer(Int64)
    case null
    /// The elements, copied: arrays are for the rare commands.
    case array([ReplyValue])
}

/// A reply's value that stands on its own.
public enum ReplyValue: Equatable, Sendable {
    case bulk([UInt8])
    case simple([UInt8])
    case error([UInt8])
    case integer(Int64)
    case null
    case array([ReplyValue])
}

extension ReplyView {
    @_lifetime(immortal)
    fileprivate init(_ reply: UnsafeMutablePointer<redisReply>) {
        switch unsafe reply.pointee.type {
        case REDIS_REPLY_STRING: self = unsafe .bulk(Self.bytes(of: reply))
        case REDIS_REPLY_STATUS: self = unsafe .simple(Self.bytes(of: reply))
        case REDIS_REPLY_ERROR: self = unsafe .error(Self.bytes(of: reply))
        case REDIS_REPLY_INTEGER: self = unsafe .integer(reply.pointee.integer)
        case REDIS_REPLY_ARRAY: self = unsafe .array(ReplyValue.elements(of: reply))
        default: self = .null
        }
    }

    @_lifetime(immortal)
    private static func bytes(of reply: UnsafeMutablePointer<redisReply>) -> Span<UInt8> {
        let buffer = unsafe UnsafeRawBufferPointer(start: reply.pointee.str, count: reply.pointee.len)
        let span = unsafe Span<UInt8>(_unsafeBytes: buffer)
        return unsafe _overrideLifetime(span, copying: ())
    }
}

extension ReplyValue {
    /// Copies what the view shows.
    public init(copying view: ReplyView) {
        switch view {
        case .bulk(let bytes): self = .bulk(Array(bytes))
        case .simple(let bytes): self = .simple(Array(bytes))
        case .error(let bytes): self = .error(Array(bytes))
        case .integer(let integer): self = .integer(integer)
        case .null: self = .null
        case .array(let elements): self = .array(elements)
        }
    }

    /// hiredis bounds the depth at 7, so the recursion is bounded too.
    fileprivate init(_ reply: UnsafeMutablePointer<redisReply>) {
        switch unsafe reply.pointee.type {
        case REDIS_REPLY_STRING: self = unsafe .bulk(Self.bytes(of: reply))
        case REDIS_REPLY_STATUS: self = unsafe .simple(Self.bytes(of: reply))
        case REDIS_REPLY_ERROR: self = unsafe .error(Self.bytes(of: reply))
        case REDIS_REPLY_INTEGER: self = unsafe .integer(reply.pointee.integer)
        case REDIS_REPLY_ARRAY: self = unsafe .array(Self.elements(of: reply))
        default: self = .null
        }
    }

    fileprivate static func elements(of reply: UnsafeMutablePointer<redisReply>) -> [ReplyValue] {
        unsafe (0..<reply.pointee.elements).map { unsafe ReplyValue(reply.pointee.element[$0]!) }
    }

    private static func bytes(of reply: UnsafeMutablePointer<redisReply>) -> [UInt8] {
        unsafe Array(UnsafeRawBufferPointer(start: reply.pointee.str, count: reply.pointee.len))
    }
}

extension [UInt8] {
    init(_ bytes: Span<UInt8>) {
        self = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
    }
}
