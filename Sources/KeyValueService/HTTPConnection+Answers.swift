import HTTPWire
import NIOCore
import RedisClient

extension HTTPConnection {
    /// From this size on a body goes to the socket as it is, not by way of a copy.
    private static let largeBodyBytes = 16 * 1024
    /// A buffer that has grown past this is given back once it is written.
    static let keptBufferBytes = 64 * 1024

    /// Lets a client that asked first send its body; at once, but never before the answers it still waits for.
    func sendContinue(for exchange: Exchange) {
        guard exchanges.first === exchange else {
            owesContinue = true
            return
        }
        owesContinue = false
        outgoing.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
        http.flusher.mark(self)
        // The client could not go on before.
        pace.bodyWasAskedFor(at: http.flusher.begin().nanoseconds)
    }

    /// Whether an answer given now is the next one to be written.
    func isTurn(of exchange: Exchange) -> Bool {
        // An answer that comes before the end of its request waits for it, unless the connection is closed for it.
        phase == .open && exchanges.first === exchange
            && !(isReceiving && exchanges.count == 1 && exchange.keepsAlive)
    }

    /// Writes the answer of the exchange whose turn it is, straight to where it is sent from, and what was waiting for it.
    ///
    /// - Parameters:
    ///   - count: how many bytes `body` writes.
    func answer(
        _ exchange: Exchange, _ head: ResponseHead, bodyBytes count: Int, _ body: (inout OutputRawSpan) -> Void
    ) {
        exchanges.removeFirst()
        let hasBody = exchange.method != .head && !head.status.isBodiless
        let framing = exchange.framing(bodyBytes: count)
        outgoing.writeWithOutputRawSpan(
            minimumWritableBytes: http.preamble.roomBytes(for: head) + (hasBody ? count : 0)
        ) {
            $0.append(head, framing, http.preamble)
            if hasBody { body(&$0) }
        }
        answered(exchange, head, bodyBytes: hasBody ? count : 0)
        if count >= MemoryBudget.smallBytes { settle() }
        if !exchanges.isEmpty { exchangeAnswered() } else { resume() }
    }

    /// Writes every answer whose turn it is.
    func exchangeAnswered() {
        while let exchange = exchanges.first, let response = exchange.response, isTurn(of: exchange) {
            if response.head.isOpenEnded, let stream = exchange as? StreamExchange, stream.method != .head {
                stream.noteBegun()
                beginStream(response.head, of: stream)
                continue
            }
            if let body = exchange.streamed {
                exchange.noteBegun()
                begin(body, response.head, of: exchange)
                continue
            }
            exchanges.removeFirst()
            let bodyBytes = write(response, of: exchange)
            answered(exchange, response.head, bodyBytes: bodyBytes)
        }
        if owesContinue, phase == .open, isReceiving, let exchange = exchanges.first, exchange === exchanges.last {
            if exchange.isAnswered { owesContinue = false } else { sendContinue(for: exchange) }
        }
        resume()
    }

    private func answered(_ exchange: Exchange, _ head: borrowing ResponseHead, bodyBytes: Int) {
        window.answered(bodyBytes: bodyBytes)
        http.note(exchange, head, bodyBytes: bodyBytes)
        ended(exchange)
    }

    /// Nothing more is to be written for the exchange, which is in the queue no longer.
    func ended(_ exchange: Exchange) {
        exchange.detach()
        http.flusher.mark(self)
        guard !exchange.keepsAlive else { return }
        detachAll()
        undecoded = ByteBuffer()
        phase = .finishing
    }

    func detachAll() {
        let abandoned = exchanges
        exchanges.removeAll()
        for exchange in abandoned {
            exchange.detach()
            exchange.abandoned()
        }
    }

    /// - Returns: how many bytes of a body were written.
    private func write(_ response: Response, of exchange: Exchange) -> Int {
        let framing = exchange.framing(bodyBytes: response.body.readableBytes)
        outgoing.writeWithOutputRawSpan(minimumWritableBytes: http.preamble.roomBytes(for: response.head)) {
            $0.append(response.head, framing, http.preamble)
        }
        guard exchange.method != .head, !response.head.status.isBodiless else { return 0 }
        if response.body.readableBytes < Self.largeBodyBytes {
            outgoing.writeImmutableBuffer(response.body)
        } else if let context {
            context.write(wrapOutboundOut(outgoing), promise: nil)
            outgoing = ByteBuffer()
            context.write(wrapOutboundOut(response.body), promise: nil)
            settle()
        }
        return response.body.readableBytes
    }

    /// Sends what the tick has gathered.
    func flush() {
        guard let context, phase != .closed else { return }
        guard phase == .finishing else {
            context.writeAndFlush(wrapOutboundOut(outgoing), promise: nil)
            // The channel has written the bytes by now and let go of them, unless the client is slow.
            let isKept =
                outgoing.capacity <= Self.keptBufferBytes && outgoing.modifyIfUniquelyOwned { $0.clear() } != nil
            if !isKept { outgoing = ByteBuffer() }
            if !isKept || chargedBytes > 0 {
                settle()
                pauseIfSlow()
            }
            // Reading may have been held back while a large answer was on its way to the kernel.
            resume()
            return
        }
        phase = .lingering
        let written = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(outgoing), promise: written)
        outgoing = ByteBuffer()
        settle()
        written.futureResult.assumeIsolated().whenComplete { _ in self.linger() }
    }

    /// Closes our side, then waits a moment for the client to close its own: a socket closed with unread bytes in it would
    /// be reset, and the reset could overtake the answer.
    private func linger() {
        guard let context, phase == .lingering else { return }
        context.close(mode: .output, promise: nil)
        pace.farewellBegan(at: http.flusher.begin().nanoseconds)
        resume()
    }
}
