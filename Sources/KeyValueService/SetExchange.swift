import HTTPWire
import NIOCore
import RedisClient
import Telemetry

/// `POST /set` with `{"key":…,"value":…}`: SET and INFO replication on the master, in one
/// pipeline; see ``OriginalAnswer``.
final class SetExchange: WriteExchange {
    private var request: SetRequest?

    init(_ request: borrowing RequestView, connection: HTTPConnection, service: KeyValueService) {
        super.init(request, connection: connection, service: service, contentType: "application/json")
    }

    override class var information: InformationForm { .text }

    override func receive(_ body: ByteBuffer) throws(Problem) {
        request = try SetRequest(parsing: body.readableBytesUInt8Span)
        send()
    }

    override func encode(into buffer: inout ByteBuffer) {
        guard let request else { return }
        buffer.writeSET(key: request.key.span, value: request.value.span)
    }

    override func answer(_ information: Span<UInt8>) {
        guard let request else { return }
        let answer = OriginalAnswer(
            .set, key: [UInt8](jsonEscaping: request.key.span), value: [UInt8](jsonEscaping: request.value.span),
            podIP: service.escapedPodIP)
        respond(answer, head(.ok, .json), replication: information)
    }
}
