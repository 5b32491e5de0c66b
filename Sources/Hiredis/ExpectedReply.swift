/// What a command may be answered with: what goes beyond it is refused as soon as the server announces it.
public struct ExpectedReply: Equatable, Sendable {
    /// The command's name, for those who read why a reply was refused; empty where nothing was asked.
    public var command: String
    /// How many elements all arrays of the reply may have together; 0 where a single value is expected.
    public var elements: Int
    /// What the reply may take in memory, in bytes; `nil` for what the reader allows for any reply.
    public var bytes: Int?

    public init(to command: String, elements: Int = 0, bytes: Int? = nil) {
        self.command = command
        self.elements = elements
        self.bytes = bytes
    }

    /// What an element of an array takes besides its text, in bytes: hiredis' object and the pointer to it (64 + 8), its text's
    /// block (32), and the copies that stand on their own (2 × 16, and 48 for a text).
    public static let elementBytes = 192

    /// More than all but a value, a list and a report need: an integer, a status, an error.
    public static let smallBytes = 64 << 10

    /// More than INFO needs where there are 10,000 databases, 10,000 replicas, or the statistics of each command and error.
    package static let reportBytes = 1 << 20

    /// An integer, a status, or an error.
    public static func small(to command: String) -> ExpectedReply {
        ExpectedReply(to: command, bytes: smallBytes)
    }

    /// The text of INFO.
    public static let information = ExpectedReply(to: "INFO", bytes: reportBytes)

    /// Nothing was asked.
    public static let nothing = ExpectedReply(to: "", bytes: smallBytes)

    /// Any reply of a trusted server: 1,048,576 elements at most.
    public static let anything = ExpectedReply(to: "the command", elements: 1 << 20)
}

/// What was refused in a reply before it was stored.
public struct RefusedReply: Hashable, Sendable {
    public enum Part: Hashable, Sendable {
        /// So many elements, counted over all arrays of the reply, were announced.
        case elements(Int)
        /// A bulk string of so many bytes was announced.
        case bytes(Int)
        /// All of it together takes more memory than it may.
        case whole
        /// A line has not ended.
        case line
    }

    /// The command that it was to answer; empty where nothing was asked.
    public var command: String
    public var part: Part
    /// What may be: in elements or bytes.
    public var limit: Int

    public init(_ part: Part, to command: String, limit: Int) {
        self.command = command
        self.part = part
        self.limit = limit
    }
}

extension RefusedReply: CustomStringConvertible {
    /// Goes on from the server's name or stands alone; no text of the server is in it.
    public var description: String {
        let subject = command.isEmpty ? "what it sends unasked" : "its answer to \(command)"
        return "\(subject) \(predicate): check that a redis-server answers there, and that nothing changes its answers"
    }

    private var predicate: String {
        switch part {
        case .elements(let count) where limit == 0: "is an array of \(count) elements, where one value is expected"
        case .elements(let count): "has \(count) elements, and at most \(limit) are taken"
        case .bytes(let count): "announces \(count) bytes, and at most \(limit) are taken"
        case .whole: "takes more than \(limit) bytes of memory"
        case .line: "is a line of more than \(limit) bytes"
        }
    }
}
