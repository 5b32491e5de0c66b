import RedisClient

/// `GET /v1/keys/{key}`: the value alone, as the bytes it is.
final class KeyReadExchange: ReadExchange {
    override func receive(_ reply: RedisReply, at index: Int) {
        switch reply {
        case .bulk(let value):
            respond(head(.bytes), bodyBytes: value.count) { $0.append(copying: value) }
        case .null: answer(.keyNotFound)
        case .error(let text): answer(problem(of: text))
        case .simple, .integer, .array: distrust()
        }
    }
}
