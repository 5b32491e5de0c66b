import NIOCore
import NIOHTTP1
import RedisClient

/// `POST /set` with `{"key":…,"value":…}`: SET and INFO replication on the master, in one pipeline.
///
/// `{"key":"key_1","value":"value_1","redis_replication":"# Replication\r\n…","action":"SET","pod_ip":"…"}`
final class SetExchange: Exchange {
    private let service: KeyValueService
    private let limitBytes: Int
    private let expectsContinue: Bool
    private let refusal: Problem?
    private var requestBody = ByteBuffer()
    private var request: SetRequest?
    private var problem: Problem?
    private var isSecondTry = false

    init(head: HTTPRequestHead, connection: HTTPConnection, service: KeyValueService) {
        self.service = service
        self.limitBytes = service.http.limits.maximumBodyBytes
        self.refusal = Self.refusal(of: head.headers, limitBytes: limitBytes)
        self.expectsContinue = head.headers.first(name: "expect")?.lowercased() == "100-continue"
        super.init(head: head, connection: connection)
    }

    /// What the head alone tells.
    private static func refusal(of headers: HTTPHeaders, limitBytes: Int) -> Problem? {
        if let type = headers.first(name: "content-type"), !isJSON(type) { return .unsupportedMediaType }
        if let length = headers.first(name: "content-length").flatMap({ Int($0) }), length > limitBytes {
            return .bodyTooLarge(limitBytes: limitBytes)
        }
        return nil
    }

    /// `application/json`, whatever its parameters. Without the header the body is taken for JSON.
    private static func isJSON(_ contentType: String) -> Bool {
        let media = contentType.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }
        return media.lowercased() == "application/json"
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
        guard response == nil else { return }
        guard requestBody.readableBytes + piece.readableBytes <= limitBytes else {
            return respondAndClose(.bodyTooLarge(limitBytes: limitBytes))
        }
        if requestBody.readableBytes == 0 { requestBody = piece } else { requestBody.writeImmutableBuffer(piece) }
    }

    override func end() {
        guard response == nil else { return }
        if let refusal { return respond(refusal) }
        do {
            let request = try SetRequest(parsing: requestBody.readableBytesUInt8Span)
            self.request = request
            requestBody = ByteBuffer()
            try write(request)
        } catch let problem as Problem {
            respond(problem)
        } catch let failure as RedisFailure {
            respond(Problem(failure, role: "Redis master"))
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
        if case .error(let text) = reply, problem == nil {
            service.redis.master.observe(error: text)
            problem = Problem(redisError: text)
        }
        guard index == 1 else { return }
        if problem == .redisReadOnly, writeOnceMore() { return }
        if let problem { return respond(problem) }
        guard case .bulk(let text) = reply, let request else {
            return respond(.redisError(code: "unexpected reply to INFO"))
        }
        var body = service.makeBuffer(
            capacity: request.key.count + request.value.count + KeyValueService.answerOverhead)
        body.writeStaticString("{\"key\":\"")
        body.writeJSONEscaped(request.key.span)
        body.writeStaticString("\",\"value\":\"")
        body.writeJSONEscaped(request.value.span)
        service.finish(&body, replication: text, action: "SET")
        respond(Response(contentType: .json, body: body))
    }

    /// A write that a replica refused was not applied: it is sent once more when the master is found, if that is soon.
    private func writeOnceMore() -> Bool {
        guard !isSecondTry, let request else { return false }
        isSecondTry = true
        return service.redis.waitForMaster { isFound in
            guard isFound else { return self.respond(.redisReadOnly) }
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
