import ArgumentParser
import KeyValueService
import RedisClient

/// The key-value HTTP service: writes to the master, reads from the replicas.
@main
struct KVApp: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "KVApp",
        abstract: "A key-value HTTP service on a Redis master and its replicas.",
        version: ServiceVersion.current,
        subcommands: [Serve.self, Hostname.self],
        defaultSubcommand: Serve.self)
}

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve POST /set, GET /get?key=…, /, /livez and /readyz (the default).",
        discussion: "Environment:\n"
            + ServiceEnvironment.variables.map { "  \($0.name)\n      \($0.meaning)" }.joined(separator: "\n"))

    @OptionGroup var options: ServerOptions

    func run() async throws {
        try await Program(options).run { program in
            let redis = RedisLoops(
                topology: try program.environment.topology(),
                configuration: try program.environment.connection(readFile),
                group: program.group, logger: program.logger)
            let server = try await HTTPServer.keyValue(
                at: program.bindTarget, configuration: program.configuration, redis: redis, logger: program.logger)
            return (server, redis)
        }
    }
}

struct Hostname: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Answer every request, on any path, with the name of the host that it hit. Needs no Redis.")

    @OptionGroup var options: ServerOptions

    func run() async throws {
        try await Program(options).run { program in
            let server = try await HTTPServer.hostname(
                at: program.bindTarget, configuration: program.configuration, group: program.group,
                logger: program.logger)
            return (server, nil)
        }
    }
}
