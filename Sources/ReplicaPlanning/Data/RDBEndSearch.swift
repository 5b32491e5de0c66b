/// Finds where an RDB ends, without parsing it: at an end mark that the checksum of everything before it follows.
///
/// Where there is no such place the file is cut off or damaged, unless its writer made no checksum (`rdbchecksum no`): then
/// eight zeros follow the mark, and the file's end or a command. What a file without checksum holds is not judged.
public struct RDBEndSearch: Equatable, Sendable {
    /// The offset behind the checksum; nil while it was not found.
    public private(set) var end: Int?

    private var checksum = RDBChecksum()
    /// Of the first byte that was not looked at.
    private var position = 0
    private static let mark: UInt8 = 0xFF
    private static let checksumBytes = 8

    public init() {}

    /// Searches more of the file.
    ///
    /// - Parameters:
    ///   - buffer: from the first byte on that an earlier call left.
    ///   - isLast: whether the file ends with it.
    /// - Returns: how many bytes are done with; the rest is given again with the next call.
    public mutating func take(_ buffer: RawSpan, isLast: Bool) -> Int {
        // A mark, its checksum, and the byte behind that.
        let limit = buffer.byteCount - Self.checksumBytes - (isLast ? 0 : 1)
        guard limit > 0 else { return 0 }
        var begin = 0
        var index = 0
        while index < limit {
            guard unsafe buffer.unsafeLoad(fromByteOffset: index, as: UInt8.self) == Self.mark else {
                index &+= 1
                continue
            }
            checksum.take(buffer.extracting(begin..<index + 1))
            begin = index + 1
            let sum = unsafe UInt64(
                littleEndian: buffer.unsafeLoadUnaligned(fromByteOffset: index + 1, as: UInt64.self))
            if sum == checksum.value || (sum == 0 && isFollowedByAnEnd(buffer, index + 9)) {
                end = position + index + 9
                return index + 9
            }
            index += 1
        }
        checksum.take(buffer.extracting(begin..<limit))
        position += limit
        return limit
    }

    private func isFollowedByAnEnd(_ buffer: RawSpan, _ index: Int) -> Bool {
        guard index < buffer.byteCount else { return true }
        let next = unsafe buffer.unsafeLoad(fromByteOffset: index, as: UInt8.self)
        return next == UInt8(ascii: "*") || next == UInt8(ascii: "#")
    }
}

extension RDBEndSearch {
    /// The version of an RDB that begins so; nil where this is none.
    public static func version(_ head: [UInt8]) -> Int? {
        let digits = head.starts(with: utf8("REDIS")) ? 5 : head.starts(with: utf8("VALKEY")) ? 6 : 9
        return head.count >= 9 && digits < 9 ? number(Array(head[digits..<9])) : nil
    }
}
