import NIOCore
import NIOHTTP1
import RedisClient

/// `GET /get?key=…`: GET and INFO replication of one server, in one pipeline.
///
/// `{"key":"key_1","value":"get key_1: value_1","redis_replication":"# Replication\r\n…","action":"GET","pod_ip":"…"}`
final class GetExchange: Exchange {
    private let key: [UInt8]
    private let service: KeyValueService
    private var reader: RedisLoop.Reader?
    private var attempts = ReadAttempts()
    private var body = ByteBuffer()
    private var problem: Problem?

    init(head: HTTPRequestHead, connection: HTTPConnection, key: [UInt8], service: KeyValueService) {
        self.key = key
        self.service = service
        super.init(head: head, connection: connection)
    }

    override func begin() {
        if !ask() { respond(.redisUnavailable(role: "Redis server")) }
    }

    /// - Returns: whether there is a server to ask.
    private func ask() -> Bool {
        guard let reader = service.redis.reader(excluding: attempts) else { return false }
        self.reader = reader
        problem = nil
        let key = key
        do {
            try reader.connection.submit(self, replies: 1, awaitsInformation: true) { buffer in
                buffer.writeGET(key: key.span)
            }
        } catch {
            failed(error)
        }
        return true
    }

    override func receive(_ reply: RedisReply, at index: Int) {
        switch (index, reply) {
        case (0, let value): receiveValue(value)
        case (_, let information): receiveInformation(information)
        }
    }

    private func receiveValue(_ reply: RedisReply) {
        switch reply {
        case .bulk(let value):
            let key = key
            guard value.isUTF8 else {
                problem = .valueNotText
                return
            }
            body = service.makeBuffer(capacity: 2 * key.count + value.count + KeyValueService.answerOverhead)
            body.writeStaticString("{\"key\":\"")
            body.writeJSONEscaped(key.span)
            body.writeStaticString("\",\"value\":\"get ")
            body.writeJSONEscaped(key.span)
            body.writeStaticString(": ")
            body.writeJSONEscaped(value)
        case .null: problem = .keyNotFound
        case .error(let text):
            reader?.connection.observe(error: text)
            problem = Problem(redisError: text)
        case .simple, .integer, .array: problem = .redisError(code: "unexpected reply to GET")
        }
    }

    private func receiveInformation(_ reply: RedisReply) {
        if problem == .redisUnavailable(role: "Redis server"), askAnother(after: nil) { return }
        switch reply {
        case _ where problem != nil: break
        case .bulk(let text):
            service.finish(&body, replication: text, action: "GET")
            var response = Response(contentType: .json, body: body)
            response.isStale = reader?.isStale ?? false
            return respond(response)
        case .error(let text): problem = Problem(redisError: text)
        case .simple, .integer, .null, .array: problem = .redisError(code: "unexpected reply to INFO")
        }
        if let problem { respond(problem) }
    }

    override func fail(_ failure: RedisFailure) { failed(failure) }

    private func failed(_ failure: RedisFailure) {
        if !askAnother(after: failure) { respond(Problem(failure, role: "Redis server")) }
    }

    /// What one server could not answer, another is asked, if there is one.
    private func askAnother(after failure: RedisFailure?) -> Bool {
        guard let reader, attempts.mayGoOn(after: reader.connection, failing: failure) else { return false }
        return ask()
    }
}
