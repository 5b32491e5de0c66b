import NIOCore
import NIOHTTP1
import RedisClient

/// One client's connection: requests in, answers out in the order of the requests, one write a tick.
///
/// NIO decodes; the answers are bytes when they get here, so there is no encoder. What many requests of a tick are answered
/// leaves in one system call.
final class HTTPConnection: TickParticipant, ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase {
        /// Takes requests.
        case open
        /// The last answer is being written; what still comes in is not looked at.
        case finishing
        /// The last answer is written and our side is closed; the client may still be sending.
        case lingering
        case closed
    }

    /// From this size on a body goes to the socket as it is, not by way of a copy.
    private static let largeBodyBytes = 16 * 1024

    private let service: HTTPService
    private let http: HTTPLoop
    private var context: ChannelHandlerContext?
    private var phase = Phase.open
    /// Requests whose answers are owed, in order; the last one may still be arriving.
    private var exchanges = CircularBuffer<Exchange>(initialCapacity: 4)
    private var isReceiving = false
    private var outgoing = ByteBuffer()
    private var readIsHeldBack = false
    private var deadline: NIODeadline

    init(service: HTTPService) {
        self.service = service
        self.http = service.http
        self.deadline = http.now + TimeAmount(http.limits.idleTimeout)
    }

    /// The client's address without its port, an IPv4 one in its own form.
    var clientAddress: String {
        guard let address = context?.remoteAddress?.ipAddress else { return "unknown" }
        return address.hasPrefix("::ffff:") ? String(address.dropFirst(7)) : address
    }

    // MARK: Requests in

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard phase == .open else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            isReceiving = true
            setDeadline(http.limits.transferTimeout)
            let exchange = exchange(for: head)
            if http.isDraining { exchange.keepsAlive = false }
            exchanges.append(exchange)
            exchange.begin()
        case .body(let piece): if isReceiving { exchanges.last?.receiveBody(piece) }
        case .end:
            guard isReceiving, let exchange = exchanges.last else { return }
            isReceiving = false
            setDeadline(http.limits.idleTimeout)
            exchange.end()
            exchangeAnswered()
        }
    }

    private func exchange(for head: HTTPRequestHead) -> Exchange {
        guard head.uri.utf8.count <= http.limits.maximumTargetBytes else {
            return ImmediateExchange(
                head: head, connection: self,
                answer: Problem.targetTooLong(limitBytes: http.limits.maximumTargetBytes).response)
        }
        return service.exchange(for: head, on: self)
    }

    /// Not more is read than there is room for: neither requests without answers, nor answers that the client does not take.
    func read(context: ChannelHandlerContext) {
        if mayRead(context) { context.read() } else { readIsHeldBack = true }
    }

    private func mayRead(_ context: ChannelHandlerContext) -> Bool {
        phase != .open || (exchanges.count < http.limits.maximumPipelinedRequests && context.channel.isWritable)
    }

    private func resumeReading() {
        guard readIsHeldBack, let context, mayRead(context) else { return }
        readIsHeldBack = false
        context.read()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        resumeReading()
        context.fireChannelWritabilityChanged()
    }

    // MARK: Answers out

    /// Lets a client that asked first send its body; at once, but never before the answers it still waits for.
    func sendContinue(for exchange: Exchange) {
        guard exchanges.first === exchange else { return }
        outgoing.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
        http.flusher.mark(self)
    }

    /// Writes every answer whose turn it is.
    func exchangeAnswered() {
        guard phase == .open else { return }
        while let exchange = exchanges.first, let response = exchange.response {
            // An answer that comes before the end of its request waits for it, unless the connection is closed for it.
            if isReceiving, exchanges.count == 1, exchange.keepsAlive { break }
            exchanges.removeFirst()
            exchange.detach()
            write(response, of: exchange)
            if !exchange.keepsAlive {
                detachAll()
                phase = .finishing
            }
        }
        if outgoing.readableBytes > 0 { http.flusher.mark(self) }
        resumeReading()
    }

    private func detachAll() {
        for exchange in exchanges { exchange.detach() }
        exchanges.removeAll()
    }

    private func write(_ response: Response, of exchange: Exchange) {
        let persistence: ByteBuffer.Persistence =
            !exchange.keepsAlive ? .close : exchange.isHTTP11 ? .keepAlive : .keepAliveOnRequest
        outgoing.writeHead(of: response, date: http.date, persistence: persistence)
        guard exchange.method != .HEAD else { return }
        if response.body.readableBytes < Self.largeBodyBytes {
            outgoing.writeImmutableBuffer(response.body)
        } else if let context {
            writeOutgoing(context, promise: nil)
            context.write(wrapOutboundOut(response.body), promise: nil)
            http.flusher.mark(self)
        }
    }

    override func flushTick() {
        guard let context, phase != .closed else { return }
        guard phase == .finishing else {
            writeOutgoing(context, promise: nil)
            return context.flush()
        }
        phase = .lingering
        let written = context.eventLoop.makePromise(of: Void.self)
        writeOutgoing(context, promise: written)
        context.flush()
        written.futureResult.assumeIsolated().whenComplete { _ in self.linger() }
        setDeadline(http.limits.transferTimeout)
    }

    private func writeOutgoing(_ context: ChannelHandlerContext, promise: EventLoopPromise<Void>?) {
        context.write(wrapOutboundOut(outgoing), promise: promise)
        if outgoing.capacity <= 64 * 1024 { outgoing.clear() } else { outgoing = ByteBuffer() }
    }

    // MARK: The end

    /// Closes our side, then waits a moment for the client to close its own: a socket closed with unread bytes in it would
    /// be reset, and the reset could overtake the answer.
    private func linger() {
        guard let context, phase == .lingering else { return }
        context.close(mode: .output, promise: nil)
        setDeadline(http.limits.lingerTimeout)
        resumeReading()
    }

    /// Answers what has been asked, then closes.
    func drain() {
        guard phase == .open else { return }
        if exchanges.isEmpty { return closeNow() }
        // Only the last may close the connection; those before it are owed their answers too.
        exchanges[exchanges.index(before: exchanges.endIndex)].keepsAlive = false
    }

    func closeNow() { context?.close(promise: nil) }

    /// Called once a second.
    func checkDeadline() {
        guard let context, http.now >= deadline else { return }
        switch phase {
        case .open where isReceiving: exchanges.last?.respondAndClose(.requestTimeout)
        case .open where !exchanges.isEmpty: setDeadline(http.limits.idleTimeout)
        case .open, .finishing, .lingering: context.close(promise: nil)
        case .closed: break
        }
    }

    private func setDeadline(_ duration: Duration) { deadline = http.now + TimeAmount(duration) }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        http.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelInactive(context: ChannelHandlerContext) {
        phase = .closed
        detachAll()
        http.remove(self)
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The client sends no more, and may still read: it gets what it has asked for.
        if case ChannelEvent.inputClosed = event {
            if phase == .open, !exchanges.isEmpty, !isReceiving { return drain() }
            if phase == .finishing { return }
            return closeNow()
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError, phase == .open else { return context.close(promise: nil) }
        // Nothing after it can be told apart any more: what was asked before is answered, then this.
        isReceiving = false
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/")
        let exchange = Exchange(head: head, connection: self)
        exchanges.append(exchange)
        exchange.respondAndClose(error == .headerOverflow ? .headerTooLarge : .malformedRequest)
    }
}
