import RedisClient
import Telemetry

/// `GET /get?key=…`: GET and INFO replication of one server, in one pipeline; see ``OriginalAnswer``.
final class GetHandler: ReadHandler {
    /// Escaped for JSON; empty until it is known.
    private var value: [UInt8] = []
    private var problem: Problem?

    override class var information: InformationForm? { .text }

    override func receive(_ reply: RedisReply, at index: Int) {
        if index == 0 { receiveValue(reply) } else { receiveInformation(reply) }
    }

    private func receiveValue(_ reply: RedisReply) {
        problem = nil
        switch reply {
        case .bulk(let bytes):
            noteSize(bytes.count)
            if bytes.isUTF8 { value = [UInt8](jsonEscaping: bytes) } else { problem = .valueNotText }
        case .null:
            noteSize(0)
            problem = .keyNotFound
        case .error(let text): problem = problem(of: text)
        case .simple, .integer, .array: distrust()
        }
    }

    private func receiveInformation(_ reply: RedisReply) {
        if let problem { return answer(problem) }
        switch reply {
        case .bulk(let text):
            let key = key
            let answer = OriginalAnswer(
                .get, key: [UInt8](jsonEscaping: key.span), value: value, podIP: service.escapedPodIP)
            respond(answer, head(.json), replication: text)
        case .error(let text): answer(problem(of: text))
        case .simple, .integer, .null, .array: distrust()
        }
    }
}
