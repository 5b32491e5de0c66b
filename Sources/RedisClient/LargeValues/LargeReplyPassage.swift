import NIOCore

/// The bytes of one large value on their way past the reply reader, as a value: what comes goes in, what is of the value comes
/// out.
struct LargeReplyPassage {
    /// What becomes of a large reply.
    enum Way: Equatable {
        /// Its receiver takes it piece by piece.
        case take
        /// The connection is given up, and everything on it is asked once more elsewhere.
        case giveWay
        /// It is gathered as any other reply: others wait behind it that cannot be asked once more, or none waits.
        case gather
        /// It is too long for that: it is read to its end, and nothing of it is kept.
        case drop
    }

    /// - Parameters:
    ///   - isTaken: whether its receiver takes it.
    ///   - isGivenWayTo: whether others share the connection, and all that wait on it may be asked once more.
    static func way(length: Int, isTaken: Bool, isGivenWayTo: Bool, maximumReplyBytes: Int) -> Way {
        if isTaken { return .take }
        if isGivenWayTo { return .giveWay }
        return length <= maximumReplyBytes ? .gather : .drop
    }

    /// `nil` where nothing of it is kept.
    let value: LargeValue?
    private var rest: Int
    /// What is missing of the line end behind the value.
    private var lineEnd: ArraySlice<UInt8> = [UInt8(ascii: "\r"), UInt8(ascii: "\n")]

    /// - Parameter length: of the value, in bytes.
    init(length: Int, value: LargeValue?) {
        self.rest = length
        self.value = value
    }

    /// Whether the value and its line end have come.
    var isOver: Bool { rest == 0 && lineEnd.isEmpty }

    /// Takes off what belongs to the value and its line end, and leaves what is behind them.
    ///
    /// - Returns: the bytes of the value, none where none have come; `nil` where it does not end in a line end.
    mutating func take(from bytes: inout ByteBuffer) -> ByteBuffer? {
        let piece = bytes.readSlice(length: min(rest, bytes.readableBytes)) ?? ByteBuffer()
        rest -= piece.readableBytes
        guard rest == 0 else { return piece }
        while let expected = lineEnd.first, let byte = bytes.readInteger(as: UInt8.self) {
            guard byte == expected else { return nil }
            lineEnd.removeFirst()
        }
        return piece
    }
}
