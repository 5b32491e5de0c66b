/// A ziplist (redis/redis `src/ziplist.c`), as servers before 7.0 wrote it: its size, where its last element is, its number of
/// elements, the elements, each behind the size of the one before it.
struct Ziplist: PackedElements {
    private static let end: UInt8 = 0xFF
    private static let many = 0xFFFF

    private var cursor: PackedCursor
    private let announced: Int
    private var taken = 0
    /// The size of the element before.
    private var before = 0

    init(_ bytes: [UInt8], offset: Int) throws(RDBFileError) {
        cursor = PackedCursor(bytes, kind: "ziplist", offset: offset)
        guard try cursor.littleEndian(4) == UInt64(bytes.count) else {
            throw cursor.damaged("has another size than it says")
        }
        guard try cursor.littleEndian(4) < UInt64(bytes.count) else {
            throw cursor.damaged("has its last element outside")
        }
        announced = Int(try cursor.littleEndian(2))
    }

    func damaged(_ what: String) -> RDBFileError { cursor.damaged(what) }

    mutating func next() throws(RDBFileError) -> PackedElement? {
        let start = cursor.index
        let first = try cursor.byte()
        if first == Self.end {
            guard cursor.index == cursor.count else { throw damaged("goes on behind its end") }
            guard announced == Self.many || announced == taken else {
                throw damaged("has \(taken) elements, and says \(announced)")
            }
            return nil
        }
        let size = first == 0xFE ? try cursor.littleEndian(4) : UInt64(first)
        guard size == UInt64(before) else { throw damaged("has an element with a wrong size in front of it") }
        let element = try element(try cursor.byte())
        before = cursor.index - start
        taken += 1
        return element
    }

    private mutating func element(_ first: UInt8) throws(RDBFileError) -> PackedElement {
        switch first {
        case 0x00...0x3F: return .text(try cursor.bytes(UInt64(first)))
        case 0x40...0x7F: return .text(try cursor.bytes(UInt64(first & 0x3F) << 8 | UInt64(try cursor.byte())))
        case 0x80...0xBF: return .text(try cursor.bytes(try cursor.bigEndian(4)))
        case 0xC0: return .integer(try cursor.integer(2))
        case 0xD0: return .integer(try cursor.integer(4))
        case 0xE0: return .integer(try cursor.integer(8))
        case 0xF0: return .integer(try cursor.integer(3))
        case 0xF1...0xFD: return .integer(Int64(first & 0x0F) - 1)
        case 0xFE: return .integer(try cursor.integer(1))
        default: throw damaged("has an element of an unknown kind")
        }
    }
}

/// Whole numbers of two, four or eight bytes, in order (redis/redis `src/intset.c`).
struct Intset: PackedElements {
    private var cursor: PackedCursor
    private let width: Int
    private var left: UInt64

    init(_ bytes: [UInt8], offset: Int) throws(RDBFileError) {
        cursor = PackedCursor(bytes, kind: "intset", offset: offset)
        let width = try cursor.littleEndian(4)
        guard [2, 4, 8].contains(width) else { throw cursor.damaged("has numbers of \(width) bytes") }
        self.width = Int(width)
        left = try cursor.littleEndian(4)
        guard left * width == UInt64(bytes.count - cursor.index) else {
            throw cursor.damaged("has another size than it says")
        }
    }

    func damaged(_ what: String) -> RDBFileError { cursor.damaged(what) }

    mutating func next() throws(RDBFileError) -> PackedElement? {
        guard left > 0 else { return nil }
        left -= 1
        return .integer(try cursor.integer(width))
    }
}
