import HTTPWire
import NIOCore
import RedisClient

extension HTTPConnection {
    /// From this size on a body goes to the socket as it is, not by way of a copy.
    private static let largeBodyBytes = 16 * 1024
    /// A buffer that has grown past this is given back once it is written.
    static let keptBufferBytes = 64 * 1024

    /// Lets a client that asked first send its body; at once, but never before the answers it still waits for.
    func sendContinue(for handler: RequestHandler) {
        guard handlers.first === handler else {
            state.continueIsOwed()
            return
        }
        state.continueIsOwedNoMore()
        outgoing.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
        http.flusher.mark(self)
        // The client could not go on before.
        pace.bodyWasAskedFor(at: http.flusher.begin().nanoseconds)
    }

    /// Those whose requests came after another one's.
    func laterHandlers(than handler: RequestHandler) -> some Sequence<RequestHandler> {
        handlers.drop { $0 !== handler }.dropFirst()
    }

    /// Whether an answer given now is the next one to be written.
    func isTurn(of handler: RequestHandler) -> Bool {
        // An answer that comes before the end of its request waits for it, unless the connection is closed for it.
        state.isOpen && handlers.first === handler
            && !(state.isReceiving && handlers.count == 1 && handler.keepsAlive)
    }

    /// Writes the answer of the handler whose turn it is, straight to where it is sent from, and what was waiting for it.
    ///
    /// - Parameters:
    ///   - count: how many bytes `body` writes.
    func answer(
        _ handler: RequestHandler, _ head: ResponseHead, bodyBytes count: Int, _ body: (inout OutputRawSpan) -> Void
    ) {
        handlers.removeFirst()
        let hasBody = handler.method != .head && !head.status.isBodiless
        let framing = handler.framing(bodyBytes: count)
        outgoing.writeWithOutputRawSpan(
            minimumWritableBytes: http.preamble.roomBytes(for: head) + (hasBody ? count : 0)
        ) {
            $0.append(head, framing, http.preamble)
            if hasBody { body(&$0) }
        }
        answered(handler, head, bodyBytes: hasBody ? count : 0)
        if count >= MemoryBudget.smallBytes { settle() }
        if !handlers.isEmpty { handlerAnswered() } else { resume() }
    }

    /// Writes every answer whose turn it is.
    func handlerAnswered() {
        while let handler = handlers.first, let response = handler.response, isTurn(of: handler) {
            if response.head.isOpenEnded, let stream = handler as? StreamHandler, stream.method != .head {
                stream.noteBegun()
                beginStream(response.head, of: stream)
                continue
            }
            if let body = handler.streamed {
                handler.noteBegun()
                begin(body, response.head, of: handler)
                continue
            }
            handlers.removeFirst()
            let bodyBytes = write(response, of: handler)
            answered(handler, response.head, bodyBytes: bodyBytes)
        }
        if state.owesContinue, let handler = handlers.first, handler === handlers.last {
            if handler.isAnswered { state.continueIsOwedNoMore() } else { sendContinue(for: handler) }
        }
        resume()
    }

    private func answered(_ handler: RequestHandler, _ head: borrowing ResponseHead, bodyBytes: Int) {
        window.answered(bodyBytes: bodyBytes)
        http.note(handler, head, bodyBytes: bodyBytes)
        ended(handler)
    }

    /// Nothing more is to be written for the handler, which is in the queue no longer.
    func ended(_ handler: RequestHandler) {
        http.requestsUnderWay &-= 1
        if exclusive === handler { exclusive = nil }
        handler.detach()
        http.flusher.mark(self)
        guard !handler.keepsAlive else { return }
        detachAll()
        undecoded = ByteBuffer()
        state.answeredLast()
    }

    func detachAll() {
        let abandoned = handlers
        handlers.removeAll()
        http.requestsUnderWay &-= abandoned.count
        exclusive = nil
        for handler in abandoned {
            handler.detach()
            handler.abandoned()
        }
        if !abandoned.isEmpty { http.turns.clientLeft() }
    }

    /// - Returns: how many bytes of a body were written.
    private func write(_ response: Response, of handler: RequestHandler) -> Int {
        let framing = handler.framing(bodyBytes: response.body.readableBytes)
        outgoing.writeWithOutputRawSpan(minimumWritableBytes: http.preamble.roomBytes(for: response.head)) {
            $0.append(response.head, framing, http.preamble)
        }
        guard handler.method != .head, !response.head.status.isBodiless else { return 0 }
        if response.body.readableBytes < Self.largeBodyBytes {
            outgoing.writeImmutableBuffer(response.body)
        } else if let context {
            context.write(wrapOutboundOut(outgoing), promise: nil)
            outgoing = ByteBuffer()
            writeLarge(response.body, over: context)
            settle()
        }
        return response.body.readableBytes
    }

    /// Sends what the tick has gathered.
    func flush() {
        guard let context, state.phase != .closed else { return }
        guard state.flushedLast() else {
            if outgoing.readableBytes <= Self.keptBufferBytes {
                context.writeAndFlush(wrapOutboundOut(outgoing), promise: nil)
            } else {
                writeLarge(outgoing, over: context)
                context.flush()
            }
            // The channel has written the bytes by now and released them, unless the client is slow.
            let isKept =
                outgoing.capacity <= Self.keptBufferBytes && outgoing.modifyIfUniquelyOwned { $0.clear() } != nil
            if !isKept { outgoing = ByteBuffer() }
            if !isKept || chargedBytes > 0 {
                settle()
                pauseIfSlow()
            }
            // Reading may have been paused while a large answer was on its way to the kernel.
            resume()
            return
        }
        let written = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(outgoing), promise: written)
        outgoing = ByteBuffer()
        settle()
        written.futureResult.assumeIsolated().whenComplete { _ in self.linger() }
    }

    /// Closes our side, then waits a moment for the client to close its own: a socket closed with unread bytes in it would
    /// be reset, and the reset could overtake the answer.
    private func linger() {
        guard let context, state.phase == .lingering else { return }
        context.close(mode: .output, promise: nil)
        pace.farewellBegan(at: http.flusher.begin().nanoseconds)
        resume()
    }
}
