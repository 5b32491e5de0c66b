import NIOConcurrencyHelpers
import NIOCore
import RedisClient

/// The ``TopologyRecord`` of the process, and what fills it: once a second, on the event loop of the first service, whether
/// a client watches or not.
final class TopologyRecorder: Sendable {
    static let interval = TimeAmount.seconds(1)

    private let record = NIOLockedValueBox(TopologyRecord())
    private let hasBegun = NIOLockedValueBox(false)

    /// What is seen now, with what is remembered.
    func observe(_ topology: Topology) -> Topology { record.withLockedValue { $0.observe(topology, at: .now) } }

    /// What `GET /v1/topology/history` answers.
    func history(of app: Topology.App) -> ByteBuffer { record.withLockedValue { $0.historyJSON(of: app) } }

    /// Begins to look once a second, with the first service that asks for it.
    func begin(_ service: KeyValueService) {
        let isFirst = hasBegun.withLockedValue { hasBegun in
            defer { hasBegun = true }
            return !hasBegun
        }
        guard isFirst else { return }
        record.withLockedValue { $0.start(at: .now) }
        Looks(service: service, recorder: self).begin()
    }

    /// Observes at intervals, on one event loop; not `Sendable`.
    private final class Looks {
        private let service: KeyValueService
        private let recorder: TopologyRecorder
        private let loop: NIOIsolatedEventLoop
        private var lastAt = NIODeadline.now()

        init(service: KeyValueService, recorder: TopologyRecorder) {
            self.service = service
            self.recorder = recorder
            loop = service.eventLoop.assumeIsolated()
        }

        func begin() {
            loop.scheduleTask(in: TopologyRecorder.interval) { self.look() }
        }

        private func look() {
            guard !service.isShutDown else { return }
            let app = service.app
            service.loops.gather(on: service.eventLoop) {
                ([ObservedServer]($0.redis), $0.http.counters.load, SelectionWords($0.redis))
            } completion: { loops in
                guard !loops.isEmpty else { return }
                self.take(
                    Topology(of: app, seenBy: loops.map { $0.0 }, words: SelectionWords(of: loops.map { $0.2 })),
                    loops.map { $0.1 }.reduce(RequestLoad(), +))
                self.begin()
            }
        }

        private func take(_ topology: Topology, _ load: RequestLoad) {
            let now = NIODeadline.now()
            let seconds = Double((now - lastAt).nanoseconds) / 1e9
            lastAt = now
            let events = recorder.record.withLockedValue { record in
                let time = WallTime.now
                record.sample(load, record.observe(topology, at: time), after: seconds, at: time)
                return record.events
            }
            guard service.feed.streams > 0 else { return }
            service.loops.execute { service in
                for event in events { service.send(event) }
            }
        }
    }
}

/// What a loop's selection of the master says in words.
struct SelectionWords: Equatable, Sendable {
    /// Why there is no master; `nil` where there is one.
    var doubt: String?
    /// What the last change of the master was.
    var lastChange: String?
    /// Which node leads; `nil` where a master is configured.
    var leader: LeaderReport?
    /// What the Sentinels say; `nil` where they do not decide.
    var sentinel: SentinelReport?
    /// Writes that wait for a master now, and those that have waited since the process began.
    var waitingWrites = 0
    var waitedWrites = 0

    init(doubt: String? = nil, lastChange: String? = nil) {
        self.doubt = doubt
        self.lastChange = lastChange
    }

    init(_ redis: RedisLoop) {
        doubt = redis.masterDoubt
        lastChange = redis.lastMasterChange
        leader = redis.leaderReport
        sentinel = redis.sentinelReport
        waitingWrites = redis.waitingWriteCount
        waitedWrites = redis.waitedWriteCount
    }

    /// What all event loops say together.
    ///
    /// - Parameter loops: 1 or more.
    init(of loops: [SelectionWords]) {
        self = loops[0]
        for other in loops.dropFirst() {
            waitingWrites += other.waitingWrites
            waitedWrites += other.waitedWrites
        }
    }
}
