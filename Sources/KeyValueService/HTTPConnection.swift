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

    enum Phase {
        /// Takes requests.
        case open
        /// The last answer is being written; what still comes in is not looked at.
        case finishing
        /// The last answer is written and our side is closed; the client may still be sending.
        case lingering
        case closed
    }

    let http: HTTPLoop
    private let service: HTTPService
    var context: ChannelHandlerContext?
    var phase = Phase.open
    /// Requests whose answers are owed, in order; the last one may still be arriving.
    var exchanges = CircularBuffer<Exchange>(initialCapacity: 2)
    /// The last request's body has not come to its end.
    private(set) var isReceiving = false
    /// The client waits for `100 Continue` to the last request, whose turn has not come.
    var owesContinue = false
    /// What waits for the end of the tick.
    var outgoing = ByteBuffer()

    private var decoder: RequestDecoder
    /// What has come and could not be decoded yet.
    var undecoded = ByteBuffer()
    private var isDecoding = false
    /// The first bytes of a head have come, and not the last.
    private var isInHead = false
    private var inputIsClosed = false
    /// The answer to the last request closes the connection; no request behind it is taken, so that none is carried out without
    /// an answer.
    var takesNoMore = false
    private(set) var readIsHeldBack = false
    /// The request whose body comes has no room for more of it.
    private var bodyIsHeldBack = false
    /// Kept beside the channel's own, which is asked for through two existentials.
    private(set) var isWritable = true
    /// How many requests may be without an answer; see ``PipelineWindow``.
    var window = PipelineWindow()
    /// Memory is short, and the client has not taken what it was sent.
    var isPaused = false
    /// What is held for this client, by ``MemoryBudget``.
    var chargedBytes = 0
    /// Of it, what requests hold: bodies, and answers that wait for their turn.
    var heldBytes = 0
    var pace: ClientPace
    /// What waited for the client at the last look, and how much less it became from look to look.
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

    // MARK: Requests in

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard phase == .open else { return }
        var bytes = unwrapInboundIn(data)
        if isReceiving { pace.received(bytes.readableBytes) }
        guard undecoded.readableBytes > 0 else { return decode(bytes) }
        undecoded.writeBuffer(&bytes)
        decodeOn()
    }

    /// Goes no further: nobody is behind this handler, and the way to the end of the pipeline is paid with every read.
    func channelReadComplete(context: ChannelHandlerContext) {}

    /// Decodes what was left over, now that more has come, or that there is room for more requests.
    private func decodeOn() {
        guard !isDecoding, undecoded.readableBytes > 0 else { return }
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
        while !isHungry, phase == .open, offset < bytes.count || isReceiving, mayDecode {
            switch decoder.next(bytes, from: &offset) {
            case .needsMore: isHungry = true
            case .head(let head): receive(RequestView(head, in: bytes), hasMore: offset < bytes.count)
            case .body(let range):
                let start = buffer.readerIndex + range.lowerBound
                if let piece = buffer.getSlice(at: start, length: range.count) { exchanges.last?.receiveBody(piece) }
            case .end: receiveEnd(hasMore: offset < bytes.count)
            case .fault(let fault): refuse(fault)
            }
        }
        isDecoding = false
        self.decoder = decoder
        guard phase == .open else { return }
        if offset < bytes.count {
            undecoded = buffer
            undecoded.moveReaderIndex(forwardBy: offset)
            if isHungry { keepUndecoded() } else { settle() }
        }
        if isReceiving { exchanges.last?.chargeBody() }
        if !mayDecode { updateReading() }
        if inputIsClosed, isHungry || offset == bytes.count { finishInput() }
    }

    /// A part of a head has come, which has to be whole in time, or of a line between chunks. It costs what it is long, not
    /// what it was read into.
    private func keepUndecoded() {
        if undecoded.storageCapacity > 2 * undecoded.readableBytes {
            undecoded = ByteBuffer(bytes: undecoded.readableBytesView)
        }
        settle()
        guard !isReceiving else { return }
        if undecoded.readableBytes >= Self.freeHeadBytes, http.budget.isFull { return refuseHead(.overloaded) }
        guard !isInHead else { return }
        isInHead = true
        pace.headBegan(at: http.flusher.begin().nanoseconds)
    }

    /// A part of a head that is shorter is taken whatever is held for others.
    private static let freeHeadBytes = 1024

    /// Whether there is room for one more request without an answer, and for its answer: no request is looked at before the
    /// client takes the answers to those before it, also where all of them came in one piece.
    private var mayDecode: Bool {
        isReceiving
            || (exchanges.count < window.size && !takesNoMore && isWritable && !isPaused
                && outgoing.readableBytes < Self.keptBufferBytes)
    }

    /// - Parameter hasMore: whether further bytes have come behind it.
    private func receive(_ request: borrowing RequestView, hasMore: Bool) {
        isInHead = false
        isReceiving = request.head.body != .none
        let exchange = service.exchange(for: request, on: self)
        exchange.tracing = RequestTracing(request)
        pace.requestCame(hasBody: isReceiving, at: exchange.startedAt.nanoseconds)
        exchanges.append(exchange)
        if http.isDraining { endWithLast(hasMore: hasMore) }
        exchange.begin()
        if !isReceiving { exchange.end() }
    }

    private func receiveEnd(hasMore: Bool) {
        guard isReceiving, let exchange = exchanges.last else { return }
        isReceiving = false
        owesContinue = false
        if http.isDraining { endWithLast(hasMore: hasMore) }
        pace.bodyEnded(at: http.flusher.begin().nanoseconds)
        exchange.end()
        exchangeAnswered()
    }

    /// Nothing after it can be told apart any more: what was asked before is answered, then this.
    private func refuse(_ fault: RequestFault) {
        let exchange = isReceiving ? exchanges.last : nil
        isReceiving = false
        owesContinue = false
        let refused = exchange ?? Exchange(connection: self)
        if exchange == nil { exchanges.append(refused) }
        let problem = Problem(fault, limits: http.limits.requests)
        http.accessLog?.noteUnreadable(problem, from: clientAddress)
        refused.refuse(problem)
    }

    /// Not more is read than there is room for: neither requests without answers, nor answers that the client does not take.
    ///
    /// Reading is switched off and on again only where a client goes beyond that; while it does not, the channel reads on by
    /// itself, and no event of it passes here.
    func updateReading() {
        let mayRead = phase != .open || (mayDecode && isWritable && !isPaused && !bodyIsHeldBack)
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
        guard isHeldBack != bodyIsHeldBack else { return }
        bodyIsHeldBack = isHeldBack
        updateReading()
    }

    /// Takes up what was left because too many answers were owed.
    func resume() {
        if undecoded.readableBytes > 0 { decodeOn() }
        if readIsHeldBack { updateReading() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        if isWritable {
            settle()
            exchanges.first?.connectionBecameWritable()
            if isPaused { unpause() }
        }
        updateReading()
        resume()
        context.fireChannelWritabilityChanged()
    }

    override func flushTick() { flush() }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        http.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelInactive(context: ChannelHandlerContext) {
        phase = .closed
        detachAll()
        releaseAll()
        http.remove(self)
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The client sends no more, and may still read: it gets what it has asked for.
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        inputIsClosed = true
        // Requests that wait for room among those without answers are still to be taken.
        if undecoded.readableBytes == 0 || mayDecode { finishInput() }
    }

    private func finishInput() {
        if phase == .open, !exchanges.isEmpty, !isReceiving { return drain() }
        if phase != .finishing { closeNow() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
