import NIOCore
import RedisCore

/// In which form a receiver gets the INFO replication that it shares with others.
public enum InformationForm: Sendable {
    /// As its last reply: the text, written by ``RedisConnectionConfiguration/encodeInformation``.
    case text
    /// By ``ReplyReceiver/receive(_:)``: read.
    case parsed
    /// First as ``parsed``, then as ``text``.
    case both
}

/// One INFO replication for all requests of the same flush: sent once, encoded or read once, passed to all.
///
/// It is sent after their commands, so it shows the server as it was after each of them.
final class SharedInformation: ReplyReceiver {
    /// How the text is written for those who get it.
    typealias Encoding = @Sendable (_ text: Span<UInt8>, _ buffer: inout ByteBuffer) -> Void

    struct Waiter {
        let receiver: ReplyReceiver
        /// The place of INFO among the receiver's replies.
        let index: Int
        let form: InformationForm
    }

    private let waiters: [Waiter]
    private let encode: Encoding

    init(_ waiters: [Waiter], encode: @escaping Encoding) {
        self.waiters = waiters
        self.encode = encode
    }

    override var mayBeAskedAgain: Bool { waiters.allSatisfy { $0.receiver.mayBeAskedAgain } }

    override func command(at index: Int) -> RedisCommand { .info }

    override func receive(_ reply: RedisReply, at index: Int) {
        guard case .bulk(let text) = reply else {
            for waiter in waiters { waiter.receiver.receive(reply, at: waiter.index) }
            return
        }
        if waiters.contains(where: { $0.form != .text }) {
            let information = ReplicationInfo(parsing: text)
            for waiter in waiters where waiter.form != .text { waiter.receiver.receive(information) }
        }
        if waiters.contains(where: { $0.form != .parsed }) {
            var encoded = ByteBufferAllocator().buffer(capacity: text.count + 512)
            encode(text, &encoded)
            for waiter in waiters where waiter.form != .parsed {
                waiter.receiver.receive(.bulk(encoded.readableBytesUInt8Span), at: waiter.index)
            }
        }
    }

    override func fail(_ failure: RedisFailure) {
        for waiter in waiters { waiter.receiver.fail(failure) }
    }
}
