import ArgumentParser
import KeyValueService
import ProgramStart
import RedisClient
import ServiceProgram

/// The key-value HTTP service: writes to the master, reads from the replicas.
@main
struct KVApp: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "KVApp",
        abstract: "A key-value HTTP service on a Redis master and its replicas.",
        usage: """
            KVApp [serve] [<options>]
            KVApp hostname [<options>]
            """,
        discussion: Serve.sections,
        version: "KVApp \(ServiceVersion.current)",
        subcommands: [Serve.self, Hostname.self],
        defaultSubcommand: Serve.self)

    static func main() async { await start() }
}

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve POST /set, GET /get?key=…, /, /livez and /readyz (the default).",
        discussion: "Each flag shows its variable. The flag wins.")

    @OptionGroup(title: "Listening") var listening: ListeningOptions
    @OptionGroup(title: "Clients") var clients: ClientOptions
    @OptionGroup(title: "Redis servers") var servers: RedisServerOptions
    @OptionGroup(title: "Redis connections") var connections: RedisConnectionOptions
    @OptionGroup(title: "TLS to Redis") var tls: RedisTLSOptions
    @OptionGroup(title: "Log") var log: LogOptions
    @OptionGroup(title: "Shutdown") var shutdown: ShutdownOptions
    @OptionGroup(title: "Instead of running") var instead: InsteadOptions

    func run() async throws {
        let program = try Program([listening, clients, servers, connections, tls, log, shutdown])
        let (topology, connection, configuration) = try program.read { environment, configuration in
            configuration.allowedOrigins = try environment.allowedOrigins()
            configuration.moreHosts = try environment.moreHosts()
            configuration.apiToken = try environment.apiToken(readFile)
            configuration.limits = try environment.limits(defaultBudgetMiB: System.memoryBudgetMiB)
            return (try environment.topology(), try environment.connection(readFile), configuration)
        }
        if instead.printConfig { return program.printConfiguration(of: .ofService) }
        try await program.run { group, logger in
            let redis = RedisLoops(topology: topology, configuration: connection, group: group, logger: logger)
            let server = try await HTTPServer.keyValue(
                at: program.bindTarget, configuration: configuration, redis: redis, logger: logger)
            return (server, redis)
        }
    }
}

struct Hostname: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Answer every request, on any path, with the name of the host that it hit. Needs no Redis.",
        discussion: "Each flag shows its variable. The flag wins.")

    @OptionGroup(title: "Listening") var listening: ListeningOptions
    @OptionGroup(title: "Log") var log: LogOptions
    @OptionGroup(title: "Shutdown") var shutdown: ShutdownOptions
    @OptionGroup(title: "Instead of running") var instead: InsteadOptions

    func run() async throws {
        let program = try Program([listening, log, shutdown])
        if instead.printConfig { return program.printConfiguration(of: .ofHostname) }
        try await program.run { group, logger in
            let server = try await HTTPServer.hostname(
                at: program.bindTarget, configuration: program.configuration, group: group, logger: logger)
            return (server, nil)
        }
    }
}
