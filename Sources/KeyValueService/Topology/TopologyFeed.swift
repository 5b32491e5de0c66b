import NIOConcurrencyHelpers
import NIOCore
import RedisClient

/// The streams of topology events of the whole process: how many there may be, and the one poller that feeds them all.
///
/// The poller looks while there is a stream, on the event loop of the first one. An event goes out when something has changed,
/// when a stream is new, and after two seconds at the latest, so that a client can tell silence from a lost connection.
final class TopologyFeed: Sendable {
    static let maximumStreams = 64
    static let interval = TimeAmount.milliseconds(250)
    static let longestSilence = TimeAmount.seconds(2)

    private struct State {
        var streams = 0
        var isPolling = false
        var isGreeting = false
    }

    private let state = NIOLockedValueBox(State())
    let recorder = TopologyRecorder()

    /// How many streams are open.
    var streams: Int { state.withLockedValue { $0.streams } }

    /// Makes room for a stream, and begins to look if it is the first.
    ///
    /// - Returns: `false` where as many are open as may be.
    func open(_ service: KeyValueService) -> Bool {
        let (isOpen, isFirst) = state.withLockedValue { state in
            guard state.streams < Self.maximumStreams else { return (false, false) }
            state.streams += 1
            defer { state.isPolling = true }
            return (true, !state.isPolling)
        }
        if isFirst { TopologyPoller(service: service, feed: self).begin() }
        return isOpen
    }

    func close() { state.withLockedValue { $0.streams -= 1 } }

    /// Has an event sent with the next observation, changed or not: a client has none yet.
    func greet() { state.withLockedValue { $0.isGreeting = true } }

    /// - Returns: whether an event is due in any case; `nil` where no client watches, and the poller has to end.
    fileprivate func nextLook() -> Bool? {
        state.withLockedValue { state in
            state.isPolling = state.streams > 0
            defer { state.isGreeting = false }
            return state.isPolling ? state.isGreeting : nil
        }
    }
}

/// Observes the topology at intervals, on one event loop; not `Sendable`.
private final class TopologyPoller {
    private let service: KeyValueService
    private let feed: TopologyFeed
    private let loop: NIOIsolatedEventLoop
    private var number = 0
    private var last: ByteBuffer?
    private var lastAt = NIODeadline.uptimeNanoseconds(0)

    init(service: KeyValueService, feed: TopologyFeed) {
        self.service = service
        self.feed = feed
        self.loop = service.eventLoop.assumeIsolated()
    }

    func begin() { loop.execute { self.look() } }

    private func look() {
        guard let isDue = feed.nextLook() else { return }
        let app = service.app
        service.loops.gather(on: service.eventLoop) {
            ([ObservedServer]($0.redis), SelectionWords($0.redis))
        } completion: { loops in
            guard !loops.isEmpty else { return }
            let seen = Topology(of: app, seenBy: loops.map { $0.0 }, words: SelectionWords(of: loops.map { $0.1 }))
            self.tell(self.feed.recorder.observe(seen).json, isDue: isDue)
            // For the next observation; all in one tick, so that the offsets can be compared.
            self.service.redis.checkHealth()
            self.loop.scheduleTask(in: TopologyFeed.interval) { self.look() }
        }
    }

    private func tell(_ topology: ByteBuffer, isDue: Bool) {
        let now = NIODeadline.now()
        guard isDue || topology != last || now - lastAt >= TopologyFeed.longestSilence else { return }
        last = topology
        lastAt = now
        number += 1
        var event = ByteBuffer(string: "id: \(number)\nevent: topology\ndata: ")
        event.writeImmutableBuffer(topology)
        event.writeStaticString("\n\n")
        service.loops.execute { [event] in $0.send(event) }
    }
}
