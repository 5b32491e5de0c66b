import HTTPWire
import NIOCore
import RedisClient

/// `POST /set` with `{"key":…,"value":…}`: SET and INFO replication on the master, in one
/// pipeline; see ``OriginalAnswer``.
final class SetExchange: Exchange {
    private let service: KeyValueService
    private let limitBytes: Int
    private let expectsContinue: Bool
    private let refusal: Problem?
    private var requestBody = ByteBuffer()
    private var request: SetRequest?
    private var problem: Problem?
    private var isSecondTry = false

    init(_ request: borrowing RequestView, connection: HTTPConnection, service: KeyValueService) {
        self.service = service
        self.limitBytes = service.http.limits.maximumBodyBytes
        self.refusal = Self.refusal(of: request, limitBytes: limitBytes)
        self.expectsContinue = request.head.expectsContinue
        super.init(request.head, connection: connection)
    }

    /// What the head alone tells.
    private static func refusal(of request: borrowing RequestView, limitBytes: Int) -> Problem? {
        if let type = request.value(of: .contentType), !type.isMediaType("application/json") {
            return .unsupportedMediaType
        }
        if case .length(let length) = request.head.body, length > limitBytes {
            return .bodyTooLarge(limitBytes: limitBytes)
        }
        return nil
    }

    override func begin() {
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

    override func receiveBody(_ piece: ByteBuffer) {
        guard !isAnswered else { return }
        guard requestBody.readableBytes + piece.readableBytes <= limitBytes else {
            return respondAndClose(.bodyTooLarge(limitBytes: limitBytes))
        }
        if requestBody.readableBytes == 0 { requestBody = piece } else { requestBody.writeImmutableBuffer(piece) }
    }

    override func end() {
        guard !isAnswered else { return }
        if let refusal { return respond(refusal) }
        do {
            let request = try SetRequest(parsing: requestBody.readableBytesUInt8Span)
            self.request = request
            requestBody = ByteBuffer()
            try write(request)
        } catch let problem as Problem {
            respond(problem)
        } catch let failure as RedisFailure {
            // The connection was lost a moment ago, and is most likely back in another.
            if failure == .notConnected, service.redis.master.isComingBack,
                writeOnceMore(otherwise: Problem(failure, role: "Redis master"))
            {
                return
            }
            fail(failure)
        } catch {
            preconditionFailure("\(error) is neither a Problem nor a RedisFailure")
        }
    }

    private func write(_ request: SetRequest) throws(RedisFailure) {
        try service.redis.submitWrite(self, replies: 1, awaitsInformation: true) { buffer in
            buffer.writeSET(key: request.key.span, value: request.value.span)
        }
    }

    override func receive(_ reply: RedisReply, at index: Int) {
        if case .error(let text) = reply {
            service.redis.master.observe(error: text)
            problem = problem ?? Problem(redisError: text)
        } else if index == 0, !reply.isSimple {
            return service.redis.master.distrust()
        }
        guard index == 1 else { return }
        if problem == .redisReadOnly, writeOnceMore(otherwise: .redisReadOnly) { return }
        if let problem { return respond(problem) }
        guard case .bulk(let text) = reply, let request else {
            return respond(.redisError(code: "unexpected reply to INFO"))
        }
        let answer = OriginalAnswer(
            .set, key: [UInt8](jsonEscaping: request.key.span), value: [UInt8](jsonEscaping: request.value.span),
            podIP: service.escapedPodIP)
        respond(answer, replication: text)
    }

    /// Sends a write that was surely not applied once more when the master is there, if that is soon.
    ///
    /// - Returns: `false` where it is not worth the wait; nothing is answered then.
    private func writeOnceMore(otherwise refusal: Problem) -> Bool {
        guard !isSecondTry, request != nil else { return false }
        isSecondTry = true
        return service.redis.waitForMaster { isFound in
            guard isFound, let request = self.request else { return self.respond(refusal) }
            self.problem = nil
            do throws(RedisFailure) {
                try self.write(request)
            } catch {
                self.fail(error)
            }
        }
    }

    override func fail(_ failure: RedisFailure) { respond(Problem(failure, role: "Redis master")) }
}

extension Span<UInt8> {
    /// Whether a Content-Type names this type, in whatever case and with whatever parameters.
    ///
    /// - Parameter type: in lower case.
    fileprivate func isMediaType(_ type: StaticString) -> Bool {
        var end = 0
        while end < count, self[end] != UInt8(ascii: ";") { end += 1 }
        while end > 0, self[end - 1] == UInt8(ascii: " ") || self[end - 1] == UInt8(ascii: "\t") { end -= 1 }
        guard end == type.utf8CodeUnitCount else { return false }
        for index in 0..<end where unsafe Self.lowercased(self[index]) != type.utf8Start[index] { return false }
        return true
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
    }
}
