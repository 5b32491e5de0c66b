import ArgumentParser
import Glibc
import KeyValueService
import Logging
import NIOCore
import NIOPosix
import RedisClient
import ServiceLifecycle
import UnixSignals

/// What both commands have in common: configuration, a log, event loops, a server, and an end in order.
struct Program {
    let bindTarget: BindTarget
    let configuration: ServiceConfiguration
    let environment: ServiceEnvironment
    let group: MultiThreadedEventLoopGroup
    let logger: Logger
    private let drainDeadline: Duration

    init(_ options: ServerOptions) throws {
        environment = ServiceEnvironment { name in getenv(name).map { String(cString: $0) } }
        do {
            bindTarget = BindTarget(
                host: options.host ?? environment.listeningHost,
                port: try options.port ?? environment.listeningPort(), sharesPort: options.sharePort)
        } catch {
            throw Self.failure(error)
        }
        configuration = ServiceConfiguration(
            hostName: environment.hostName ?? System.hostName, podIP: environment.podIP ?? System.firstAddress)
        group = MultiThreadedEventLoopGroup(numberOfThreads: options.eventLoops ?? NIOCore.System.coreCount)
        logger = Logger(label: "kvapp") { StreamLogHandler.standardError(label: $0) }
        drainDeadline = .seconds(options.drainSeconds)
    }

    /// Starts the server and runs it until SIGTERM or SIGINT.
    ///
    /// - Throws: an exit code, after one line on stderr that says why and what to do.
    func run(_ start: (Program) async throws -> (HTTPServer, RedisLoops?)) async throws {
        do {
            let (server, redis) = try await start(self)
            logger.info("listening on \(server.address.ipAddress ?? "?"), port \(server.address.port ?? 0)")
            let service = ServerService(server: server, redis: redis, drainDeadline: drainDeadline, logger: logger)
            try await ServiceGroup(
                services: [service], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger
            ).run()
            try await group.shutdownGracefully()
        } catch {
            throw Self.failure(error)
        }
    }

    private static func failure(_ error: any Error) -> any Error {
        FileDescriptors.writeError("KVApp: \(error)")
        return switch error {
        case is ConfigurationError: ExitCode(78)  // EX_CONFIG
        case is BindError: ExitCode(69)  // EX_UNAVAILABLE
        default: ExitCode(70)  // EX_SOFTWARE
        }
    }
}

/// The server under ServiceLifecycle: runs until it is told to end, then drains.
struct ServerService: Service {
    let server: HTTPServer
    let redis: RedisLoops?
    let drainDeadline: Duration
    let logger: Logger

    func run() async throws {
        await withTaskGroup { tasks in
            tasks.addTask { await redis?.discoverReplicas() }
            try? await gracefulShutdown()
            logger.info("shutting down: finishing what has been asked")
            await server.drain(deadline: drainDeadline)
            tasks.cancelAll()
        }
        logger.info("bye")
    }
}
