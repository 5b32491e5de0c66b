/// The checksum at the end of an RDB: CRC-64 of Jones' polynomial, reflected, from zero (redis/redis `src/crc64.c`).
///
/// Eight bytes a step, by eight tables.
public struct RDBChecksum: Equatable, Sendable {
    public private(set) var value: UInt64 = 0

    public init() {}

    public mutating func take(_ bytes: RawSpan) {
        var value = value
        var index = 0
        unsafe Self.tables.withUnsafeBufferPointer { table in
            while index &+ 8 <= bytes.byteCount {
                let word =
                    unsafe value
                    ^ UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
                var next = unsafe table[7 &* 256 &+ Int(word & 0xFF)]
                for step in 1..<8 {
                    let byte = Int(truncatingIfNeeded: word &>> (8 &* UInt64(step))) & 0xFF
                    next ^= unsafe table[(7 &- step) &* 256 &+ byte]
                }
                value = next
                index &+= 8
            }
            while index < bytes.byteCount {
                let byte = unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
                value = unsafe table[Int(truncatingIfNeeded: value & 0xFF) ^ Int(byte)] ^ (value &>> 8)
                index &+= 1
            }
        }
        self.value = value
    }

    /// Entry `256 × k + b`: what byte b does to the value k bytes later.
    private static let tables: [UInt64] = {
        var tables = [UInt64](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var value = UInt64(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? 0x95AC_9329_AC4B_C9B5 ^ (value >> 1) : value >> 1 }
            tables[byte] = value
        }
        for index in 256..<tables.count {
            let before = tables[index - 256]
            tables[index] = tables[Int(before & 0xFF)] ^ (before >> 8)
        }
        return tables
    }()
}
