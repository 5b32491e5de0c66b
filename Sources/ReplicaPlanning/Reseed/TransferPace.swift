import RedisCore

/// Whether what answers SYNC sends fast enough to be waited for.
///
/// A server that makes its RDB sends an empty line about once a second until the RDB is made. Then come a line with the
/// length, and the RDB. One byte is no progress: a server that sends its data byte by byte would hold the start for ever.
///
/// Times are milliseconds since SYNC was sent.
public struct TransferPace: Equatable, Sendable {
    private enum Stage: Equatable { case preparing, length, data }

    private static let patienceSeconds = 60
    /// Enough for a save of several hundred gigabytes.
    private static let preparingMinutes = 60
    private static let lengthSeconds = 30
    /// The least that has to come: 1 MiB in each minute, some 17 KiB a second.
    private static let windowSeconds = 60
    private static let windowBytes = 1 << 20

    private var stage = Stage.preparing
    private var lastByte = 0
    private var stageBegin = 0
    private var taken = 0

    public init() {}

    /// An empty line came.
    public mutating func takeEmptyLine(at now: Int) { lastByte = now }

    /// A byte of the line with the length came.
    public mutating func takeLengthByte(at now: Int) {
        lastByte = now
        if stage == .preparing { (stage, stageBegin) = (.length, now) }
    }

    /// Bytes of the RDB came.
    public mutating func takeData(bytes: Int, at now: Int) {
        lastByte = now
        if stage != .data { (stage, stageBegin, taken) = (.data, now, 0) }
        taken = taken.saturatingAdding(bytes)
        if taken >= Self.windowBytes { (stageBegin, taken) = (now, 0) }
    }

    /// Why it is not waited for any longer; `nil` where it is.
    public func objection(at now: Int) -> String? {
        if now - lastByte >= Self.patienceSeconds * 1000 { return "sent nothing for \(Self.patienceSeconds) s" }
        let elapsed = now - stageBegin
        return switch stage {
        case .preparing where elapsed >= Self.preparingMinutes * 60_000:
            "did not begin to send its data within \(Self.preparingMinutes) min"
        case .length where elapsed >= Self.lengthSeconds * 1000:
            "did not send the length of its data within \(Self.lengthSeconds) s"
        case .data where elapsed >= Self.windowSeconds * 1000:
            "sent less than \(Self.windowBytes >> 20) MiB of its data in \(Self.windowSeconds) s"
        default: nil
        }
    }
}
