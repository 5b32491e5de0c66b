import NIOCore
import RedisClient
import Telemetry

/// What is made of the replies, by the form that the client wants.
extension ReadHandler {
    // MARK: The bytes alone

    func receiveBytes(_ reply: RedisReply) {
        switch reply {
        case .bulk(let value):
            noteSize(value.count)
            answer(value, head(), unlessKnown: known)
        case .null:
            noteSize(0)
            answer(.keyNotFound)
        case .error(let text): receiveRefusal(problem(of: text))
        case .simple, .integer, .array: distrust()
        }
    }

    private func receiveRefusal(_ problem: Problem) {
        guard problem == .answerTooLarge, !isLarge else { return answer(problem) }
        // The value was met behind what could not give way to it.
        noteLargeReply()
        fail(.displaced)
    }

    // MARK: The document

    func receiveForDocument(_ reply: RedisReply) {
        part = .nothing
        switch reply {
        case .bulk(let value):
            noteSize(value.count)
            let key = key
            part = .document(KeyDocument(key: key.span, value: value))
        case .null:
            noteSize(0)
            part = .problem(.keyNotFound)
        case .error(let text): part = .problem(problem(of: text))
        case .simple, .integer, .array: distrust()
        }
    }

    func receiveTimeToLive(_ reply: RedisReply) {
        let document: KeyDocument
        switch part {
        case .problem(let problem): return answer(problem)
        case .document(let come): document = come
        case .nothing, .original: return
        }
        switch reply {
        case .integer(let milliseconds): answer(document, head(), timeToLive: milliseconds, unlessKnown: known)
        case .error(let text): answer(problem(of: text))
        case .bulk, .simple, .null, .array: distrust()
        }
    }

    // MARK: As the original

    func receiveForOriginal(_ reply: RedisReply) {
        part = .nothing
        switch reply {
        case .bulk(let bytes):
            noteSize(bytes.count)
            part = bytes.isUTF8 ? .original([UInt8](jsonEscaping: bytes)) : .problem(.valueNotText)
        case .null:
            noteSize(0)
            part = .problem(.keyNotFound)
        case .error(let text): part = .problem(problem(of: text))
        case .simple, .integer, .array: distrust()
        }
    }

    func receiveInformation(_ reply: RedisReply) {
        let value: [UInt8]
        switch part {
        case .problem(let problem): return answer(problem)
        case .original(let come): value = come
        case .nothing, .document: return
        }
        switch reply {
        case .bulk(let text):
            let key = key
            let answer = OriginalAnswer(
                .get, key: [UInt8](jsonEscaping: key.span), value: value, podIP: service.escapedPodIP)
            respond(answer, head(), replication: text)
        case .error(let text): answer(problem(of: text))
        case .simple, .integer, .null, .array: distrust()
        }
    }
}

extension RequestHandler {
    /// Answers with the value alone; without it, where the client has it already.
    final func answer(_ value: Span<UInt8>, _ head: ResponseHead, unlessKnown known: EntityTagList) {
        var head = head
        let tag = KeyTag(of: value)
        head.tag = tag
        head.mayBeKept()
        if known.matches(tag) {
            head.status = .notModified
            return respond(head, bodyBytes: 0) { _ in }
        }
        respond(head, bodyBytes: value.count) { $0.append(copying: value) }
    }

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

extension ResponseHead {
    /// Lets a browser keep the value, unless something is said beside it that a later answer 304 would not take back: what a
    /// token or a verdict stands for, which app answered, or that the server had lost its master.
    mutating func mayBeKept() {
        if fields.isEmpty, !isStale { caching = .revalidate }
    }
}
