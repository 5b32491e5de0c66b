import Hiredis
import NIOCore

/// One channel's commands in flight: what was sent waits here, in order, for its replies.
final class PipelineHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private struct Submission {
        let receiver: ReplyReceiver
        let expected: Int
        /// Its end, and its failure, come with the shared INFO that follows in the same flush.
        let awaitsInformation: Bool
        var received = 0
        let sentAt: NIODeadline
    }

    private var reader: ReplyReader
    private var submissions = CircularBuffer<Submission>(initialCapacity: 64)
    private var outgoing = ByteBuffer()
    /// How many of the submissions, the last ones, have not been handed to the channel: their commands were surely not sent.
    private var unsent = 0
    /// Those of this tick that want to see INFO replication as it is after their commands.
    private var informationWaiters: [SharedInformation.Waiter] = []
    private var context: ChannelHandlerContext?
    private let encodeInformation: SharedInformation.Encoding
    /// Called once, after everything in flight has failed.
    var whenClosed: () -> Void
    private let whenIdle: () -> Void
    private let whenAnswered: (_ count: Int, _ sentAt: NIODeadline) -> Void
    /// Answered submissions that ``whenAnswered`` has not been told of; all of them were sent at the same time.
    private var answered = (count: 0, sentAt: NIODeadline.uptimeNanoseconds(0))

    /// - Parameters:
    ///   - encodeInformation: how the text of INFO is handed to those who share it.
    ///   - whenAnswered: called with how many submissions, sent at the same time, have had their last reply in this tick.
    ///   - whenIdle: called when the last reply that was owed has come.
    init(
        maximumReplyBytes: Int, encodeInformation: @escaping SharedInformation.Encoding = { $1.writeBytes($0) },
        whenAnswered: @escaping (_ count: Int, _ sentAt: NIODeadline) -> Void = { _, _ in },
        whenIdle: @escaping () -> Void, whenClosed: @escaping () -> Void = {}
    ) {
        self.reader = ReplyReader(maximumReplyBytes: maximumReplyBytes)
        self.encodeInformation = encodeInformation
        self.whenAnswered = whenAnswered
        self.whenIdle = whenIdle
        self.whenClosed = whenClosed
    }

    /// Submissions that wait for a reply.
    var inFlight: Int { submissions.count }

    /// When the oldest of them was sent.
    var oldest: NIODeadline? { submissions.first?.sentAt }

    /// Takes a submission in; it leaves with the next ``flush()``.
    ///
    /// - Parameter information: whether the receiver gets, after its replies, the INFO replication of this flush.
    func submit(
        _ receiver: ReplyReceiver, replies: Int, information: InformationForm? = nil, at now: NIODeadline,
        _ encode: (inout ByteBuffer) -> Void
    ) {
        submissions.append(
            Submission(receiver: receiver, expected: replies, awaitsInformation: information != nil, sentAt: now))
        if let information { informationWaiters.append(.init(receiver: receiver, index: replies, form: information)) }
        unsent &+= 1
        encode(&outgoing)
    }

    /// Sends what was submitted since the last time, and one INFO after it for all who wait for one.
    func flush() {
        if !informationWaiters.isEmpty, let last = submissions.last {
            let information = SharedInformation(informationWaiters, encode: encodeInformation)
            informationWaiters.removeAll(keepingCapacity: true)
            submit(information, replies: 1, at: last.sentAt) { $0.writeINFOReplication() }
        }
        guard let context, outgoing.readableBytes > 0 else { return }
        unsent = 0
        context.writeAndFlush(wrapOutboundOut(outgoing), promise: nil)
        // The channel owns the storage until it is written; it usually is by now, and then `clear` reuses it.
        if outgoing.capacity <= 64 * 1024 { outgoing.clear() } else { outgoing = ByteBuffer() }
    }

    /// What TLS said went wrong, for those who ask over this channel alone.
    var trouble: RedisConversation.Trouble?

    /// The first bytes that came, for whoever wants to know what speaks there.
    private(set) var banner: [UInt8] = []

    /// Why the channel was closed from this side; `nil` where it was not.
    private(set) var failure: RedisFailure?

    /// Whether the reply that came last is of a kind that its command never gets.
    private var isDistrusted = false

    /// Does as ``close(failing:)``, and fails also whose reply is just being handed over, which may be the last one that was
    /// owed to it.
    func distrust() {
        isDistrusted = true
        close(failing: .connectionLost)
    }

    /// Fails everything in flight and closes the channel.
    func close(failing failure: RedisFailure) {
        self.failure = failure
        failAll(failure)
        context?.close(promise: nil)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        if banner.isEmpty { banner = Array(buffer.readableBytesView.prefix(ForeignBanner.length)) }
        var unexpected = false
        var delivered = false
        defer { tellAnswered() }
        do throws(ReplyReaderError) {
            try reader.read(buffer.readableBytesSpan) { reply in
                guard !submissions.isEmpty else {
                    unexpected = true
                    return false
                }
                deliver(reply)
                delivered = true
                return self.context != nil
            }
        } catch {
            return close(failing: .unreadable(error))
        }
        if unexpected { return close(failing: .unreadable(.malformed("a reply that no command asked for"))) }
        if delivered, submissions.isEmpty, self.context != nil { whenIdle() }
    }

    private func deliver(_ reply: ReplyView) {
        let index = submissions[submissions.startIndex].received
        let receiver = submissions[submissions.startIndex].receiver
        let isLast = index + 1 == submissions[submissions.startIndex].expected
        if isLast {
            let sentAt = submissions.removeFirst().sentAt
            if sentAt != answered.sentAt {
                tellAnswered()
                answered.sentAt = sentAt
            }
            answered.count += 1
        } else {
            submissions[submissions.startIndex].received = index + 1
        }
        receiver.receive(RedisReply(reply), at: index)
        // It is not among those in flight any more, so nobody has told it.
        if isDistrusted, isLast { receiver.fail(.connectionLost) }
    }

    private func tellAnswered() {
        guard answered.count > 0 else { return }
        whenAnswered(answered.count, answered.sentAt)
        answered.count = 0
    }

    func channelInactive(context: ChannelHandlerContext) {
        failAll(.connectionLost)
        whenClosed()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        close(failing: .connectionLost)
    }

    /// What the channel was never given fails as ``RedisFailure/notConnected``, whatever became of the rest.
    private func failAll(_ failure: RedisFailure) {
        let owed = submissions
        let waiters = informationWaiters
        let firstUnsent = owed.count - unsent
        submissions.removeAll()
        informationWaiters.removeAll()
        outgoing.clear()
        unsent = 0
        for (index, submission) in owed.enumerated() where !submission.awaitsInformation {
            submission.receiver.fail(index < firstUnsent ? failure : .notConnected)
        }
        // An INFO to share is submitted when the tick is flushed: those who still wait for that have not been sent.
        for waiter in waiters { waiter.receiver.fail(.notConnected) }
    }
}
