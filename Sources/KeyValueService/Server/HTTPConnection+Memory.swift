import Glibc
import NIOCore

/// What a connection costs, and how it is reported to the process's ``MemoryBudget``.
extension HTTPConnection {
    /// Bytes that were given to the socket, and that it has not taken.
    var unsentBytes: Int {
        guard let context, let bytes = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes) else {
            return 0
        }
        return bytes
    }

    /// Gives a buffer to the socket that is released as a whole, with its last byte.
    func writeLarge(_ buffer: ByteBuffer, over context: ChannelHandlerContext) {
        let bytes = buffer.readableBytes
        unsentLargeBytes += bytes
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { _ in
            self.unsentLargeBytes -= bytes
            self.settle()
        }
        context.write(wrapOutboundOut(buffer), promise: written)
    }

    /// - Returns: how many bytes the client's side has acknowledged in the life of the connection; `nil` where none wait for it.
    func lookAtTaking() -> Int? {
        // What waits is charged.
        guard chargedBytes > 0 || !isWritable else { return nil }
        settle()
        let unsent = unsentBytes
        taking.taken += max(0, taking.unsent - unsent)
        taking.unsent = unsent
        guard unsent > 0 else { return nil }
        let acknowledged = (context?.channel as? any SocketOptionProvider).flatMap(TCPProgress.acknowledged)
        // Where the kernel does not tell it, what has left for the kernel has to do.
        guard let acknowledged, acknowledged > 0 else { return taking.taken }
        return acknowledged
    }

    /// Counts the memory of this client again, and updates the budget.
    func settle() {
        guard state.phase != .closed else { return }
        let unsent = unsentBytes
        // A client that has taken all but the end of an answer still costs all of it.
        let bytes =
            max(unsent, unsentLargeBytes) + outgoing.readableBytes + heldBytes
            + (undecoded.readableBytes > 0 ? undecoded.storageCapacity : 0)
        guard bytes != chargedBytes else { return }
        http.budget.change(by: bytes - chargedBytes)
        chargedBytes = bytes
    }

    /// After a flush: memory is short, and the client has not taken what it was sent.
    func pauseIfSlow() {
        guard !state.holds.contains(.paused), http.budget.pressure > .none, unsentBytes > 0 else { return }
        state.set(.paused, true)
        updateReading()
    }

    /// No memory is counted any more.
    func releaseAll() {
        http.budget.change(by: -chargedBytes)
        chargedBytes = 0
    }

    /// How much more may be buffered for the answers of this client.
    var answerRoom: Int {
        let budget = http.budget
        return chargedBytes == 0 ? budget.room : min(budget.room, max(0, budget.connectionLimitBytes - chargedBytes))
    }

    /// Changes what the requests of this connection hold.
    func hold(_ change: Int) {
        guard state.phase != .closed else { return }
        heldBytes += change
        // A small amount needs no check: it never becomes large.
        if heldBytes >= MemoryBudget.smallBytes || chargedBytes > 0 { settle() }
    }

    /// Closes the connection and lets go of what waits for the client, in the kernel too.
    func abort() {
        _ = (context?.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        closeNow()
    }

    /// Goes on once the client has taken what it was sent, or there is memory again.
    func unpause() {
        guard unsentBytes == 0 || http.budget.pressure == .none else { return }
        state.set(.paused, false)
        updateReading()
        resume()
    }
}

/// What the kernel says of a TCP connection (tcp(7), TCP_INFO).
private enum TCPProgress {
    /// `struct tcp_info` of the kernel up to and including `tcpi_bytes_received`; the C library's ends before it.
    private typealias Information = InlineArray<17, UInt64>

    static func acknowledged(_ socket: any SocketOptionProvider) -> Int? {
        // `tcpi_bytes_acked`: at byte 120, from Linux 4.1 on.
        var bytes: Int?
        let answer: EventLoopFuture<Information> = socket.unsafeGetSocketOption(level: .tcp, name: .init(rawValue: 11))
        // On the event loop it is known at once.
        answer.assumeIsolated().whenSuccess { bytes = Int(truncatingIfNeeded: $0[15]) }
        return bytes
    }
}
