public import Logging
import NIOConcurrencyHelpers
public import NIOCore
public import NIOPosix

/// The ``RedisLoop`` of every event loop of a group, and the discovery that tells them all where the replicas are.
public final class RedisLoops: Sendable {
    public let group: MultiThreadedEventLoopGroup

    private let topology: RedisTopology
    private let configuration: RedisConnectionConfiguration
    private let logger: Logger
    private let selector: ServerSelector
    private let loops = NIOLockedValueBox<[NIOLoopBound<RedisLoop>]>([])

    public init(
        topology: RedisTopology, configuration: RedisConnectionConfiguration, group: MultiThreadedEventLoopGroup,
        logger: Logger
    ) {
        self.topology = topology
        var configuration = configuration
        configuration.complaints = Complaints(logger: logger)
        self.configuration = configuration
        self.group = group
        self.logger = logger
        self.selector = ServerSelector(configured: topology.master, logger: logger)
    }

    /// Makes the loop's connections and begins to connect. Must be called on `eventLoop`, once.
    ///
    /// - Parameter index: the loop's place in its group; the loops begin their turns at different replicas.
    public func makeLoop(
        index: Int, eventLoop: any EventLoop, flusher: TickFlusher,
        encodeInformation: @escaping @Sendable (_ text: Span<UInt8>, _ buffer: inout ByteBuffer) -> Void
    ) -> RedisLoop {
        var configuration = configuration
        configuration.encodeInformation = encodeInformation
        // One loop is enough to tell an operator what happens to a server.
        var quiet = logger
        if index > 0 { quiet.logLevel = .error }
        let loop = RedisLoop(
            topology: topology, configuration: configuration, eventLoop: eventLoop, flusher: flusher, turn: index,
            selector: selector, loops: Array(group.makeIterator()).count, logger: quiet)
        loops.withLockedValue { $0.append(NIOLoopBound(loop, eventLoop: eventLoop)) }
        return loop
    }

    /// Follows the replicas' name until the task is cancelled; returns at once where they are given one by one.
    public func discoverReplicas() async {
        guard case .name(let name) = topology.replicas else { return }
        let discovery = ReplicaDiscovery(name: name, threadPool: .singleton, logger: logger)
        await discovery.run { endpoints in
            for loop in self.loops.withLockedValue({ $0 }) {
                loop.eventLoop.execute { loop.value.setReplicas(endpoints) }
            }
        }
    }
}
