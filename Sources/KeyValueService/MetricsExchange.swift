import HTTPWire
import NIOCore
import NIOPosix
import RedisClient
import Telemetry

/// `GET /metrics`: every event loop is asked for its numbers; they are put into words on another thread, for that reads
/// files and takes longer than a request should.
final class MetricsExchange: Exchange {
    private let service: KeyValueService

    init(_ head: borrowing RequestHead, connection: HTTPConnection, service: KeyValueService) {
        self.service = service
        super.init(head, connection: connection)
    }

    /// Told also where memory is short: but not to one that does not take what it was told.
    override var mayBeRefusedLate: Bool { connection.map { $0.chargedBytes > 64 << 10 } ?? false }

    override func begin() {
        let eventLoop = service.eventLoop
        service.loops.gather(on: eventLoop) {
            LoopStatistics($0)
        } completion: { loops in
            NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) {
                var text = MetricsText()
                text.add(LoopStatistics(of: loops))
                text.add(ProcessStatistics.now)
                return text.buffer
            }
            .assumeIsolated()
            .whenComplete { result in
                switch result {
                case .success(let text): self.respond(Response(contentType: .metrics, body: text))
                // Only where the threads of the process are being ended.
                case .failure: self.respond(.redisUnavailable(role: "Redis server"))
                }
            }
        }
    }
}
