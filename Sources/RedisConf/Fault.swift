/// A place in a configuration: both counts begin at 1, the column counts bytes.
public struct Position: Hashable, Sendable, Comparable {
    public var line: Int
    public var column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    public static func < (left: Position, right: Position) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// What is wrong at a place: redis-server would refuse to start, or would read something other than what is seen.
public enum Fault: Error, Equatable, Sendable {
    case unterminatedQuote
    case textAfterQuote
    /// Redis joins the line with the next one from here on.
    case nulByte
    /// Redis takes the mark for the beginning of the first directive's name.
    case byteOrderMark
    /// `include` takes one argument.
    case includeWithoutPath
    case unreadableInclude(path: [UInt8], FileProblem)
    /// A file that includes itself, directly or not.
    case includeCycle(path: [UInt8])
}

/// A fault with its place.
public struct LocatedFault: Error, Equatable, Sendable {
    /// The file's path as it was opened.
    public var file: [UInt8]
    public var position: Position
    public var fault: Fault

    public init(file: [UInt8], position: Position, fault: Fault) {
        self.file = file
        self.position = position
        self.fault = fault
    }
}

/// Why a file could not be read.
public enum FileProblem: Error, Equatable, Sendable {
    case missing
    case denied
    /// A folder has no contents. A server that includes one reads nothing.
    case folder
    /// What the bound is, as in "4 MiB".
    case tooLarge(bound: String)
    /// Anything else, in the system's words.
    case failed(reason: String)
}
