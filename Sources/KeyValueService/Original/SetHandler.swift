import HTTPWire
import NIOCore
import RedisClient
import RedisCore
import Telemetry

/// `POST /set` with `{"key":…,"value":…}`: SET and INFO replication on the master, in one
/// pipeline; see ``OriginalAnswer``.
final class SetHandler: WriteHandler {
    private var request: SetRequest?

    init(_ request: borrowing RequestView, connection: HTTPConnection, service: KeyValueService) {
        super.init(request, connection: connection, service: service, contentType: "application/json")
    }

    override class var informationForm: InformationForm { .both }

    override func receive(_ body: ByteBuffer) throws(Problem) {
        request = try SetRequest(parsing: body.readableBytesUInt8Span)
        send()
    }

    override func command(at index: Int) -> RedisCommand { .set }

    override func encode(into buffer: inout ByteBuffer) {
        guard let request else { return }
        buffer.writeSET(key: request.key.span, value: request.value.span)
    }

    override func accept(_ reply: RedisReply, at index: Int) -> Bool {
        switch reply {
        case .simple where reply.isOK: record.replied(.applied)
        case .error(let text): record.replied(.init(error: text))
        case .bulk, .simple, .integer, .null, .array: return false
        }
        return true
    }

    override func conclude(_ text: Span<UInt8>) {
        switch record.outcome {
        case .applied: respondApplied(text)
        case .notApplied(let problem): respond(problem.naming(mastersOf: service.redis))
        case .unmet, .unknown: respond(.writeOutcomeUnknown)
        }
    }

    private func respondApplied(_ text: Span<UInt8>) {
        guard let request else { return }
        let answer = OriginalAnswer(
            .set, key: [UInt8](jsonEscaping: request.key.span), value: [UInt8](jsonEscaping: request.value.span),
            podIP: service.escapedPodIP)
        var head = head(.ok, .json)
        var missing: [IncompleteAnswer] = []
        if let token = information.flatMap(ReplicationToken.init(of:)) {
            head.add("Replication-Token", token.bytes)
        } else {
            missing.append(.token)
        }
        if text.isEmpty { missing.append(.replication) }
        head.addIncomplete(missing)
        respond(answer, head, replication: text)
    }
}
