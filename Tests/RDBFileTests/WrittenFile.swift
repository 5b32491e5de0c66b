import ReplicaPlanning

/// An RDB file made byte by byte.
struct WrittenFile {
    private var bytes: [UInt8]

    init(magic: String = "REDIS0009") { bytes = Array(magic.utf8) }

    mutating func add(_ more: [UInt8]) { bytes += more }

    mutating func key(_ kind: UInt8, _ name: String, _ value: [UInt8]) { add([kind] + Self.text(name) + value) }

    /// The file, with its mark of the end and its checksum.
    func whole(checksum: UInt64? = nil) -> [UInt8] {
        let body = bytes + [0xFF]
        var sum = RDBChecksum()
        sum.take(body.span.bytes)
        let value = checksum ?? sum.value
        return body + (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    static func length(_ count: UInt64) -> [UInt8] { [0x81] + bigEndian(count, 8) }

    static func text(_ words: String) -> [UInt8] { text(Array(words.utf8)) }

    static func text(_ bytes: [UInt8]) -> [UInt8] { length(UInt64(bytes.count)) + bytes }

    /// - Parameter steps: of LZF.
    static func compressed(_ steps: [UInt8], whole: Int) -> [UInt8] {
        [0xC3] + length(UInt64(steps.count)) + length(UInt64(whole)) + steps
    }

    static func bigEndian(_ value: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
