/// Lengths and strings (redis/redis `src/rdb.c`, `rdbLoadLenByRef` and `rdbGenericLoadStringObject`).
extension RDBInput {
    /// A length, or which encoding follows.
    enum Length: Equatable {
        case count(UInt64)
        case encoding(UInt8)
    }

    mutating func length() throws(RDBFileError) -> Length {
        let first = try byte()
        switch first >> 6 {
        case 0: return .count(UInt64(first & 0x3F))
        case 1: return .count(UInt64(first & 0x3F) << 8 | UInt64(try byte()))
        case 2:
            switch first {
            case 0x80: return .count(try bigEndian(4))
            case 0x81: return .count(try bigEndian(8))
            default: throw damaged("no length begins with the byte \(first)")
            }
        default: return .encoding(first & 0x3F)
        }
    }

    mutating func count() throws(RDBFileError) -> UInt64 {
        guard case .count(let count) = try length() else {
            throw damaged("an encoded string stands where a number is due")
        }
        return count
    }

    /// How a string lies in the file.
    enum Text {
        /// So many bytes follow.
        case plain(UInt64)
        /// A number, as text.
        case number([UInt8])
        case compressed(bytes: UInt64, whole: UInt64)

        /// The memory that it takes.
        var bytes: UInt64 {
            switch self {
            case .plain(let count): count
            case .number(let text): UInt64(text.count)
            case .compressed(_, let whole): whole
            }
        }
    }

    mutating func text() throws(RDBFileError) -> Text {
        switch try length() {
        case .count(let count): return .plain(count)
        case .encoding(0): return .number(decimal(Int64(Int8(truncatingIfNeeded: try littleEndian(1)))))
        case .encoding(1): return .number(decimal(Int64(Int16(truncatingIfNeeded: try littleEndian(2)))))
        case .encoding(2): return .number(decimal(Int64(Int32(truncatingIfNeeded: try littleEndian(4)))))
        case .encoding(3): return .compressed(bytes: try count(), whole: try count())
        case .encoding(let encoding): throw damaged("there is no encoding \(encoding) of strings")
        }
    }

    mutating func skip(_ text: Text) throws(RDBFileError) {
        switch text {
        case .plain(let count): try skip(count)
        case .number: break
        case .compressed(let bytes, _): try skip(bytes)
        }
    }

    mutating func skipText() throws(RDBFileError) { try skip(try text()) }

    /// - Returns: `nil` where it is longer than the limit; it is skipped then.
    mutating func text(upTo limit: Int) throws(RDBFileError) -> [UInt8]? {
        let text = try text()
        guard text.bytes <= UInt64(limit) else {
            try skip(text)
            return nil
        }
        switch text {
        case .plain(let count): return try bytes(Int(count))
        case .number(let bytes): return bytes
        case .compressed(let bytes, let whole):
            var result: [UInt8] = []
            try expand(bytes, to: whole, piece: limit) { piece, _ in
                result = piece
                return true
            }
            return result
        }
    }
}

func decimal(_ number: Int64) -> [UInt8] { Array(String(number).utf8) }
