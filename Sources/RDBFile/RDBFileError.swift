public import ReplicaPlanning

/// Why a file cannot be read to its end as an RDB.
public struct RDBFileError: Error, Equatable, Sendable {
    public enum Reason: Equatable, Sendable {
        /// The first bytes are not those of an RDB.
        case foreign
        /// Older than checksums (RDB 5), or no version of Valkey's.
        case version(RDBHeader.Format)
        case ended
        /// - Parameter what: a sentence without its full stop.
        case damaged(_ what: String)
        /// - Parameter isNewer: the file's version is newer than those that this reader knows.
        case unknownKind(UInt8, isNewer: Bool)
        case checksum
        /// The source could not be read.
        case source(String)
        /// The visitor did not want more. Not a fault of the file.
        case stopped
    }

    public var reason: Reason
    /// Bytes from the beginning of the file.
    public var offset: Int

    public init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }
}

extension RDBFileError: CustomStringConvertible {
    /// Goes on from the file's name.
    public var description: String {
        switch reason {
        case .foreign: "is no RDB file: it begins with neither REDIS nor VALKEY and a version"
        case .version(let format): "is \(format), which this program does not read"
        case .ended: "ends too early, after \(offset) bytes: it is damaged, or still being written"
        case .damaged(let what): "is damaged at byte \(offset): \(what)"
        case .unknownKind(let kind, isNewer: true):
            "has at byte \(offset) a kind of data (\(kind)) of a newer version than this program reads"
        case .unknownKind(let kind, isNewer: false):
            "is damaged at byte \(offset): there is no kind of data \(kind)"
        case .checksum: "is damaged: its checksum at byte \(offset) does not match"
        case .source(let words): "cannot be read at byte \(offset): \(words)"
        case .stopped: "was not read further than byte \(offset)"
        }
    }
}
