import Listening
public import Logging
public import NIOCore
public import NIOPosix
public import RedisClient
import Telemetry

/// A listening socket, and a service on every event loop behind it.
public final class HTTPServer: Sendable {
    /// Where it listens; the port is the real one where 0 was asked for.
    public let address: SocketAddress

    private let listener: any Channel
    private let services: [NIOLoopBound<HTTPService>]

    private init(listener: any Channel, address: SocketAddress, services: [NIOLoopBound<HTTPService>]) {
        self.listener = listener
        self.address = address
        self.services = services
    }

    /// Serves the key-value API.
    public static func keyValue(
        at bind: BindTarget, configuration: ServiceConfiguration, redis: RedisLoops, logger: Logger
    ) async throws -> HTTPServer {
        let loops = ServiceLoops()
        let feed = TopologyFeed()
        // A token is something that no page of another origin can have a browser send.
        let hosts = configuration.apiToken == nil ? configuration.moreHosts.flatMap(bind.loopbackHosts) : nil
        return try await start(at: bind, group: redis.group, configuration, logger) { http, index, eventLoop in
            let loop = redis.makeLoop(index: index, eventLoop: eventLoop, flusher: http.flusher) {
                $1.writeJSONEscaped(information: $0)
            }
            return KeyValueService(
                http: http, redis: loop, eventLoop: eventLoop, loops: loops, feed: feed, configuration: configuration,
                hosts: hosts, logger: logger)
        }
    }

    /// Serves the host's name, on every path.
    public static func hostname(
        at bind: BindTarget, configuration: ServiceConfiguration, group: MultiThreadedEventLoopGroup, logger: Logger
    ) async throws -> HTTPServer {
        try await start(at: bind, group: group, configuration, logger) { http, _, _ in
            HostnameService(http: http, configuration: configuration, logger: logger)
        }
    }

    private static func start(
        at bind: BindTarget, group: MultiThreadedEventLoopGroup, _ configuration: ServiceConfiguration,
        _ logger: Logger,
        _ makeService: @escaping @Sendable (HTTPLoop, Int, any EventLoop) -> HTTPService
    ) async throws -> HTTPServer {
        var services: [NIOLoopBound<HTTPService>] = []
        let budget = MemoryBudget(limitBytes: configuration.limits.memoryBudgetBytes)
        let places = ConnectionPlaces(
            wanted: configuration.limits.maximumConnections
                ?? ConnectionLimit.usual(memoryBudgetBytes: configuration.limits.memoryBudgetBytes),
            eventLoops: group.makeIterator().reduce(0) { count, _ in count + 1 },
            openFiles: { OpenFiles.limit }, logger: logger)
        for (index, eventLoop) in group.makeIterator().enumerated() {
            services.append(
                try await eventLoop.submit {
                    let http = HTTPLoop(
                        limits: configuration.limits, origins: configuration.allowedOrigins, budget: budget,
                        places: places, eventLoop: eventLoop)
                    return NIOLoopBound(makeService(http, index, eventLoop), eventLoop: eventLoop)
                }.get())
        }
        let byLoop = services.reduce(into: [:]) { $0[ObjectIdentifier($1.eventLoop)] = $1 }
        let listener = try await bind.listen(on: group, burst: places.burst, logger) { channel in
            channel.eventLoop.makeCompletedFuture {
                // Looked up once a connection, then kept.
                guard let service = byLoop[ObjectIdentifier(channel.eventLoop)]?.value else {
                    preconditionFailure("a connection came up on an event loop of another group")
                }
                try channel.pipeline.syncOperations.addHandler(HTTPConnection(service: service))
            }
        }
        guard let address = listener.localAddress else { throw BindError.notBound(bind) }
        return HTTPServer(listener: listener, address: address, services: services)
    }

    /// Announces the shutdown, and goes on: `/readyz` answers 503, and every answer closes its connection, so that clients
    /// and load balancers go elsewhere. New connections are accepted as before.
    public func beginDraining() async {
        for bound in services {
            try? await bound.eventLoop.submit { bound.value.http.beginDraining() }.get()
        }
    }

    /// Ends in order: no new connections, answers to what has been asked, then the connections to Redis.
    ///
    /// - Parameter deadline: what is still open after it is closed as it is.
    public func drain(deadline: Duration) async {
        try? await listener.close()
        let overdue = services.map { bound in
            bound.eventLoop.scheduleTask(in: TimeAmount(deadline)) { bound.value.http.closeAll() }
        }
        for bound in services {
            let drained = bound.eventLoop.makePromise(of: Void.self)
            bound.eventLoop.execute { bound.value.drain { drained.succeed() } }
            try? await drained.futureResult.get()
        }
        for task in overdue { task.cancel() }
    }
}
