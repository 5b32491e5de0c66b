import NIOCore
import NIOHTTP1
import RedisClient

/// One request and its answer, from the request's head to the answer's last byte.
///
/// A subclass a route. It takes Redis's replies itself, so that a request costs one object. Everything happens on the
/// connection's event loop.
class Exchange: ReplyReceiver {
    /// `nil` once the answer is written or the client is gone. Held and let go of by hand: a weak reference would put
    /// every retain of the connection on the runtime's slow path.
    private(set) var connection: HTTPConnection?
    let method: HTTPMethod
    /// HTTP/1.0 keeps a connection only if told so.
    let isHTTP11: Bool
    /// Whether the connection may carry another request after this one.
    var keepsAlive: Bool
    private(set) var response: Response?

    init(head: HTTPRequestHead, connection: HTTPConnection) {
        self.connection = connection
        self.method = head.method
        self.isHTTP11 = head.version.major == 1 && head.version.minor >= 1
        // After an offer to upgrade the decoder reads no further request; the offer is not taken, so the connection ends.
        self.keepsAlive = head.isKeepAlive && head.method != .CONNECT && !head.headers.contains(name: "upgrade")
    }

    /// The head has come. A route that needs no body may answer at once.
    func begin() {}

    /// A piece of the body has come.
    func receiveBody(_ piece: ByteBuffer) {}

    /// The request is whole.
    func end() {}

    /// Gives the answer, once; later ones are not looked at.
    final func respond(_ response: Response) {
        guard self.response == nil else { return }
        self.response = response
        connection?.exchangeAnswered()
    }

    /// Ends the tie to the connection; an answer that comes later has nowhere to go.
    final func detach() { connection = nil }

    final func respond(_ problem: Problem) { respond(problem.response) }

    /// Gives the answer and has the connection closed after it: what follows on it cannot be trusted, or is not wanted.
    final func respondAndClose(_ problem: Problem) {
        keepsAlive = false
        respond(problem)
    }
}

/// An exchange whose answer is known from the head.
final class ImmediateExchange: Exchange {
    private let answer: Response

    init(head: HTTPRequestHead, connection: HTTPConnection, answer: Response) {
        self.answer = answer
        super.init(head: head, connection: connection)
    }

    override func begin() { respond(answer) }
}
