/// Takes what a file holds, key by key, in the order of the file.
///
/// A class, since it lives longer than one call and is called for each element.
public protocol RDBVisitor: AnyObject {
    /// A key begins.
    func begin(_ key: RDBKey) -> RDBInterest
    /// The next part of its value. Not called for a key whose value is not wanted, nor for values of modules.
    ///
    /// - Returns: whether to go on at all.
    func take(_ part: RDBPart) -> Bool
    /// The key has ended.
    ///
    /// - Parameter bytes: what the key and its value take in the file.
    /// - Returns: whether to go on at all.
    func end(bytes: Int) -> Bool
}

public enum RDBInterest: Equatable, Sendable {
    case value
    /// The value is skipped.
    case keyOnly
    case stop
}

/// What stands in front of a value.
public struct RDBKey: Equatable, Sendable {
    public var database: Int
    /// The first bytes alone where ``isWhole`` is not set.
    public var name: [UInt8]
    /// A name longer than ``RDBReader/maximumPartBytes`` is cut.
    public var isWhole: Bool
    public var type: RDBValueType
    /// In milliseconds since 1970, by the clock of the server that wrote the file; `nil` where it does not expire.
    public var expiresAt: Int64?

    public init(database: Int, name: [UInt8], isWhole: Bool = true, type: RDBValueType, expiresAt: Int64? = nil) {
        self.database = database
        self.name = name
        self.isWhole = isWhole
        self.type = type
        self.expiresAt = expiresAt
    }
}

public enum RDBValueType: Equatable, Sendable {
    case string, list, set, sortedSet, hash, stream
    /// - Parameter name: of the module's type, nine characters.
    case module(_ name: String)

    /// As the command TYPE has it.
    public var name: String {
        switch self {
        case .string: "string"
        case .list: "list"
        case .set: "set"
        case .sortedSet: "zset"
        case .hash: "hash"
        case .stream: "stream"
        case .module(let name): name
        }
    }
}

/// One part of a value. Each is kept whole in memory; see ``RDBReader/maximumPartBytes``.
public enum RDBPart: Equatable, Sendable {
    /// The next piece of a string; an empty string has one empty piece.
    case text([UInt8], isLast: Bool)
    /// An element of a list.
    case element([UInt8])
    /// A member of a set.
    case member([UInt8])
    /// - Parameter expiresAt: in milliseconds since 1970.
    case field([UInt8], value: [UInt8], expiresAt: Int64?)
    case scored([UInt8], score: Double)
    /// - Parameter fields: names and values in turn.
    case entry(RDBStreamID, fields: [[UInt8]])
    /// After all entries of a stream.
    case streamEnd(length: UInt64, last: RDBStreamID)
    /// A consumer group of the stream; its consumers follow.
    case group([UInt8], last: RDBStreamID, pending: UInt64)
    /// A consumer of the group before it.
    case consumer([UInt8], pending: UInt64)
    /// One or more parts that are too large for memory, and were skipped.
    case tooLarge
}

/// The identity of an entry of a stream.
public struct RDBStreamID: Equatable, Sendable, CustomStringConvertible {
    public var milliseconds: UInt64
    public var sequence: UInt64

    public init(_ milliseconds: UInt64, _ sequence: UInt64) {
        self.milliseconds = milliseconds
        self.sequence = sequence
    }

    public var description: String { "\(milliseconds)-\(sequence)" }
}
