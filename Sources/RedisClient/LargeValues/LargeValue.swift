public import NIOCore

/// A large value that comes piece by piece, over its own connection.
///
/// It is read from the server only as fast as it is taken: nothing is read before ``begin(_:)``, nor between ``pause()`` and
/// ``resume()``, but for what has come already. ``release()`` has to be called once, at the end.
///
/// Not thread-safe, and not `Sendable`: it lives on its event loop.
public final class LargeValue {
    /// What comes of a value.
    public enum Event {
        case piece(ByteBuffer)
        /// All of it has come.
        case end
        /// No more of it comes.
        case failure(RedisFailure)
    }

    /// How long it is, in bytes.
    public let length: Int
    private let isolatedLoop: NIOIsolatedEventLoop?
    /// `nil` once it is released.
    private var handler: PipelineHandler?
    /// What has arrived before a reader took it.
    private var held: CircularBuffer<Event> = []
    private var sink: ((Event) -> Void)?
    private var isReleased = false
    private var isPaused = true
    /// Called once, when the value is released: its connection is not needed any more.
    var whenReleased: () -> Void = {}
    /// Asks for the value once more.
    var whenAskedAgain: (_ encode: (inout ByteBuffer) -> Void, _ completion: @escaping (LargeValue?) -> Void) -> Void =
        {
            $1(nil)
        }
    /// Which process of the server it comes from.
    public internal(set) var runID: [UInt8]?

    init(length: Int, handler: PipelineHandler) {
        self.length = length
        self.handler = handler
        self.isolatedLoop = handler.isolatedLoop
    }

    /// Begins to hand over what comes: later, never within this call.
    public func begin(_ sink: @escaping (Event) -> Void) {
        self.sink = sink
        resume()
    }

    /// Hands over nothing until ``resume()``.
    public func pause() {
        guard !isPaused else { return }
        isPaused = true
        handler?.setReading(false)
    }

    public func resume() {
        guard isPaused, !isReleased else { return }
        isPaused = false
        isolatedLoop?.execute { self.handOver() }
    }

    /// Ends the connection; nothing is handed over any more.
    public func release() {
        guard !isReleased else { return }
        isReleased = true
        sink = nil
        held.removeAll()
        handler = nil
        whenReleased()
        whenReleased = {}
        whenAskedAgain = { $1(nil) }
    }

    /// Has the value read once more, from the same process of the server, once all of it has come. It is released with that.
    ///
    /// - Parameters:
    ///   - encode: writes the one command that reads it.
    ///   - completion: called once, later: with `nil` where the value is not large any more, or does not come.
    public func readAgain(_ encode: (inout ByteBuffer) -> Void, then completion: @escaping (LargeValue?) -> Void) {
        guard !isReleased else { return completion(nil) }
        let ask = whenAskedAgain
        whenReleased = {}
        release()
        ask(encode, completion)
    }

    func deliver(_ event: Event) {
        guard !isReleased else { return }
        held.append(event)
        if !isPaused { handOver() }
    }

    private func handOver() {
        while !isPaused, let sink, let event = held.popFirst() { sink(event) }
        if !isPaused, !isReleased { handler?.setReading(true) }
    }
}
