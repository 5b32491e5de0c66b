import NIOCore

/// How replies come over one connection, seen at intervals: whether a command waits for a server that is silent, or for bytes
/// that are on their way.
struct ReplyProgress {
    private var seenBytes: UInt64 = 0
    private var seenAt = NIODeadline.uptimeNanoseconds(0)
    /// Until when the connection has made progress, as far as it was looked at.
    private var madeUntil = NIODeadline.uptimeNanoseconds(0)

    /// An interval begins, at the end of which ``look(receivedBytes:isPaused:at:minimumRate:)`` is called.
    mutating func begin(receivedBytes: UInt64, at now: NIODeadline) {
        seenBytes = receivedBytes
        seenAt = now
    }

    /// Ends an interval: it was one of progress where bytes came fast enough, or where nothing was read on purpose.
    ///
    /// - Parameters:
    ///   - receivedBytes: since the connection began.
    ///   - minimumRate: in bytes a second, above 0.
    mutating func look(receivedBytes: UInt64, isPaused: Bool, at now: NIODeadline, minimumRate: Int) {
        let bytes = receivedBytes &- min(seenBytes, receivedBytes)
        let nanoseconds = max(1, (now - seenAt).nanoseconds)
        if isPaused || Double(bytes) * 1e9 >= Double(minimumRate) * Double(nanoseconds) { madeUntil = now }
    }

    /// Does not count time in which the event loop was blocked: what arrived meanwhile is not read yet.
    ///
    /// - Parameters:
    ///   - late: how late the check runs.
    ///   - sentAt: when the command was sent that waits.
    mutating func excuse(_ late: TimeAmount, since sentAt: NIODeadline) {
        if late > DeadlineTimer.tolerance { madeUntil = max(sentAt, madeUntil) + late }
    }

    /// How long a command has waited without progress.
    func silence(since sentAt: NIODeadline, at now: NIODeadline) -> Duration {
        Duration(now - max(sentAt, madeUntil))
    }
}
