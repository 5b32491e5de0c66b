import HTTPWire
import NIOCore
import RedisClient

/// What a ``StreamHandler`` sends.
protocol StreamSource: AnyObject {
    /// The head of the request has come: answers by ``StreamHandler/stream(_:)``, or otherwise.
    func begin(_ stream: StreamHandler)

    /// The head of the answer is sent; pieces may follow.
    func streamBegan(_ stream: StreamHandler)

    /// Called once, however it ends, and also where it never began.
    func streamEnded()
}

/// A request whose answer goes on until one side ends it: in chunks, or to the end of the connection where the client does
/// not know chunks or wants no more than this answer.
///
/// ```
/// begin ─ stream(_:) ─▶ waits for its turn ─▶ streamBegan ─ send… ─▶ finish, or the client leaves ─▶ streamEnded
/// ```
final class StreamHandler: RequestHandler {
    fileprivate enum State {
        case waiting, streaming, ended
    }

    fileprivate var state = State.waiting
    fileprivate var isChunked = false
    /// It has to end as soon as it has begun.
    fileprivate var isCancelled = false
    private let source: any StreamSource

    init(_ head: borrowing RequestHead, connection: HTTPConnection, source: any StreamSource) {
        self.source = source
        super.init(head, connection: connection)
    }

    override func begin() { source.begin(self) }

    /// Answers with the head when it is its turn.
    func stream(_ head: ResponseHead) {
        var head = head
        head.isOpenEnded = true
        respond(Response(head, body: ByteBuffer()))
    }

    /// Sends a piece at the end of this tick; not where the client has not taken what it was sent before, so that
    /// never more than the socket's buffer and a piece are kept for a slow one.
    ///
    /// - Returns: whether it was sent.
    func send(_ piece: ByteBuffer) -> Bool {
        guard state == .streaming, let connection, connection.isWritable else { return false }
        connection.send(piece, inChunk: isChunked)
        return true
    }

    /// Ends the answer as it should end; before it has begun, once it has.
    func finish() {
        switch state {
        case .waiting: isCancelled = true
        case .streaming:
            over()
            connection?.endStream(of: self, isChunked: isChunked)
        case .ended: break
        }
    }

    override func abandoned() { over() }

    fileprivate func begin(chunked: Bool) {
        isChunked = chunked
        state = .streaming
        source.streamBegan(self)
        if isCancelled { finish() }
    }

    private func over() {
        guard state != .ended else { return }
        state = .ended
        source.streamEnded()
    }
}

extension HTTPConnection {
    /// Sends the head of an answer that is open-ended, now that its turn has come.
    func beginStream(_ head: ResponseHead, of handler: StreamHandler) {
        // A 1.0 client that would keep the connection could not tell the answer's end.
        if handler.framing(bodyBytes: 0).persistence == .keepAliveOnRequest { handler.keepsAlive = false }
        let framing = handler.framing(bodyBytes: 0)
        outgoing.writeWithOutputRawSpan(minimumWritableBytes: http.preamble.roomBytes(for: head)) {
            $0.append(head, framing, http.preamble)
        }
        http.flusher.mark(self)
        // Its duration is that of the head: how long a client watches says nothing about the service.
        http.note(handler, head, bodyBytes: 0)
        handler.begin(chunked: framing.isChunked(head))
    }

    fileprivate func send(_ piece: ByteBuffer, inChunk isChunked: Bool) {
        guard piece.readableBytes > 0 else { return }
        if isChunked { outgoing.writeString(String(piece.readableBytes, radix: 16) + "\r\n") }
        outgoing.writeImmutableBuffer(piece)
        if isChunked { outgoing.writeStaticString("\r\n") }
        http.flusher.mark(self)
    }

    fileprivate func endStream(of handler: StreamHandler, isChunked: Bool) {
        guard state.isOpen, handlers.first === handler else { return }
        handlers.removeFirst()
        if isChunked { outgoing.writeStaticString("0\r\n\r\n") }
        ended(handler)
        handlerAnswered()
    }
}
