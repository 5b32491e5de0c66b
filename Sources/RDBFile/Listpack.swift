/// A listpack (redis/redis `src/listpack.c`): its size, its number of elements, the elements, each followed by its own size.
struct Listpack: PackedElements {
    private static let end: UInt8 = 0xFF
    /// Stands for a number of elements that has no place.
    private static let many = 0xFFFF

    private var cursor: PackedCursor
    private let announced: Int
    private var taken = 0

    init(_ bytes: [UInt8], offset: Int) throws(RDBFileError) {
        cursor = PackedCursor(bytes, kind: "listpack", offset: offset)
        guard try cursor.littleEndian(4) == UInt64(bytes.count) else {
            throw cursor.damaged("has another size than it says")
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
        let element = try element(first)
        try checkSize(cursor.index - start)
        taken += 1
        return element
    }

    private mutating func element(_ first: UInt8) throws(RDBFileError) -> PackedElement {
        switch first {
        case 0x00...0x7F: return .integer(Int64(first))
        case 0x80...0xBF: return .text(try cursor.bytes(UInt64(first & 0x3F)))
        case 0xC0...0xDF:
            let value = Int64(first & 0x1F) << 8 | Int64(try cursor.byte())
            return .integer(value < 1 << 12 ? value : value - 1 << 13)
        case 0xE0...0xEF:
            let count = UInt64(first & 0x0F) << 8 | UInt64(try cursor.byte())
            return .text(try cursor.bytes(count))
        case 0xF0: return .text(try cursor.bytes(try cursor.littleEndian(4)))
        case 0xF1: return .integer(try cursor.integer(2))
        case 0xF2: return .integer(try cursor.integer(3))
        case 0xF3: return .integer(try cursor.integer(4))
        case 0xF4: return .integer(try cursor.integer(8))
        default: throw damaged("has an element of an unknown kind")
        }
    }

    /// Behind each element is its size, seven bits a byte, the highest first; all bytes but the first are marked.
    private mutating func checkSize(_ size: Int) throws(RDBFileError) {
        let count =
            switch size {
            case ...127: 1
            case ..<16_383: 2
            case ..<2_097_151: 3
            case ..<268_435_455: 4
            default: 5
            }
        for place in 0..<count {
            let bits = UInt8(truncatingIfNeeded: size >> (7 * (count - 1 - place))) & 0x7F
            guard try cursor.byte() == (place == 0 ? bits : bits | 0x80) else {
                throw damaged("has an element with a wrong size behind it")
            }
        }
    }
}
