import HTTPWire
import RedisClient

/// `GET /v1/keys/{key}`: the value alone, as the bytes it is.
final class KeyReadHandler: ReadHandler {
    private let known: EntityTagList
    private var large: LargeAnswer?

    init(_ request: borrowing RequestView, connection: HTTPConnection, key: [UInt8], service: KeyValueService) {
        known = request.knownTags
        super.init(request.head, connection: connection, key: key, service: service)
    }

    override func receive(_ reply: RedisReply, at index: Int) {
        switch reply {
        case .bulk(let value):
            noteSize(value.count)
            answer(value, head(.bytes), unlessKnown: known)
        case .null:
            noteSize(0)
            answer(.keyNotFound)
        case .error(let text): receive(problem(of: text))
        case .simple, .integer, .array: distrust()
        }
    }

    private func receive(_ problem: Problem) {
        guard problem == .answerTooLarge, !isLarge else { return answer(problem) }
        // The value was met behind what could not give way to it.
        noteLargeReply()
        fail(.displaced)
    }

    override var largeRead: RedisLoop.LargeRead { .streamed }

    override func take(_ value: LargeValue, at index: Int) -> Bool {
        service.redis.note(key, isLarge: true)
        large = LargeAnswer(value, of: key, head(.bytes), ReadPreconditions(known: known), for: self) {
            self.fail($0)
        }
        large?.begin()
        return true
    }

    override func abandoned() { large?.cancel() }
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
}

extension ResponseHead {
    /// Lets a browser keep the value, unless something is said beside it that a later answer 304 would not take back: what a
    /// token or a verdict stands for, which app answered, or that the server had lost its master.
    mutating func mayBeKept() {
        if fields.isEmpty, !isStale { caching = .revalidate }
    }
}

extension RequestView {
    /// The values that the client has already.
    var knownTags: EntityTagList {
        guard let field = value(of: .ifNoneMatch) else { return .noTag }
        return EntityTagList(parsing: field)
    }

    /// If-Match and If-None-Match of a read.
    ///
    /// - Throws: ``Problem/unsupportedPrecondition`` where an If-Match is not well-formed, or was sent in several lines.
    var readPreconditions: ReadPreconditions {
        get throws(Problem) {
            var preconditions = ReadPreconditions(known: knownTags)
            guard let field = value(of: .ifMatch) else { return preconditions }
            guard !head.isRepeated(.ifMatch), let tags = EntityTagList(wellFormed: field, .strong) else {
                throw .unsupportedPrecondition
            }
            preconditions.required = tags
            return preconditions
        }
    }

    /// For a path whose answer is no value: If-Match has nothing to be compared with, and If-None-Match of a write neither.
    ///
    /// - Throws: ``Problem/unsupportedPrecondition``.
    func refusePreconditions() throws(Problem) {
        if head.value(of: .ifMatch) != nil || (head.method == .post && head.value(of: .ifNoneMatch) != nil) {
            throw .unsupportedPrecondition
        }
    }
}
