import NIOCore
import RedisClient
import RedisCore
import Telemetry

/// `POST /set` with `{"key":…,"value":…}`: SET and INFO replication on the master, in one
/// pipeline; see ``OriginalAnswer``.
struct OriginalWrite {
    private var request: SetRequest?
    /// Escaped for JSON.
    private let podIP: [UInt8]

    init(podIP: [UInt8]) { self.podIP = podIP }

    mutating func take(_ body: ByteBuffer) throws(Problem) {
        request = try SetRequest(parsing: body.readableBytesUInt8Span)
    }

    func encode(into buffer: inout ByteBuffer) {
        guard let request else { return }
        buffer.writeSET(key: request.key.span, value: request.value.span)
    }

    func accept(_ reply: RedisReply, _ record: inout WriteRecord) -> Bool {
        switch reply {
        case .simple where reply.isOK: record.replied(.applied)
        case .error(let text): record.replied(.init(error: text))
        case .bulk, .simple, .integer, .null, .array: return false
        }
        return true
    }

    func answer(_ outcome: WriteRecord.Outcome, _ report: WriteReport) -> WriteOperation.Answer {
        switch outcome {
        case .applied: if let request { appliedAnswer(to: request, report) } else { unknown }
        case .notApplied(let problem): .response(problem.response)
        case .unmet, .unknown: unknown
        }
    }

    private var unknown: WriteOperation.Answer { .response(Problem.writeOutcomeUnknown.response) }

    private func appliedAnswer(to request: SetRequest, _ report: WriteReport) -> WriteOperation.Answer {
        let answer = OriginalAnswer(
            .set, key: [UInt8](jsonEscaping: request.key.span), value: [UInt8](jsonEscaping: request.value.span),
            podIP: podIP)
        var head = report.head(.ok, .json)
        var missing: [IncompleteAnswer] = []
        if let token = report.token { head.add("Replication-Token", token.bytes) } else { missing.append(.token) }
        if !report.hasText { missing.append(.replication) }
        head.addIncomplete(missing)
        return .original(answer, head)
    }
}
