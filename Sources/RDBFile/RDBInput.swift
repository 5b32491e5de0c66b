import ReplicaPlanning

/// The bytes of a file, in blocks; counts them, and sums up their checksum.
struct RDBInput {
    /// What is asked for at a time.
    static let blockBytes = 256 << 10

    private let source: (Int) throws(RDBSourceError) -> [UInt8]
    private var block: [UInt8] = []
    private var index = 0
    /// Where the block begins in the file.
    private var start = 0
    private var checksum = RDBChecksum()
    /// Up to where the block is in ``checksum``.
    private var summed = 0

    init(_ source: @escaping (Int) throws(RDBSourceError) -> [UInt8]) { self.source = source }

    /// Of the next byte.
    var offset: Int { start + index }

    func damaged(_ what: String) -> RDBFileError { RDBFileError(.damaged(what), at: offset) }

    mutating func byte() throws(RDBFileError) -> UInt8 {
        if index == block.count { try refill() }
        defer { index += 1 }
        return block[index]
    }

    /// - Parameter count: few, or as many as the caller will hold.
    mutating func bytes(_ count: Int) throws(RDBFileError) -> [UInt8] {
        if count <= block.count - index {
            defer { index += count }
            return Array(block[index..<index + count])
        }
        var bytes: [UInt8] = []
        try append(count, to: &bytes)
        return bytes
    }

    /// No room is made ahead: a length says nothing before its bytes have come.
    mutating func append(_ count: Int, to bytes: inout [UInt8]) throws(RDBFileError) {
        var left = count
        while left > 0 {
            if index == block.count { try refill() }
            let part = min(left, block.count - index)
            bytes.append(contentsOf: block[index..<index + part])
            index += part
            left -= part
        }
    }

    mutating func skip(_ count: UInt64) throws(RDBFileError) {
        var left = count
        while left > 0 {
            if index == block.count { try refill() }
            let part = Int(min(left, UInt64(block.count - index)))
            index += part
            left -= UInt64(part)
        }
    }

    /// Eight bytes or fewer, the lowest first.
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

    /// The checksum of all bytes that were taken.
    mutating func sum() -> UInt64 {
        let block = block
        checksum.take(unsafe block.span.bytes.extracting(summed..<index))
        summed = index
        return checksum.value
    }

    /// Whether no byte is left.
    mutating func isAtEnd() throws(RDBFileError) -> Bool {
        if index < block.count { return false }
        return try !fill()
    }

    private mutating func refill() throws(RDBFileError) {
        guard try fill() else { throw RDBFileError(.ended, at: offset) }
    }

    private mutating func fill() throws(RDBFileError) -> Bool {
        _ = sum()
        start += block.count
        (index, summed, block) = (0, 0, [])
        do throws(RDBSourceError) {
            block = try source(Self.blockBytes)
        } catch {
            throw RDBFileError(.source(error.description), at: offset)
        }
        return !block.isEmpty
    }
}

/// Why a source has no bytes, in an operator's words.
public struct RDBSourceError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
