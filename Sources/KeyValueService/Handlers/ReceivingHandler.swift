import HTTPWire
import NIOCore

/// A request whose body is wanted whole, up to a limit, before anything is done.
class ReceivingHandler: RequestHandler {
    private let limitBytes: Int
    private let expectsContinue: Bool
    /// How long the body is, as far as the head says it.
    private let length: Int
    private let refusal: Problem?
    private var received = ByteBuffer()
    /// Bodies from this size on are counted while Redis is asked.
    private static let chargedBytes = 4096

    /// - Parameter contentType: the one that the body has to have, in lower case; `nil` for any. A body that does not name its
    ///   type is taken.
    init(
        _ request: borrowing RequestView, connection: HTTPConnection, limitBytes: Int, contentType: StaticString? = nil
    ) {
        self.limitBytes = limitBytes
        self.refusal = Self.refusal(of: request, limitBytes: limitBytes, contentType: contentType)
        self.expectsContinue = request.head.expectsContinue
        if case .length(let length) = request.head.body { self.length = min(length, limitBytes) } else { length = 0 }
        super.init(request.head, connection: connection)
    }

    /// What the head alone tells.
    private static func refusal(
        of request: borrowing RequestView, limitBytes: Int, contentType: StaticString?
    ) -> Problem? {
        if request.head.isUnusual, let refusal = Problem(ofBodyOf: request) { return refusal }
        if let contentType, let type = request.value(of: .contentType), !type.isMediaType(contentType) {
            return .unsupportedMediaType
        }
        if case .length(let length) = request.head.body, length > limitBytes {
            return .bodyTooLarge(limitBytes: limitBytes)
        }
        return nil
    }

    final override func begin() {
        if let refusal {
            // A body that is small enough is read to its end, so that the connection can go on.
            if case .bodyTooLarge = refusal {
                respondAndClose(refusal)
            } else if expectsContinue {
                respondAndClose(refusal)
            }
        } else if expectsContinue {
            connection?.sendContinue(for: self)
        }
    }

    final override func receiveBody(_ piece: ByteBuffer) {
        guard !isAnswered else { return }
        guard received.readableBytes + piece.readableBytes <= limitBytes else {
            return respondAndClose(tooLong(limitBytes: limitBytes))
        }
        if received.readableBytes == 0, piece.readableBytes >= length {
            received = piece
        } else {
            // Once, and to the size that it will have: what is not written yet costs no memory.
            if received.readableBytes == 0 { received.reserveCapacity(length) }
            received.writeImmutableBuffer(piece)
        }
    }

    /// What is said of a body that does not say how long it is, and is longer.
    func tooLong(limitBytes: Int) -> Problem { .bodyTooLarge(limitBytes: limitBytes) }

    final override func chargeBody() {
        guard !isAnswered, hasRoom(received.readableBytes) else { return }
        hold(received.readableBytes)
    }

    /// - Returns: whether so many bytes may be buffered for the body; otherwise a refusal is sent.
    private func hasRoom(_ bytes: Int) -> Bool {
        guard let budget = connection?.http.budget else { return true }
        let isRefused = bytes >= MemoryBudget.smallBytes ? budget.room < bytes - heldBytes : budget.isFull
        guard isRefused else { return true }
        budget.countRefusal()
        respondAndClose(.overloaded)
        return false
    }

    final override func end() {
        guard !isAnswered else { return }
        if let refusal { return respond(refusal) }
        let body = received
        received = ByteBuffer()
        if body.readableBytes >= Self.chargedBytes {
            guard hasRoom(body.readableBytes) else { return }
            // Once more in what is sent to Redis.
            hold(2 * body.readableBytes)
        }
        guard body.readableBytes >= ReadCosts.bulkyBytes else { return take(body) }
        takeTurn(cost: body.readableBytes) { self.take(body) }
    }

    private func take(_ body: ByteBuffer) {
        do throws(Problem) {
            try receive(body)
        } catch {
            respond(error)
        }
    }

    /// Takes the whole body; called once.
    ///
    /// - Throws: the answer, where it is known now.
    func receive(_ body: ByteBuffer) throws(Problem) {
        preconditionFailure("a receiving handler overrides receive(_:)")
    }
}

extension Problem {
    /// What a body is said to be, and cannot be taken as.
    init?(ofBodyOf request: borrowing RequestView) {
        if request.value(of: .contentRange) != nil {
            self = .unsupportedContentRange
        } else if request.head.isEncoded, request.head.method != .delete {
            self = .unsupportedContentEncoding
        } else {
            return nil
        }
    }
}
