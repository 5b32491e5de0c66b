import HTTPWire
import NIOCore
import RedisClient

/// The answer with a large value: handed on as it comes, and no faster than the client takes it.
///
/// ```
/// begin ─▶ streaming ─▶ over                                    a GET of a very large value, without a tag
///   └────▶ measuring ─▶ answered without a body                 HEAD, and a GET of what the client has already
///              ├──────▶ streaming, from what was kept ─▶ over   a GET, while there is memory to keep the value
///              └──────▶ streaming, read once more ─▶ over       a GET, where there is none
/// ```
/// A stream that cannot go on ends the connection: the client sees that the body is shorter than its Content-Length.
final class LargeAnswer {
    /// A GET of a value up to this size has its tag, for which it may have to be read twice. A HEAD always has it.
    static let taggedBytes = 8 << 20

    private enum State {
        /// The value is read for its tag, and kept if there is room.
        case measuring(KeyTag.Hasher, keeps: Bool)
        /// The value is on its way to the client; the tag of what has gone is compared with the one that was sent.
        case streaming(KeyTag.Hasher?)
        case over
    }

    private let handler: RequestHandler
    private let service: KeyValueService
    private let key: [UInt8]
    private let preconditions: ReadPreconditions
    private var value: LargeValue
    private var head: ResponseHead
    private var state = State.over
    /// What was kept, or cannot be sent yet.
    private var kept: CircularBuffer<ByteBuffer> = []
    private var reservedBytes = 0
    private var hasAllCome = false
    private var isBegun = false
    private var sentBytes = 0
    private var watch: Scheduled<Void>?

    private let whenFailed: (RedisFailure) -> Void

    /// - Parameter whenFailed: called where the value could not be read before anything was answered, at most once.
    init(
        _ value: LargeValue, of key: [UInt8], _ head: ResponseHead, _ preconditions: ReadPreconditions,
        for handler: RequestHandler, service: KeyValueService, whenFailed: @escaping (RedisFailure) -> Void
    ) {
        self.whenFailed = whenFailed
        self.value = value
        self.head = head
        self.key = key
        self.preconditions = preconditions
        self.handler = handler
        self.service = service
    }

    func begin() {
        head.tag = nil
        if value.length <= Self.taggedBytes || handler.method == .head || preconditions.askForTag { return measure() }
        if preconditions.known == .any {
            head.status = .notModified
            return answerWithoutBody()
        }
        stream(expecting: nil)
    }

    /// The client is gone, or is not to get the answer.
    func cancel() { end() }

    // MARK: Its tag

    private func measure() {
        let keeps = handler.method != .head && service.reserve(value.length)
        if keeps { reservedBytes = value.length }
        state = .measuring(.init(), keeps: keeps)
        value.begin { self.take($0) }
    }

    private func measured(_ tag: KeyTag) {
        head.tag = tag
        head.mayBeKept()
        if let required = preconditions.required, !required.matches(tag) {
            end()
            let problem = Problem.preconditionFailed
            return handler.respond(Response(problem.head(like: head), body: problem.body))
        }
        if preconditions.known.matches(tag) {
            head.status = .notModified
            return answerWithoutBody()
        }
        guard handler.method != .head else { return answerWithoutBody() }
        if reservedBytes > 0 {
            hasAllCome = true
            state = .streaming(nil)
            return handler.respond(head, streaming: self)
        }
        let key = key
        value.readAgain({ $0.writeGET(key: key.span) }, then: { self.readOnceMore($0) })
    }

    private func readOnceMore(_ again: LargeValue?) {
        guard let again else { return whenFailed(.displaced) }
        guard !handler.isAnswered else { return again.release() }
        let isAsLong = again.length == value.length
        value = again
        if isAsLong { stream(expecting: .init()) } else { begin() }
    }

    private func answerWithoutBody() {
        end()
        handler.respond(head, streaming: self)
    }

    // MARK: Its body

    private func stream(expecting hasher: KeyTag.Hasher?) {
        state = .streaming(hasher)
        handler.respond(head, streaming: self)
    }

    /// How long the body is, in bytes.
    var length: Int { value.length }

    /// The head is sent, and the body may follow.
    func connectionBegan() {
        isBegun = true
        scheduleWatch()
        if hasAllCome { goOn() } else { value.begin { self.take($0) } }
    }

    /// Sends what is kept, as far as the client takes it.
    func goOn() {
        guard isBegun, case .streaming = state, let connection = handler.connection else { return }
        while connection.isWritable, kept.count > heldBack, let piece = kept.popFirst() {
            send(piece, over: connection)
        }
        if kept.isEmpty, hasAllCome { return finish(connection) }
        if connection.isWritable { value.resume() }
    }

    /// How many pieces are not sent yet: the last one waits until it is known that the tag is that of the value.
    private var heldBack: Int {
        if case .streaming(_?) = state, !hasAllCome { 1 } else { 0 }
    }

    private func send(_ piece: ByteBuffer, over connection: HTTPConnection) {
        sentBytes += piece.readableBytes
        if reservedBytes > 0 {
            let freed = min(reservedBytes, piece.readableBytes)
            reservedBytes -= freed
            service.giveBack(freed)
        }
        connection.sendBody(piece)
    }

    private func take(_ event: LargeValue.Event) {
        switch (event, state) {
        case (.piece(let piece), .measuring(var hasher, let keeps)):
            state = .over
            hasher.take(piece.readableBytesUInt8Span)
            state = .measuring(hasher, keeps: keeps)
            if keeps { kept.append(piece) }
        case (.end, .measuring(let hasher, _)): measured(hasher.finished())
        case (.failure(let failure), .measuring):
            end()
            whenFailed(failure)
        case (.piece(let piece), .streaming(var hasher)):
            if hasher != nil {
                state = .over
                hasher?.take(piece.readableBytesUInt8Span)
                state = .streaming(hasher)
            }
            guard let connection = handler.connection else { return cancel() }
            kept.append(piece)
            goOn()
            if !connection.isWritable { value.pause() }
        case (.end, .streaming(let hasher)):
            if let hasher, hasher.finished() != head.tag { return abort() }
            hasAllCome = true
            goOn()
        case (.failure, .streaming): abort()
        case (_, .over): break
        }
    }

    private func finish(_ connection: HTTPConnection) {
        end()
        connection.endBody(of: handler)
    }

    /// The rest of the body does not come, or is not of the value whose tag was sent.
    private func abort() {
        let connection = handler.connection
        end()
        connection?.closeNow()
    }

    private func end() {
        state = .over
        watch?.cancel()
        kept.removeAll()
        service.giveBack(reservedBytes)
        reservedBytes = 0
        value.release()
    }

    /// Ends a stream of which the client takes nothing for long.
    private func scheduleWatch() {
        let before = sentBytes
        watch = service.eventLoop.assumeIsolated().scheduleTask(in: .init(service.http.limits.transferTimeout)) {
            guard case .streaming = self.state else { return }
            if self.sentBytes == before { self.abort() } else { self.scheduleWatch() }
        }
    }
}

extension HTTPConnection {
    /// Sends the head of an answer whose body comes piece by piece, now that its turn has come.
    func begin(_ body: LargeAnswer, _ head: ResponseHead, of handler: RequestHandler) {
        let framing = handler.framing(bodyBytes: body.length)
        outgoing.writeWithOutputRawSpan(minimumWritableBytes: http.preamble.roomBytes(for: head)) {
            $0.append(head, framing, http.preamble)
        }
        http.flusher.mark(self)
        // Its duration is that of the head: how fast a client takes a value says nothing of the service.
        let hasBody = handler.method != .head && !head.status.isBodiless
        http.note(handler, head, bodyBytes: hasBody ? body.length : 0)
        if hasBody { body.connectionBegan() } else { endBody(of: handler) }
    }

    /// Sends a piece of a body whose length has been announced.
    fileprivate func sendBody(_ piece: ByteBuffer) {
        guard let context else { return }
        if outgoing.readableBytes > 0 {
            context.write(wrapOutboundOut(outgoing), promise: nil)
            outgoing = ByteBuffer()
        }
        context.writeAndFlush(wrapOutboundOut(piece), promise: nil)
    }

    /// All of the body is sent.
    fileprivate func endBody(of handler: RequestHandler) {
        guard state.isOpen, handlers.first === handler else { return }
        handlers.removeFirst()
        ended(handler)
        handlerAnswered()
    }
}

extension ReadPreconditions {
    /// Whether the value's tag decides what they say.
    fileprivate var askForTag: Bool { known.namesTags || (required.map { $0 != .any } ?? false) }
}

extension EntityTagList {
    fileprivate var namesTags: Bool { self != .noTag && self != .any }
}
