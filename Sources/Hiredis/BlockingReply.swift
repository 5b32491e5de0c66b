/// One reply of a Redis server, as its own value: nothing in it points into hiredis' memory.
public enum BlockingReply: Sendable, Hashable {
    /// A status such as `OK`.
    case simple([UInt8])
    /// The server refused, for instance `WRONGTYPE …`. Not thrown: an answer is not a broken connection.
    case error([UInt8])
    case integer(Int64)
    case bulk([UInt8])
    case null
    case array([BlockingReply])
}

extension BlockingReply {
    /// The text of a status, bulk string or integer; bytes that are not UTF-8 are replaced.
    ///
    /// `nil` for errors, null and arrays.
    public var text: String? {
        switch self {
        case .simple(let bytes), .bulk(let bytes): String(decoding: bytes, as: UTF8.self)
        case .integer(let value): String(value)
        case .error, .null, .array: nil
        }
    }

    /// The server's words if it refused, for instance `LOADING Redis is loading the dataset in memory`.
    public var errorText: String? {
        guard case .error(let bytes) = self else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
