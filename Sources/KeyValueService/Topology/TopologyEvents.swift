import HTTPWire
import NIOCore

/// `GET /v1/topology/events`: a stream of server-sent events (WHATWG HTML §9.2), each with a ``Topology``.
final class TopologyEvents: StreamSource {
    /// How long a client may take nothing before its stream is closed.
    private static let patience = TimeAmount.seconds(15)

    private let service: KeyValueService
    private var hasPlace = false
    private var takenAt = NIODeadline.now()
    /// From its beginning to its end.
    private var stream: StreamHandler?

    init(service: KeyValueService) { self.service = service }

    func begin(_ stream: StreamHandler) {
        var head = ResponseHead(contentType: .eventStream)
        head.caching = .stream
        if stream.method != .head {
            guard service.feed.open(service) else {
                return stream.respond(.tooManyStreams(limit: TopologyFeed.maximumStreams))
            }
            hasPlace = true
        }
        stream.stream(head)
    }

    func streamBegan(_ stream: StreamHandler) {
        self.stream = stream
        service.add(self)
        _ = stream.send(ByteBuffer(string: "retry: 1000\n\n"))
        _ = stream.send(service.topologyHistoryEvent)
        service.feed.greet()
    }

    func streamEnded() {
        stream = nil
        guard hasPlace else { return }
        hasPlace = false
        service.remove(self)
        service.feed.close()
    }

    /// Sends the event, unless the client is slow: the next event contains all that this one would have.
    func tell(_ event: ByteBuffer) {
        guard let stream else { return }
        let now = NIODeadline.now()
        if stream.send(event) {
            takenAt = now
        } else if now - takenAt > Self.patience {
            stream.connection?.closeNow()
        }
    }
}

extension KeyValueService {
    func add(_ events: TopologyEvents) { streams[ObjectIdentifier(events)] = events }

    func remove(_ events: TopologyEvents) { streams[ObjectIdentifier(events)] = nil }

    /// Sends an event to every stream of this event loop.
    func send(_ event: ByteBuffer) {
        for stream in streams.values { stream.tell(event) }
    }

    /// How this process is called.
    var app: Topology.App {
        Topology.App(
            podIP: configuration.podIP, hostName: configuration.hostName, version: ServiceVersion.current,
            streams: feed.streams)
    }
}
