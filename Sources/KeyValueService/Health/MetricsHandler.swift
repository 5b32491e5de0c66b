import HTTPWire
import RedisClient
import Telemetry

/// `GET /metrics`: the text is made by the event loop's ``MetricsMaker``.
final class MetricsHandler: RequestHandler {
    private let service: KeyValueService

    init(_ head: borrowing RequestHead, connection: HTTPConnection, service: KeyValueService) {
        self.service = service
        super.init(head, connection: connection)
    }

    /// Told also where memory is short: but not to one that does not take what it was told.
    override var mayBeRefusedLate: Bool { connection.map { $0.chargedBytes > 64 << 10 } ?? false }

    override func begin() {
        connection?.exclusive = self
        service.metrics.ask { result in
            switch result {
            case .success(let text): self.respond(Response(contentType: .metrics, body: text))
            // Only where the threads of the process are being ended.
            case .failure: self.respond(.redisUnavailable(role: "Redis server"))
            }
        }
    }
}
