import HTTPWire
import NIOCore
import RedisClient

/// One request and its answer, from the request's head to the answer's last byte.
///
/// A final subclass for each way to an answer; what differs within one is a value (``WriteOperation``, ``KeyForm``). It takes
/// Redis's replies itself, so that a request costs one object. Everything happens on the connection's event loop.
class RequestHandler: ReplyReceiver {
    let method: RequestMethod
    private let isHTTP11: Bool
    /// Whether the connection may carry another request after this one.
    var keepsAlive: Bool
    /// `nil` where the path leads nowhere, or could not be read.
    var route: Route?
    /// `nil` once the answer is written or the client is gone. Retained and released manually: a weak reference would put
    /// every retain of the connection on the runtime's slow path.
    private(set) var connection: HTTPConnection?
    private var held: HeldResponse?
    /// Where the request costs much: it is under way. Over with its answer.
    final var turn: RequestTurns.Turn?
    /// What the client calls the request, and the trace it belongs to; `nil` for most requests.
    var tracing: RequestTracing?
    /// Which of the origins that may read answers the request is from; see ``AllowedOrigins``.
    final var origin = AllowedOrigins.Place.none
    /// Unique in the process, more or less; see ``requestID``.
    private let number: UInt64
    /// The time of the tick in which the head was read.
    let startedAt: NIODeadline

    init(_ head: borrowing RequestHead, connection: HTTPConnection) {
        self.connection = connection
        self.method = head.method
        self.isHTTP11 = head.isHTTP11
        self.keepsAlive = head.keepsAlive
        (self.number, self.startedAt) = connection.http.beginRequest()
    }

    /// For a request that could not be read.
    init(connection: HTTPConnection) {
        self.connection = connection
        self.method = .other
        self.isHTTP11 = true
        self.keepsAlive = false
        (self.number, self.startedAt) = connection.http.beginRequest()
    }

    /// The head has come. A route that needs no body may answer at once.
    func begin() {}

    /// A piece of the body has come.
    func receiveBody(_ piece: ByteBuffer) {}

    /// The request is whole.
    func end() {}

    /// The body did not come to its end in time.
    func bodyTimedOut() { respondAndClose(.requestTimeout) }

    /// An answer that waits for its turn.
    final var response: Response? { held.flatMap { $0.isBegun ? nil : $0.response } }

    /// The answer's head is written, and its body goes on.
    final func noteBegun() { held?.isBegun = true }

    final var isAnswered: Bool { held != nil || connection == nil }

    /// Gives the answer, once; later ones are not looked at.
    final func respond(_ response: Response) {
        turn = nil
        guard held == nil else { return }
        let bytes = response.body.readableBytes
        if isTooLarge(bytes) { return refuseForLackOfRoom(bytes) }
        held = HeldResponse(response)
        connection?.handlerAnswered()
        if bytes > 0, connection != nil { hold(bytes) }
    }

    /// Gives an answer whose body is written where it will be sent from, if it is this one's turn.
    ///
    /// - Parameters:
    ///   - count: how many bytes `body` writes, exactly.
    final func respond(_ head: ResponseHead, bodyBytes count: Int, _ body: (inout OutputRawSpan) -> Void) {
        turn = nil
        guard !isAnswered, let connection else { return }
        if count >= MemoryBudget.smallBytes, isTooLarge(count) { return refuseForLackOfRoom(count) }
        if connection.isTurn(of: self) {
            connection.answer(self, head, bodyBytes: count, body)
        } else {
            var buffer = ByteBuffer()
            buffer.writeWithOutputRawSpan(minimumWritableBytes: count, initializingWith: body)
            respond(Response(head, body: buffer))
        }
    }

    /// Gives the head of an answer whose body comes piece by piece, once its turn has come.
    final func respond(_ head: ResponseHead, streaming body: LargeAnswer) {
        turn = nil
        guard held == nil else { return }
        held = HeldResponse(Response(head, body: ByteBuffer()), streamed: body)
        connection?.handlerAnswered()
    }

    /// The body of an answer that comes piece by piece.
    final var streamed: LargeAnswer? { held?.streamed }

    /// The client takes more again of an answer that comes piece by piece.
    final func connectionBecameWritable() { held?.streamed?.goOn() }

    /// The connection is closed before the answer is over.
    func abandoned() {}

    /// Ends the tie to the connection; an answer that comes later has nowhere to go.
    final func detach() {
        if heldBytes > 0 { hold(0) }
        connection = nil
    }

    /// The memory of this request, beyond what most requests take.
    private(set) final var heldBytes = 0

    /// Reports how many bytes are buffered for this request now.
    final func hold(_ bytes: Int) {
        let change = bytes - heldBytes
        guard change != 0, let connection else { return }
        heldBytes = bytes
        connection.hold(change)
    }

    /// Reports how much of its body is buffered while the rest is still to come.
    func chargeBody() {}

    /// Whether the answer may be one that there is no memory for it: not where something was written.
    var mayBeRefusedLate: Bool { true }

    /// How much more may be buffered for the answer, by the budgets of the process and of the connection.
    final var answerRoom: Int { connection?.answerRoom ?? .max }

    final func isTooLarge(_ bytes: Int) -> Bool {
        guard bytes >= MemoryBudget.smallBytes, mayBeRefusedLate, method != .head, let connection else { return false }
        return bytes > connection.answerRoom
    }

    /// Says that there is no memory for the answer now; or never, where it is more than all clients together may hold.
    final func refuseForLackOfRoom(_ bytes: Int) {
        if let budget = connection?.http.budget, bytes > budget.limitBytes { return respond(.answerTooLarge) }
        refuseOverloaded()
    }

    /// Says that there is no memory for it.
    final func refuseOverloaded() {
        connection?.http.budget.countRefusal()
        respond(.overloaded)
    }

    final func respond(_ problem: Problem) { respond(problem.response) }

    /// Gives the answer and has the connection closed after it: what follows on it cannot be trusted, or is not wanted.
    final func respondAndClose(_ problem: Problem) {
        keepsAlive = false
        // One that waits for the end of its request need not any more.
        if held == nil { respond(problem) } else { connection?.handlerAnswered() }
    }

    /// As ``respondAndClose(_:)``, also in place of an answer that waits for the end of its request: that cannot be read.
    final func refuse(_ problem: Problem) {
        // A stream has taken a place, and gives it back at its own end.
        if let waiting = held, !waiting.isBegun, !waiting.response.head.isOpenEnded { held = nil }
        respondAndClose(problem)
    }

    final func framing(bodyBytes: Int) -> ResponseHead.Framing {
        ResponseHead.Framing(
            bodyBytes: bodyBytes, persistence: !keepsAlive ? .close : isHTTP11 ? .keepAlive : .keepAliveOnRequest,
            requestID: requestID, origin: origin)
    }

    /// How the request is called in its answer and in logs.
    final var requestID: RequestID { RequestID(number: number, tracing: tracing) }
}

/// On the heap, since few answers wait: most handlers need not make room for one.
private final class HeldResponse {
    let response: Response
    let streamed: LargeAnswer?
    var isBegun = false

    init(_ response: Response, streamed: LargeAnswer? = nil) {
        self.response = response
        self.streamed = streamed
    }
}

/// A handler whose answer is known from the head.
final class ImmediateHandler: RequestHandler {
    private let answer: Response

    init(_ head: borrowing RequestHead, connection: HTTPConnection, answer: Response) {
        self.answer = answer
        super.init(head, connection: connection)
        // A client that waits for a word before it sends the body gets the answer at once, and sends it no more.
        let waits = head.expectsContinue ? true : head.expectsTheUnknown
        if waits, head.body != .none { keepsAlive = false }
    }

    override func begin() { respond(answer) }
}
