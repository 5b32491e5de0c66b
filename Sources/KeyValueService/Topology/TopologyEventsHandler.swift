import HTTPWire
import NIOCore

/// `GET /v1/topology/events`: a stream of server-sent events (WHATWG HTML §9.2), each with a ``Topology``.
final class TopologyEventsHandler: StreamHandler {
    /// How long a client may take nothing before its stream is closed.
    private static let patience = TimeAmount.seconds(15)

    private let service: KeyValueService
    private var hasPlace = false
    private var takenAt = NIODeadline.now()

    init(_ head: borrowing RequestHead, connection: HTTPConnection, service: KeyValueService) {
        self.service = service
        super.init(head, connection: connection)
    }

    override func begin() {
        var head = ResponseHead(contentType: .eventStream)
        head.caching = .stream
        if method != .head {
            guard service.feed.open(service) else {
                return respond(.tooManyStreams(limit: TopologyFeed.maximumStreams))
            }
            hasPlace = true
        }
        stream(head)
    }

    override func streamBegan() {
        service.add(self)
        _ = send(ByteBuffer(string: "retry: 1000\n\n"))
        _ = send(service.topologyHistoryEvent)
        service.feed.greet()
    }

    override func streamEnded() {
        guard hasPlace else { return }
        hasPlace = false
        service.remove(self)
        service.feed.close()
    }

    /// Sends the event, unless the client is slow: the next event contains all that this one would have.
    func tell(_ event: ByteBuffer) {
        let now = NIODeadline.now()
        if send(event) {
            takenAt = now
        } else if now - takenAt > Self.patience {
            connection?.closeNow()
        }
    }
}

extension KeyValueService {
    func add(_ stream: TopologyEventsHandler) { streams[ObjectIdentifier(stream)] = stream }

    func remove(_ stream: TopologyEventsHandler) { streams[ObjectIdentifier(stream)] = nil }

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
