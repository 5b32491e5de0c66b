import NIOCore
import RedisClient

/// The answer to a batch, written reply by reply: `{"results":[{"status":200,"value":"v"},{"status":204},…]}`.
struct BatchResults {
    /// Values beyond this are left out, each with the code `answer-too-large`.
    let maximumBytes: Int

    /// How much more may be buffered for answers now; values beyond it are left out, each with the code `overloaded`.
    var room = Int.max

    private var body = ByteBuffer(staticString: "{\"results\":[")
    private var isEmpty = true
    private var hasWritten = false
    private var hasReadOnly = false
    /// What every operation so far has failed with.
    private var common: Problem?
    private var hasOthers = false
    /// Whether a key was not there.
    private(set) var lacksKeys = false
    /// How many operations have a result.
    private(set) var count = 0

    init(maximumBytes: Int = 32 << 20) { self.maximumBytes = maximumBytes }

    /// Takes the reply to the operation that is next.
    ///
    /// - Returns: `false` where the operation never gets such a reply.
    mutating func take(_ reply: RedisReply, to operation: BatchOperation) -> Bool {
        switch (reply, operation) {
        case (.error(let text), .get): append(Problem(redisError: text))
        case (.error(let text), _):
            switch WriteRecord.Reply(error: text) {
            case .refused(let problem): append(problem)
            case .applied, .unmet, .unclear: appendUnknown()
            }
        case (.bulk(let value), .get): append(value)
        case (.null, .get): append(.keyNotFound)
        case (.simple, .set(_, _, _, let ifAbsent)) where reply.isOK: append(written: ifAbsent ? .created : .noContent)
        case (.null, .set): append(.preconditionFailed)
        case (.integer(let deleted), .delete):
            if deleted > 0 { append(written: .noContent) } else { append(.keyNotFound) }
        default: return false
        }
        return true
    }

    /// Gives the operations that get no reply any more the results that they may have: a write was applied or not.
    mutating func lose(_ operations: ArraySlice<BatchOperation>) {
        for operation in operations {
            if operation.isWrite { appendUnknown() } else { append(.redisUnavailable(role: "Redis master")) }
        }
    }

    /// How much is buffered for the answer.
    var bytes: Int { body.readableBytes }

    /// What stands for all results: nothing was done, and what to do about it is the same for all of them.
    var failureOfAll: Problem? {
        // Gets may have succeeded on what turned out to be a replica.
        if hasReadOnly, !hasWritten { return .redisReadOnly }
        guard !hasOthers, let common, common.status.rawValue >= 500 else { return nil }
        return common
    }

    consuming func finished() -> ByteBuffer {
        body.writeStaticString("]}")
        return body
    }

    private mutating func append(_ value: Span<UInt8>) {
        hasOthers = true
        let bytes = ByteBuffer.jsonBytes(value)
        guard body.readableBytes + bytes <= maximumBytes else { return append(.answerTooLarge) }
        guard bytes < MemoryBudget.smallBytes || bytes <= room else { return append(.overloaded) }
        begin(.ok)
        body.writeStaticString(",")
        body.writeJSONMember("value", value)
        body.writeStaticString("}")
    }

    private mutating func append(written status: ResponseStatus) {
        hasOthers = true
        hasWritten = true
        begin(status)
        body.writeStaticString("}")
    }

    private mutating func appendUnknown() {
        append(.writeOutcomeUnknown)
        hasWritten = true
    }

    private mutating func append(_ problem: Problem) {
        if isEmpty { common = problem } else if common != problem { hasOthers = true }
        if problem == .redisReadOnly { hasReadOnly = true }
        if problem == .keyNotFound { lacksKeys = true }
        begin(problem.status)
        body.writeStaticString(",\"code\":\"")
        body.writeStaticString(problem.code)
        body.writeStaticString("\"}")
    }

    private mutating func begin(_ status: ResponseStatus) {
        body.writeStaticString(isEmpty ? "{\"status\":" : ",{\"status\":")
        body.writeString("\(status.rawValue)")
        isEmpty = false
        count += 1
    }
}
