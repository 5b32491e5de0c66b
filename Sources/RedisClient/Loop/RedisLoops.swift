public import Logging
import NIOConcurrencyHelpers
public import NIOCore
public import NIOPosix
import RedisCore

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
        configuration.asksForRefusal = topology.findsLeader
        self.configuration = configuration
        self.group = group
        self.logger = logger
        self.selector = ServerSelector(topology, logger: logger)
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

    /// Follows the replicas' name, and the Sentinels, until the task is cancelled; returns at once where the servers are given
    /// one by one.
    public func discoverReplicas() async {
        if let sentinel = topology.sentinel { return await followSentinel(sentinel) }
        let names: [RedisEndpoint]
        switch topology.replicas {
        case .endpoints: return
        case .name(let name): names = [name]
        case .nodes(let nodes): names = nodes
        }
        let discovery = ReplicaDiscovery(names: names, logger: logger)
        await discovery.run { self.setReplicas($0) }
    }

    private func setReplicas(_ found: [ReplicaDiscovery.Found]) {
        for loop in loops.withLockedValue({ $0 }) { loop.eventLoop.execute { loop.value.setReplicas(found) } }
    }

    /// Asks the Sentinels, and has all event loops connect to the servers that they name.
    private func followSentinel(_ settings: SentinelSettings) async {
        let nodes = NIOLockedValueBox(SentinelNodes(ownReplicas: topology.ownReplicas))
        let eventLoop = group.next()
        let (access, selector, logger) = (configuration.sentinel, selector, logger)
        let names = settings.sentinels.map { RedisEndpoint($0) }
        let watch = try? await eventLoop.submit {
            NIOLoopBound(
                SentinelWatch(
                    names: names, masterName: settings.masterName, access: access, eventLoop: eventLoop,
                    selector: selector,
                    logger: logger
                ) { named in
                    // In the order in which they are named.
                    nodes.withLockedValue { self.setReplicas($0.take(named)) }
                }, eventLoop: eventLoop)
        }.get()
        guard let watch else { return }
        await withTaskGroup { tasks in
            tasks.addTask {
                await ReplicaDiscovery(names: names, logger: logger).run { found in
                    eventLoop.execute { watch.value.watch(found) }
                }
            }
            if case .name(let name) = topology.ownReplicas {
                tasks.addTask {
                    await ReplicaDiscovery(names: [name], logger: logger).run { found in
                        nodes.withLockedValue { self.setReplicas($0.takeReplicas(found)) }
                    }
                }
            }
        }
        eventLoop.execute { watch.value.stop() }
    }
}
