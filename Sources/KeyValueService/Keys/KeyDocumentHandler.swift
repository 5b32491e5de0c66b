import HTTPWire
import NIOCore
import RedisClient

/// `GET /v1/keys/{key}` with `Accept: application/json`: the value and what is known of it, in JSON.
///
/// `{"key":"k","value":"v","etag":"…","ttl_ms":1234}`
final class KeyDocumentHandler: ReadHandler {
    private let known: EntityTagList
    private var document: KeyDocument?
    private var problem: Problem?

    init(_ request: borrowing RequestView, connection: HTTPConnection, key: [UInt8], service: KeyValueService) {
        known = request.knownTags
        super.init(request.head, connection: connection, key: key, service: service)
    }

    override var commands: Int { 2 }

    override func command(at index: Int) -> RedisCommand { index == 0 ? .get : .pttl }

    override func encode(into buffer: inout ByteBuffer) {
        let key = key
        buffer.writeGET(key: key.span)
        buffer.writePTTL(key: key.span)
    }

    override func receive(_ reply: RedisReply, at index: Int) {
        if index == 0 { receiveValue(reply) } else { receiveTimeToLive(reply) }
    }

    private func receiveValue(_ reply: RedisReply) {
        problem = nil
        switch reply {
        case .bulk(let value):
            noteSize(value.count)
            let key = key
            document = KeyDocument(key: key.span, value: value)
        case .null:
            noteSize(0)
            problem = .keyNotFound
        case .error(let text): problem = problem(of: text)
        case .simple, .integer, .array: distrust()
        }
    }

    private func receiveTimeToLive(_ reply: RedisReply) {
        if let problem { return answer(problem) }
        guard let document else { return }
        switch reply {
        case .integer(let milliseconds): answer(document, head(.json), timeToLive: milliseconds, unlessKnown: known)
        case .error(let text): answer(problem(of: text))
        case .bulk, .simple, .null, .array: distrust()
        }
    }
}

extension RequestHandler {
    /// Answers with the document; without it, where the client has the value already.
    ///
    /// - Parameter milliseconds: the reply to PTTL.
    final func answer(
        _ document: KeyDocument, _ head: ResponseHead, timeToLive milliseconds: Int64,
        unlessKnown known: EntityTagList
    ) {
        var head = head
        head.mayBeKept()
        // Weak, since the time to live changes and the tag does not.
        head.add("ETag", Array("W/\"".utf8) + document.tag.text + Array("\"".utf8))
        if known.matches(document.tag) {
            head.status = .notModified
            return respond(Response(head, body: ByteBuffer()))
        }
        respond(Response(head, body: document.finished(timeToLive: milliseconds)))
    }
}
