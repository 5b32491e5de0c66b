import ArgumentParser
import KeyValueService
import Logging
import NIOCore
import NIOPosix
import RedisClient
import ServiceProgram
import Settings
import Telemetry

/// What both commands have in common: configuration, a log, event loops, a server, and an end in order.
struct Program {
    let bindTarget: BindTarget
    let configuration: ServiceConfiguration
    private let environment: ServiceEnvironment
    private let eventLoops: Int
    private let logFormat: LogFormat
    private let logLevel: Logger.Level
    private let drain: Drain

    /// - Throws: an exit code, after one line on stderr that says why and what to do. So do the others.
    init(_ options: [any VariableOptions]) throws {
        let environment = ServiceEnvironment(GivenSettings(of: ServiceEnvironment.variables, options))
        self.environment = environment
        do {
            try environment.checkNames()
            bindTarget = BindTarget(
                host: try environment.listeningHost(), port: try environment.listeningPort(),
                sharesPort: try environment.sharesPort())
            eventLoops = try environment.eventLoops() ?? NIOCore.System.coreCount
            logFormat = try environment.logFormat() ?? .ofStandardError
            logLevel = try environment.logLevel()
            drain = Drain(delay: try environment.drainDelay(), timeout: try environment.drainTimeout())
            var configuration = ServiceConfiguration(
                hostName: environment.hostName ?? System.hostName, podIP: environment.podIP ?? System.firstAddress)
            configuration.accessLogSample = try environment.accessLogSample()
            self.configuration = configuration
        } catch {
            throw Self.failure(error)
        }
    }

    /// Reads what one command alone has. It is read before anything starts.
    func read<Value>(_ body: (ServiceEnvironment, inout ServiceConfiguration) throws -> Value) throws -> Value {
        var configuration = configuration
        do {
            return try body(environment, &configuration)
        } catch {
            throw Self.failure(error)
        }
    }

    /// Prints what a start would go by. Everything has been read by now, and is valid.
    func printConfiguration(of groups: [Variable.Group]) {
        let found = [
            "EVENT_LOOPS": "\(eventLoops)", "HOSTNAME": configuration.hostName, "POD_IP": configuration.podIP,
            "LOG_FORMAT": logFormat.rawValue, "MEMORY_BUDGET_MIB": "\(System.memoryBudgetMiB)",
        ]
        for line in environment.lines(of: groups, found: found) { print(line) }
    }

    /// Starts the server and runs it until SIGTERM or SIGINT.
    func run(
        _ start: (MultiThreadedEventLoopGroup, Logger) async throws -> (HTTPServer, RedisLoops?)
    ) async throws {
        System.returnLargeBlocks()
        var logger = Logger(label: "kvapp") { logFormat.makeHandler(label: $0) }
        logger.logLevel = logLevel
        do {
            // Before anything starts, so that no signal is missed.
            let signals = await EndSignals()
            let group = MultiThreadedEventLoopGroup(numberOfThreads: eventLoops)
            let (server, redis) = try await start(group, logger)
            for doubt in (try? environment.doubts(readFile)) ?? [] { logger.warning("\(doubt)") }
            logger.info("listening on \(server.address.ipAddress ?? "?"), port \(server.address.port ?? 0)")
            await withTaskGroup { tasks in
                tasks.addTask { await redis?.discoverReplicas() }
                tasks.addTask { await signals.forward() }
                await drain.run(server, signals, logger)
                tasks.cancelAll()
            }
            logger.info("bye")
            try await group.shutdownGracefully()
        } catch {
            throw Self.failure(error)
        }
    }

    private static func failure(_ error: any Error) -> ExitCode {
        .reporting(error, of: "KVApp", else: error is BindError ? .unavailable : .software)
    }
}
