/// A point in a replication history: a server that has this point has every write up to it.
///
/// On the wire `<id>:<offset>`. There is one spelling of each token, so that equal tokens are equal bytes.
public struct ReplicationToken: Equatable, Hashable, Sendable {
    public let replicationID: ReplicationID

    /// Bytes of the history's replication stream, 0 or more. It may stay where it is while no replica has joined the
    /// master: the first one that does starts its own history, with a new id (6.0 to 8.1, ran).
    public let offset: Int64

    public init(replicationID: ReplicationID, offset: Int64) {
        precondition(offset >= 0, "an offset counts bytes")
        self.replicationID = replicationID
        self.offset = offset
    }

    /// Reads `<id>:<offset>`, nothing before it or after it.
    ///
    /// - Returns: `nil` unless the id is 40 lowercase hexadecimal digits and the offset is decimal digits alone that
    ///   fit into an `Int64`, the first of them 0 only where it is the only one.
    public init?(parsing text: Span<UInt8>) {
        let colon = ReplicationID.length
        guard text.count > colon + 1, text[colon] == UInt8(ascii: ":"),
            let replicationID = ReplicationID(parsing: text.extracting(0..<colon)),
            let offset = Int64(decimal: text.extracting(colon + 1..<text.count))
        else { return nil }
        self.init(replicationID: replicationID, offset: offset)
    }

    /// The point that a server had reached when it gave this answer.
    ///
    /// For the token of a write, INFO follows the write on the master; for the token of a read, INFO follows the read
    /// on the server that was read.
    ///
    /// - Returns: `nil` where the server sends no id (before 4.0), and on a replica whose link is down or that
    ///   synchronises: it keeps the id of the history that it had, while its offset may not be that of its data any
    ///   more. In a full synchronisation 6.0 says `slave_repl_offset:1` (ran), which would promise less than the reader
    ///   saw; and a master that was demoted still serves writes that its new master does not have. What was read there
    ///   has no token.
    public init?(of info: ReplicationInfo) {
        guard let replicationID = ReplicationID(info.replicationID), let offset = info.tokenOffset, offset >= 0 else {
            return nil
        }
        self.init(replicationID: replicationID, offset: offset)
    }
}

extension ReplicationToken: CustomStringConvertible {
    public var description: String { String(decoding: bytes, as: UTF8.self) }

    /// What ``init(parsing:)`` reads.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(ReplicationID.length + 1 + 19)
        replicationID.write(to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        var power: Int64 = 1
        while offset / power >= 10 { power *= 10 }
        while power > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(offset / power % 10))
            power /= 10
        }
        return bytes
    }
}

extension ReplicationInfo {
    /// What has been applied, never what was only received.
    fileprivate var tokenOffset: Int64? {
        switch role {
        case .master: offset
        case .replica: masterLink.flatMap { $0.isInStep ? $0.appliedOffset : nil }
        }
    }
}

extension Int64 {
    fileprivate init?(decimal digits: Span<UInt8>) {
        guard !digits.isEmpty, digits.count == 1 || digits[0] != UInt8(ascii: "0") else { return nil }
        self = 0
        for index in digits.indices {
            guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= digits[index] else { return nil }
            let (tens, isTooLarge) = multipliedReportingOverflow(by: 10)
            let (sum, isOneTooLarge) = tens.addingReportingOverflow(Int64(digits[index] - UInt8(ascii: "0")))
            guard !isTooLarge, !isOneTooLarge else { return nil }
            self = sum
        }
    }
}
