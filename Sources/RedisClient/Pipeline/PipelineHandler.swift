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
    private let maximumReplyBytes: Int
    private let largeReplyBytes: Int?
    /// Whether reads give way to a large reply; see ``RedisConnectionConfiguration/isShared``.
    private let isShared: Bool
    /// A large value that is taken off the stream as it comes; `nil` while replies are read.
    private var passage: LargeReplyPassage?
    /// Called once, after everything in flight has failed.
    var whenClosed: () -> Void
    /// Called before everything in flight fails: nothing more is to be submitted.
    var whenFailing: () -> Void = {}
    /// Called when the channel is given up for a large reply, before those that wait for it are notified.
    var whenDisplaced: () -> Void = {}
    /// How many bytes have come.
    private(set) var receivedBytes: UInt64 = 0
    /// Whether bytes that have come are being read.
    private(set) var isReading = false
    /// Whether nothing is read, since a large value is not taken as fast as it comes.
    private(set) var isPaused = false
    private let whenIdle: () -> Void
    private let whenAnswered: (_ count: Int, _ sentAt: NIODeadline) -> Void
    /// Answered submissions that ``whenAnswered`` was not called for yet; all of them were sent at the same time.
    private var answered = (count: 0, sentAt: NIODeadline.uptimeNanoseconds(0))

    /// - Parameters:
    ///   - largeReplyBytes: a bulk reply of more bytes than this is treated as large; `nil` for none.
    ///   - isShared: whether reads give way to a large reply.
    ///   - encodeInformation: how the text of INFO is handed to those who share it.
    ///   - whenAnswered: called with how many submissions, sent at the same time, have had their last reply in this tick.
    ///   - whenIdle: called when the last reply that was owed has come.
    init(
        maximumReplyBytes: Int, largeReplyBytes: Int? = nil, isShared: Bool = true,
        encodeInformation: @escaping SharedInformation.Encoding = { $1.writeBytes($0) },
        whenAnswered: @escaping (_ count: Int, _ sentAt: NIODeadline) -> Void = { _, _ in },
        whenIdle: @escaping () -> Void, whenClosed: @escaping () -> Void = {}
    ) {
        self.reader = ReplyReader(maximumReplyBytes: maximumReplyBytes, largeReplyBytes: largeReplyBytes)
        self.maximumReplyBytes = maximumReplyBytes
        self.largeReplyBytes = largeReplyBytes
        self.isShared = isShared
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

    /// Takes over what was submitted to a handler that has no channel, behind what was submitted to this one.
    func takeOver(_ other: PipelineHandler) {
        submissions.append(contentsOf: other.submissions)
        informationWaiters += other.informationWaiters
        outgoing.writeBuffer(&other.outgoing)
        unsent += other.unsent
        other.unsent = 0
        other.submissions.removeAll()
        other.informationWaiters.removeAll()
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

    /// The first bytes that came, to find out what speaks there.
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
        receivedBytes &+= UInt64(buffer.readableBytes)
        isReading = true
        if passage == nil { read(buffer) } else { pass(buffer) }
        isReading = false
    }

    /// - Parameter start: how many of the bytes the reader has taken in already.
    private func read(_ buffer: ByteBuffer, startingAt start: Int = 0) {
        var unexpected = false
        var delivered = false
        var large: LargeReply?
        defer { tellAnswered() }
        do throws(ReplyReaderError) {
            large = try reader.read(buffer.readableBytesSpan, startingAt: start, expecting: expectedReply) { reply in
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
        if unexpected || ((large != nil || reader.holdsPart) && submissions.isEmpty && self.context != nil) {
            return close(failing: .unreadable(.malformed("a reply that no command asked for")))
        }
        if let large { return begin(large, in: buffer) }
        if delivered, submissions.isEmpty, self.context != nil { whenIdle() }
    }

    private var expectedReply: ExpectedReply {
        guard let first = submissions.first else { return .nothing }
        return first.receiver.command(at: first.received).expectedReply
    }

    private func deliver(_ reply: ReplyView) {
        let index = submissions[submissions.startIndex].received
        let receiver = submissions[submissions.startIndex].receiver
        let isLast = complete(at: index)
        receiver.receive(RedisReply(reply), at: index)
        // It is not among those in flight any more, so it has not learned of it.
        if isDistrusted, isLast { receiver.fail(.connectionLost) }
    }

    /// Counts a reply to the first submission, which is over with its last one.
    ///
    /// - Returns: whether it was the last one.
    @discardableResult
    private func complete(at index: Int) -> Bool {
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
        return isLast
    }

    // MARK: Large replies

    /// - Parameter buffer: what has come, of which the reader has taken in the beginning.
    private func begin(_ large: LargeReply, in buffer: ByteBuffer) {
        let first = submissions[submissions.startIndex]
        let value = LargeValue(length: large.length, handler: self)
        switch LargeReplyPassage.way(
            length: large.length, isTaken: !isShared && first.receiver.take(value, at: first.received),
            isGivenWayTo: isShared && submissions.allSatisfy { $0.receiver.mayBeAskedAgain },
            maximumReplyBytes: maximumReplyBytes)
        {
        case .take:
            setReading(false)
            passage = LargeReplyPassage(length: large.length, value: value)
        case .drop: passage = LargeReplyPassage(length: large.length, value: nil)
        case .giveWay: return displace(first.receiver)
        case .gather: return read(buffer, startingAt: large.nextOffset)
        }
        reader = ReplyReader(maximumReplyBytes: maximumReplyBytes, largeReplyBytes: largeReplyBytes)
        var rest = buffer
        rest.moveReaderIndex(forwardBy: large.bodyOffset)
        pass(rest)
    }

    private func displace(_ first: ReplyReceiver) {
        whenDisplaced()
        first.noteLargeReply()
        close(failing: .displaced)
    }

    /// Hands on what has come of a large value, and reads the replies behind it.
    private func pass(_ bytes: ByteBuffer) {
        guard var passage, !submissions.isEmpty else { return }
        var bytes = bytes
        guard let piece = passage.take(from: &bytes) else {
            return close(failing: .unreadable(.malformed("a value that does not end where it should")))
        }
        self.passage = passage.isOver ? nil : passage
        if piece.readableBytes > 0 { passage.value?.deliver(.piece(piece)) }
        guard passage.isOver, context != nil else { return }
        if let value = passage.value {
            complete(at: submissions[submissions.startIndex].received)
            value.deliver(.end)
        } else {
            let code = Array(Self.droppedReply.utf8)
            deliver(.error(code.span))
        }
        if bytes.readableBytes > 0, context != nil {
            read(bytes)
        } else {
            tellAnswered()
            if submissions.isEmpty, context != nil { whenIdle() }
        }
    }

    /// What stands for a value that is too long to be gathered, as an error reply.
    static let droppedReply = "TOOLARGE the value is larger than what is gathered"

    /// Has the channel read, or not.
    func setReading(_ isWanted: Bool) {
        guard isPaused == isWanted, let context else { return }
        isPaused = !isWanted
        do {
            try context.channel.syncOptions?.setOption(.autoRead, value: isWanted)
        } catch {
            context.close(promise: nil)
        }
    }

    /// That of the channel, while there is one.
    var isolatedLoop: NIOIsolatedEventLoop? { context?.eventLoop.assumeIsolated() }

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

    /// What the channel was never given fails as ``RedisFailure/notConnected``, regardless of the rest.
    private func failAll(_ failure: RedisFailure) {
        // Those that fail may send again at once, and not over this channel: nothing would answer them.
        whenFailing()
        var owed = submissions
        if let value = passage?.value {
            passage = nil
            owed.removeFirst()
            value.deliver(.failure(failure))
        }
        let waiters = informationWaiters
        // What gives way to a large reply is asked once more of any server, this one too.
        let unsentFailure: RedisFailure = failure == .displaced ? .displaced : .notConnected
        let firstUnsent = owed.count - unsent
        submissions.removeAll()
        informationWaiters.removeAll()
        outgoing.clear()
        unsent = 0
        for (index, submission) in owed.enumerated() where !submission.awaitsInformation {
            submission.receiver.fail(index < firstUnsent ? failure : unsentFailure)
        }
        // An INFO to share is submitted when the tick is flushed: those who still wait for that have not been sent.
        for waiter in waiters { waiter.receiver.fail(unsentFailure) }
    }
}
