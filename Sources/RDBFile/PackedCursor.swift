/// A string of the file that has elements packed into it, read from the front.
struct PackedCursor {
    private let bytes: [UInt8]
    private(set) var index = 0
    /// Where the string ends in the file, for errors: it may have been compressed.
    private let offset: Int
    /// What it is, for errors.
    private let kind: String

    init(_ bytes: [UInt8], kind: String, offset: Int) {
        self.bytes = bytes
        self.kind = kind
        self.offset = offset
    }

    var count: Int { bytes.count }

    func damaged(_ what: String) -> RDBFileError {
        RDBFileError(.damaged("the \(kind) before it \(what) (at its byte \(index))"), at: offset)
    }

    mutating func byte() throws(RDBFileError) -> UInt8 {
        guard index < bytes.count else { throw damaged("ends too early") }
        defer { index += 1 }
        return bytes[index]
    }

    mutating func bytes(_ count: UInt64) throws(RDBFileError) -> [UInt8] {
        guard count <= UInt64(bytes.count - index) else { throw damaged("ends too early") }
        defer { index += Int(count) }
        return Array(bytes[index..<index + Int(count)])
    }

    mutating func littleEndian(_ count: Int) throws(RDBFileError) -> UInt64 {
        var value: UInt64 = 0
        for place in 0..<count { value |= UInt64(try byte()) << UInt64(8 * place) }
        return value
    }

    mutating func bigEndian(_ count: Int) throws(RDBFileError) -> UInt64 {
        var value: UInt64 = 0
        for _ in 0..<count { value = value << 8 | UInt64(try byte()) }
        return value
    }

    /// A signed number of so many bytes.
    mutating func integer(_ count: Int) throws(RDBFileError) -> Int64 {
        let value = try littleEndian(count)
        let unused = UInt64(64 - 8 * count)
        return Int64(bitPattern: value << unused) >> Int64(unused)
    }
}

/// An element of a listpack or a ziplist.
enum PackedElement: Equatable {
    case integer(Int64)
    case text([UInt8])

    var text: [UInt8] {
        switch self {
        case .integer(let number): decimal(number)
        case .text(let bytes): bytes
        }
    }
}

/// Elements one after the other; `nil` at the end.
protocol PackedElements {
    mutating func next() throws(RDBFileError) -> PackedElement?
    func damaged(_ what: String) -> RDBFileError
}

extension PackedElements {
    /// The next one, where there has to be one.
    mutating func due() throws(RDBFileError) -> PackedElement {
        guard let element = try next() else { throw damaged("has too few elements") }
        return element
    }
}
