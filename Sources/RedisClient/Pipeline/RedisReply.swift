import Hiredis

/// A view of one reply; it cannot outlive the call that passes it.
public enum RedisReply: ~Escapable {
    /// A bulk string, such as a value or the answer to INFO.
    case bulk(Span<UInt8>)
    /// A simple string, such as `OK`.
    case simple(Span<UInt8>)
    /// An error without its leading `-`, such as `WRONGTYPE Operation against …`.
    case error(Span<UInt8>)
    case integer(Int64)
    case null
    /// The elements, copied: arrays are for the rare commands.
    case array([RedisValue])
}

/// A reply that stands on its own.
public enum RedisValue: Equatable, Sendable {
    case bulk([UInt8])
    case simple([UInt8])
    case error([UInt8])
    case integer(Int64)
    case null
    case array([RedisValue])
}

extension RedisReply {
    /// Whether it is a simple string, as the answer to a write is.
    public var isSimple: Bool {
        switch self {
        case .simple: true
        case .bulk, .error, .integer, .null, .array: false
        }
    }

    @_lifetime(copy view)
    init(_ view: ReplyView) {
        switch view {
        case .bulk(let bytes): self = .bulk(bytes)
        case .simple(let bytes): self = .simple(bytes)
        case .error(let bytes): self = .error(bytes)
        case .integer(let integer): self = .integer(integer)
        case .null: self = .null
        case .array(let elements): self = .array(elements.map(RedisValue.init))
        }
    }
}

extension RedisValue {
    fileprivate init(_ value: ReplyValue) {
        switch value {
        case .bulk(let bytes): self = .bulk(bytes)
        case .simple(let bytes): self = .simple(bytes)
        case .error(let bytes): self = .error(bytes)
        case .integer(let integer): self = .integer(integer)
        case .null: self = .null
        case .array(let elements): self = .array(elements.map(RedisValue.init))
        }
    }
}
