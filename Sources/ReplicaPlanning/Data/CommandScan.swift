/// The commands of an append-only file, by their form alone: whether redis-server would stop at one of them with "Bad file
/// format" (redis/redis `src/aof.c`, `loadSingleAppendOnlyFile`).
///
/// What the commands are is not looked at. A file that ends within one is ``isIncomplete``; redis-server repairs that at the
/// end of its last file.
///
/// ```
/// ┌▶ begin ──'*'──▶ count ──'\n'──▶ length ──'\n'──▶ payload ─┬─▶ length (arguments left)
/// │   └─'#'─▶ annotation ─'\n'─▶ begin                         └─▶ begin
/// ```
public struct CommandScan: Equatable, Sendable {
    /// Where the first line is that redis-server would refuse; nil where there is none so far.
    public private(set) var damage: Int?
    /// Whether the file ends within a command.
    public var isIncomplete: Bool { state != .begin }

    private enum State: Equatable { case begin, annotation, count, length, payload }
    private var state = State.begin
    private var position: Int
    private var line = 0
    private var column = 0
    private var number = 0
    private var isNumberOver = false
    private var argumentsLeft = 0
    private var bytesLeft = 0

    /// - Parameter position: the offset of the first byte, for ``damage``.
    public init(at position: Int = 0) {
        self.position = position
        line = position
    }

    public mutating func take(_ bytes: RawSpan) {
        var index = 0
        while index < bytes.byteCount, damage == nil {
            if state == .payload {
                let count = min(bytesLeft, bytes.byteCount - index)
                index += count
                bytesLeft -= count
                if bytesLeft == 0 { endPayload(at: position + index) }
                continue
            }
            take(unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self), at: position + index)
            index += 1
        }
        position += bytes.byteCount
    }

    private mutating func take(_ byte: UInt8, at place: Int) {
        switch state {
        case .begin:
            line = place
            switch byte {
            case UInt8(ascii: "*"): enter(.count)
            case UInt8(ascii: "#"): state = .annotation
            default: damage = place
            }
        case .annotation:
            if byte == UInt8(ascii: "\n") { state = .begin }
        case .count:
            guard takeDigit(byte) else { return }
            guard number > 0 else {
                damage = line
                return
            }
            argumentsLeft = number
            enter(.length)
            column = 0
        case .length:
            if column == 0 {
                line = place
                guard byte == UInt8(ascii: "$") else {
                    damage = place
                    return
                }
                column = 1
                return
            }
            guard takeDigit(byte) else { return }
            guard number >= 0 else {
                damage = line
                return
            }
            // With its line end.
            bytesLeft = number.addingReportingOverflow(2).partialValue
            if bytesLeft < 2 { bytesLeft = .max }
            state = .payload
        case .payload: break
        }
    }

    private mutating func enter(_ next: State) {
        state = next
        number = 0
        isNumberOver = false
        column = 1
    }

    private mutating func endPayload(at place: Int) {
        argumentsLeft -= 1
        line = place
        if argumentsLeft == 0 {
            state = .begin
        } else {
            enter(.length)
            column = 0
        }
    }

    /// One byte of a number, which ends where a digit does not follow, as C's `atoi` has it.
    /// - Returns: whether the line is over.
    private mutating func takeDigit(_ byte: UInt8) -> Bool {
        if byte == UInt8(ascii: "\n") { return true }
        defer { column += 1 }
        if column == 1, byte == UInt8(ascii: "-") {
            number = -1
            isNumberOver = true
            return false
        }
        guard !isNumberOver, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else {
            isNumberOver = true
            return false
        }
        let (tens, isOver) = number.multipliedReportingOverflow(by: 10)
        let (sum, isFull) = tens.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
        number = isOver || isFull ? .max : sum
        return false
    }
}
