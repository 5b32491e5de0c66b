import HTTPWire
import NIOCore
import RedisClient

/// One request and its answer, from the request's head to the answer's last byte.
///
/// A subclass a route. It takes Redis's replies itself, so that a request costs one object. Everything happens on the
/// connection's event loop.
class Exchange: ReplyReceiver {
    /// `nil` once the answer is written or the client is gone. Held and let go of by hand: a weak reference would put
    /// every retain of the connection on the runtime's slow path.
    private(set) var connection: HTTPConnection?
    let method: RequestMethod
    private let isHTTP11: Bool
    /// Whether the connection may carry another request after this one.
    var keepsAlive: Bool
    private var held: HeldResponse?

    init(_ head: borrowing RequestHead, connection: HTTPConnection) {
        self.connection = connection
        self.method = head.method
        self.isHTTP11 = head.isHTTP11
        self.keepsAlive = head.keepsAlive
    }

    /// For a request that could not be read.
    init(connection: HTTPConnection) {
        self.connection = connection
        self.method = .other
        self.isHTTP11 = true
        self.keepsAlive = false
    }

    /// The head has come. A route that needs no body may answer at once.
    func begin() {}

    /// A piece of the body has come.
    func receiveBody(_ piece: ByteBuffer) {}

    /// The request is whole.
    func end() {}

    /// An answer that waits for its turn.
    final var response: Response? { held?.response }

    final var isAnswered: Bool { held != nil || connection == nil }

    /// Gives the answer, once; later ones are not looked at.
    final func respond(_ response: Response) {
        guard held == nil else { return }
        held = HeldResponse(response)
        connection?.exchangeAnswered()
    }

    /// Gives an answer whose body is written where it will be sent from, if it is this one's turn.
    ///
    /// - Parameters:
    ///   - count: how many bytes `body` writes, exactly.
    final func respond(_ head: ResponseHead, bodyBytes count: Int, _ body: (inout OutputRawSpan) -> Void) {
        guard !isAnswered, let connection else { return }
        if connection.isTurn(of: self) {
            connection.answer(self, head, bodyBytes: count, body)
        } else {
            var buffer = ByteBuffer()
            buffer.writeWithOutputRawSpan(minimumWritableBytes: count, initializingWith: body)
            respond(Response(head, body: buffer))
        }
    }

    /// Ends the tie to the connection; an answer that comes later has nowhere to go.
    final func detach() { connection = nil }

    final func respond(_ problem: Problem) { respond(problem.response) }

    /// Gives the answer and has the connection closed after it: what follows on it cannot be trusted, or is not wanted.
    final func respondAndClose(_ problem: Problem) {
        keepsAlive = false
        // One that waits for the end of its request need not any more.
        if held == nil { respond(problem) } else { connection?.exchangeAnswered() }
    }

    final var persistence: ResponseHead.Persistence {
        !keepsAlive ? .close : isHTTP11 ? .keepAlive : .keepAliveOnRequest
    }
}

/// On the heap, since few answers wait: most exchanges need not make room for one.
private final class HeldResponse {
    let response: Response

    init(_ response: Response) { self.response = response }
}

/// An exchange whose answer is known from the head.
final class ImmediateExchange: Exchange {
    private let answer: Response

    init(_ head: borrowing RequestHead, connection: HTTPConnection, answer: Response) {
        self.answer = answer
        super.init(head, connection: connection)
    }

    override func begin() { respond(answer) }
}
