/// The name of one replication history: 40 lowercase hexadecimal digits, `master_replid` of `INFO replication`.
///
/// A server takes a new one when it starts, when it is promoted and when its first replica attaches
/// (redis/redis `src/replication.c`, `changeReplicationId`). Kept as numbers: no heap, and compared at once.
public struct ReplicationID: Equatable, Hashable, Sendable {
    private let head: UInt64
    private let middle: UInt64
    private let tail: UInt32

    /// How many digits each of them has.
    static let length = 40

    /// - Returns: `nil` unless the text is exactly 40 of the digits `0…9a…f`.
    public init?(parsing text: Span<UInt8>) {
        guard text.count == Self.length,
            let head = UInt64(hexadecimal: text.extracting(0..<16)),
            let middle = UInt64(hexadecimal: text.extracting(16..<32)),
            let tail = UInt32(hexadecimal: text.extracting(32..<40))
        else { return nil }
        self.head = head
        self.middle = middle
        self.tail = tail
    }

    public init?(_ text: String) { self.init(parsing: text.utf8.span) }

    func write(to bytes: inout [UInt8]) {
        head.writeHexadecimal(to: &bytes)
        middle.writeHexadecimal(to: &bytes)
        tail.writeHexadecimal(to: &bytes)
    }
}

extension ReplicationID: CustomStringConvertible {
    public var description: String {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension FixedWidthInteger where Self: UnsignedInteger {
    /// Reads as many digits as fill the number; the caller counts them.
    fileprivate init?(hexadecimal digits: Span<UInt8>) {
        self = 0
        for index in digits.indices {
            let digit = digits[index]
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): self = self << 4 | Self(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): self = self << 4 | Self(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
    }

    /// All digits, leading zeros too.
    fileprivate func writeHexadecimal(to bytes: inout [UInt8]) {
        for shift in stride(from: Self.bitWidth - 4, through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: self >> shift) & 0xf
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}
