public import UnixSignals

/// SIGTERM and SIGINT, one after the other. They do nothing else from now on.
public struct EndSignals: Sendable {
    private let trapped: UnixSignalsSequence
    private let stream: AsyncStream<UnixSignal>
    private let continuation: AsyncStream<UnixSignal>.Continuation

    public init() async {
        trapped = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        (stream, continuation) = AsyncStream.makeStream()
    }

    /// Has the signals come here, until it is cancelled; to be called once. The sequence they come from can be iterated once,
    /// which is not enough for a wait that may be given up.
    public func forward() async {
        for await signal in trapped { continuation.yield(signal) }
    }

    /// The next signal; `nil` where the task is cancelled.
    public func next() async -> UnixSignal? {
        var signals = stream.makeAsyncIterator()
        return await signals.next()
    }
}
