import HTTPWire
import NIOCore
import RedisClient

/// One client's connection: requests in, answers out in the order of the requests, one write a tick.
///
/// It decodes the bytes itself and writes the answers as bytes, so there is no other handler. What many requests of a tick
/// are answered leaves in one system call.
final class HTTPConnection: TickParticipant, ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let http: HTTPLoop
    private let service: HTTPService
    var context: ChannelHandlerContext?
    /// What it is at, and what keeps it from being read.
    var state = ConnectionState()
    /// Requests whose answers are owed, in order; the last one may still be arriving.
    var handlers = CircularBuffer<RequestHandler>(initialCapacity: 2)
    /// What waits for the end of the tick.
    var outgoing = ByteBuffer()

    private var decoder: RequestDecoder
    /// What has come and could not be decoded yet.
    var undecoded = ByteBuffer()
    private var isDecoding = false
    /// The last request, where what it takes to answer is much.
    var exclusive: RequestHandler? {
        didSet { state.set(.exclusive, exclusive != nil) }
    }
    /// Whether the channel has been told not to read.
    private(set) var readIsHeldBack = false
    /// How many requests may be without an answer; see ``PipelineWindow``.
    var window = PipelineWindow()
    /// The memory of this client, as counted by ``MemoryBudget``.
    var chargedBytes = 0
    /// Of it, what requests hold: bodies, and answers that wait for their turn.
    var heldBytes = 0
    /// Bytes of large buffers that were given to the socket, which has not taken all of them.
    var unsentLargeBytes = 0
    var pace: ClientPace
    /// Whether it is served, or is for a probe alone.
    private(set) var place = ConnectionPlaces.Place.client
    /// What waited for the client at the last check, and how much less it became between checks.
    var taking = (unsent: 0, taken: 0)

    init(service: HTTPService) {
        self.service = service
        self.http = service.http
        self.decoder = RequestDecoder(limits: http.limits.requests)
        self.pace = ClientPace(at: http.flusher.begin().nanoseconds)
    }

    /// The client's address without its port, an IPv4 one in its own form.
    var clientAddress: String {
        guard let address = context?.remoteAddress?.ipAddress else { return "unknown" }
        return address.hasPrefix("::ffff:") ? String(address.dropFirst(7)) : address
    }

    /// Kept beside the channel's own, which is asked for through two existentials.
    var isWritable: Bool { !state.holds.contains(.unwritable) }

    // MARK: Requests in

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard state.isOpen else { return }
        var bytes = unwrapInboundIn(data)
        guard undecoded.readableBytes > 0 else { return decode(bytes) }
        undecoded.writeBuffer(&bytes)
        decodeOn()
    }

    /// Goes no further: there is no handler behind this one, and passing it to the end of the pipeline costs time at
    /// every read.
    func channelReadComplete(context: ChannelHandlerContext) {}

    /// Decodes what was left over, now that more has come, or that there is room for more requests.
    private func decodeOn() {
        guard !isDecoding, !state.holds.contains(.yielding), undecoded.readableBytes > 0 else { return }
        let bytes = undecoded
        undecoded = ByteBuffer()
        decode(bytes)
    }

    private func decode(_ buffer: ByteBuffer) {
        isDecoding = true
        let bytes = buffer.readableBytesUInt8Span
        var decoder = decoder
        var offset = 0
        var isHungry = false
        var pieces = 0
        var bodyBytes = 0
        while !isHungry, offset < bytes.count || state.isReceiving, mayDecode {
            switch decoder.next(bytes, from: &offset) {
            case .needsMore: isHungry = true
            case .head(let head): receive(RequestView(head, in: bytes), hasMore: offset < bytes.count)
            case .body(let range):
                pieces += 1
                bodyBytes += range.count
                if pieces == Self.piecesATick { goOnLater() }
                let start = buffer.readerIndex + range.lowerBound
                if let piece = buffer.getSlice(at: start, length: range.count) { handlers.last?.receiveBody(piece) }
            case .end: receiveEnd(hasMore: offset < bytes.count)
            case .fault(let fault): refuse(fault)
            }
        }
        isDecoding = false
        self.decoder = decoder
        if bodyBytes > 0 { pace.received(bodyBytes) }
        guard state.isOpen else { return }
        if offset < bytes.count {
            undecoded = buffer
            undecoded.moveReaderIndex(forwardBy: offset)
            if isHungry { keepUndecoded() } else { settle() }
        }
        if state.isReceiving { handlers.last?.chargeBody() }
        if !mayDecode { updateReading() }
        if state.isInputClosed, isHungry || offset == bytes.count { finishInput() }
    }

    /// How many pieces of a body one connection is served before it is the others' turn. Only tiny chunks come in so many.
    private static let piecesATick = 512

    /// Takes up the rest once the sockets of the others were read.
    private func goOnLater() {
        guard let context, !state.holds.contains(.yielding) else { return }
        state.set(.yielding, true)
        context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(1)) {
            self.state.set(.yielding, false)
            self.resume()
        }
    }

    /// A part of a head has come, which has to be whole in time, or of a line between chunks. It costs what it is long, not
    /// what it was read into.
    private func keepUndecoded() {
        if undecoded.storageCapacity > 2 * undecoded.readableBytes {
            undecoded = ByteBuffer(bytes: undecoded.readableBytesView)
        }
        settle()
        guard !state.isReceiving else { return }
        if undecoded.readableBytes >= Self.freeHeadBytes, http.budget.isFull { return refuseHead(.overloaded) }
        guard state.headBegan() else { return }
        pace.headBegan(at: http.flusher.begin().nanoseconds)
    }

    /// A shorter part of a head is accepted regardless of the memory of other clients.
    private static let freeHeadBytes = 1024

    /// Whether there is room for one more request without an answer, and for its answer: no request is looked at before the
    /// client takes the answers to those before it, also where all of them came in one piece.
    private var mayDecode: Bool { state.mayDecode(hasRoom: hasRoom) }

    private var hasRoom: Bool { hasRoomForRequest && outgoing.readableBytes < Self.keptBufferBytes }

    @inline(__always)
    private var hasRoomForRequest: Bool {
        handlers.isEmpty
            || handlers.count < window.limit(beside: http.requestsUnderWay, isAlarmed: http.costs.isAlarmed)
    }

    /// Has the queue end with the request, whose answer is owed from now on.
    func append(_ handler: RequestHandler) {
        handlers.append(handler)
        http.requestsUnderWay &+= 1
    }

    /// - Parameter hasMore: whether further bytes have come behind it.
    private func receive(_ request: borrowing RequestView, hasMore: Bool) {
        let hasBody = request.head.body != .none
        state.headEnded(hasBody: hasBody)
        let handler = service.handler(for: request, on: self)
        handler.tracing = RequestTracing(request)
        pace.requestCame(hasBody: hasBody, at: handler.startedAt.nanoseconds)
        append(handler)
        if http.isDraining { endWithLast(hasMore: hasMore) }
        if place == .probe {
            handler.keepsAlive = false
            state.set(.noMore, true)
        }
        handler.begin()
        if !hasBody { handler.end() }
    }

    private func receiveEnd(hasMore: Bool) {
        guard state.isReceiving, let handler = handlers.last else { return }
        _ = state.bodyEnded()
        if http.isDraining { endWithLast(hasMore: hasMore) }
        pace.bodyEnded(at: http.flusher.begin().nanoseconds)
        handler.end()
        handlerAnswered()
    }

    /// The bytes after it cannot be parsed any more: earlier requests are answered, then this one.
    private func refuse(_ fault: RequestFault) {
        let handler = state.bodyEnded() ? handlers.last : nil
        let refused = handler ?? RequestHandler(connection: self)
        if handler == nil { append(refused) }
        let problem = Problem(fault, limits: http.limits.requests)
        http.accessLog?.noteUnreadable(problem, from: clientAddress)
        refused.refuse(problem)
    }

    /// Not more is read than there is room for: neither requests without answers, nor answers that the client does not take.
    ///
    /// Reading is switched off and on again only where a client goes beyond that; while it does not, the channel reads on by
    /// itself, and no event of it passes here.
    func updateReading() {
        let mayRead = state.mayRead(hasRoom: hasRoom)
        guard mayRead == readIsHeldBack, let context else { return }
        readIsHeldBack = !mayRead
        do {
            try context.channel.syncOptions?.setOption(.autoRead, value: mayRead)
        } catch {
            context.close(promise: nil)
        }
    }

    /// Has no more read of the body that comes, or goes on with it.
    func holdBackBody(_ isHeldBack: Bool) {
        guard isHeldBack != state.holds.contains(.bodyFull) else { return }
        state.set(.bodyFull, isHeldBack)
        updateReading()
    }

    /// Takes up what was left because too many answers were owed.
    func resume() {
        if undecoded.readableBytes > 0 { decodeOn() }
        if readIsHeldBack { updateReading() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        state.set(.unwritable, !context.channel.isWritable)
        if isWritable {
            settle()
            handlers.first?.connectionBecameWritable()
            if state.holds.contains(.paused) { unpause() }
        }
        updateReading()
        resume()
        context.fireChannelWritabilityChanged()
    }

    override func flushTick() { flush() }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if let places = http.places { place = places.take() }
        http.add(self)
    }

    /// Comes always, and ``channelInactive(context:)`` only where the channel was ever active.
    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        leave()
        http.places?.giveBack(place)
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    private func leave() {
        guard state.closed() else { return }
        detachAll()
        releaseAll()
        http.remove(self)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The client sends no more, and may still read: it gets what it has asked for.
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        state.inputClosed()
        // Requests that wait for room among those without answers are still to be taken.
        if undecoded.readableBytes == 0 || mayDecode { finishInput() }
    }

    private func finishInput() {
        if state.isOpen, !handlers.isEmpty, !state.isReceiving { return drain() }
        if state.phase != .finishing { closeNow() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
