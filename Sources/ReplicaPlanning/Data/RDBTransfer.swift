/// The answer to SYNC as it comes over the wire: where the RDB in it begins and ends, and whether it came whole.
///
/// `$LENGTH\r\n` and that many bytes, or from a replica that sends without a file `$EOF:` and forty bytes of a mark, and then
/// bytes until the mark comes again. Empty lines before it say that the RDB is still being made (redis/redis
/// `src/replication.c`, `readSyncBulkPayload`).
///
/// No buffer inside: the owner reads into its own, and learns how much of it may be written to the file.
public struct RDBTransfer: Equatable, Sendable {
    public enum Announcement: Equatable, Sendable {
        /// Nothing yet: the replica is still at it.
        case nothing
        /// Bytes follow: so many, or until the mark.
        case begins(bytes: Int?)
    }

    /// The length that was announced; nil where a mark ends it.
    public private(set) var announcedBytes: Int?
    /// Bytes of the RDB that are known to be such, the checksum included once it is over.
    public private(set) var takenBytes = 0
    public private(set) var isOver = false

    private var mark: [UInt8]?
    private var checksum = RDBChecksum()

    public init() {}

    /// A line before the RDB, without its line end.
    public mutating func announce(_ line: [UInt8]) throws(ReseedFailure) -> Announcement {
        if line.isEmpty { return .nothing }
        guard line[0] == UInt8(ascii: "$") else {
            let cure = line.starts(with: utf8("-NOPERM")) ? "; grant it +sync" : ""
            // The server's own words, which hold no secret: SYNC has no arguments.
            throw .transfer("the replica refuses SYNC: \(shown(line))\(cure)")
        }
        let text = Array(line.dropFirst())
        if text.starts(with: utf8("EOF:")), text.count == 44 {
            mark = Array(text.dropFirst(4))
            return .begins(bytes: nil)
        }
        guard text.first != UInt8(ascii: "+"), let length = Int(String(decoding: text, as: UTF8.self)),
            length > Self.checksumBytes
        else {
            throw .transfer("the replica's answer to SYNC cannot be read: \(shown(line))")
        }
        announcedBytes = length
        return .begins(bytes: length)
    }

    /// Bytes at the end that may be more than RDB: they stay in the owner's buffer until more come.
    public var heldBack: Int { (mark?.count ?? 0) + Self.checksumBytes }

    /// How many bytes may be read at most: not past the end, where that is known.
    public func room(_ free: Int, pending: Int) -> Int {
        announcedBytes.map { min(free, $0 - takenBytes - pending) } ?? free
    }

    /// Takes what is in the owner's buffer, including the bytes kept back before.
    ///
    /// - Returns: how many of them, from the first on, belong to the file. The rest is given again with the next call.
    public mutating func take(_ buffer: RawSpan) throws(ReseedFailure) -> Int {
        let count = max(0, buffer.byteCount - heldBack)
        checksum.take(buffer.extracting(0..<count))
        takenBytes += count
        let rest = buffer.extracting(count..<buffer.byteCount)
        if let mark {
            guard rest.byteCount == heldBack, rest.ends(with: mark) else { return count }
        } else {
            guard takenBytes + rest.byteCount == announcedBytes else { return count }
        }
        let sum = unsafe UInt64(littleEndian: rest.unsafeLoadUnaligned(as: UInt64.self))
        // Zero: the replica has `rdbchecksum no`.
        guard sum == checksum.value || sum == 0 else {
            throw .transfer("the replica's RDB arrived damaged: its checksum does not match")
        }
        hasChecksum = sum != 0
        takenBytes += Self.checksumBytes
        isOver = true
        return count + Self.checksumBytes
    }

    /// Whether the RDB brought a checksum, and it was right.
    public private(set) var hasChecksum = false

    private static let checksumBytes = 8
}

extension RawSpan {
    fileprivate func ends(with bytes: [UInt8]) -> Bool {
        let tail = extracting(last: bytes.count)
        return bytes.indices.allSatisfy { unsafe tail.unsafeLoad(fromByteOffset: $0, as: UInt8.self) == bytes[$0] }
    }
}
