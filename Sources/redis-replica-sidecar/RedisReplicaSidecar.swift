import ArgumentParser
import ServiceProgram
import Settings

/// Keeps the replica beside it a good replica.
@main
struct RedisReplicaSidecar: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redis-replica-sidecar",
        abstract: "Watches a redis-server and its master, and keeps the replica at the right one.",
        discussion: """
            Where the server and its master are, and what they ask for, is read from the environment and the configuration \
            as redis-replica-init reads them: REDIS_MASTER_SERVICE_HOST, REDIS_MASTER_PASSWORD_FILE and so on. A flag wins \
            over the variable that stands behind its meaning.
            """,
        version: "redis-replica-sidecar 0.1.0")

    @OptionGroup(title: "Listening") var listening: ListeningOptions
    @OptionGroup(title: "The server beside it") var server: ServerOptions
    @OptionGroup(title: "Deciding") var deciding: DecidingOptions
    @OptionGroup(title: "Readiness") var readiness: ReadinessOptions
    @OptionGroup(title: "Secrets") var secrets: SecretOptions
    @OptionGroup(title: "Log") var log: LogOptions
    @OptionGroup(title: "Instead of watching") var instead: InsteadOptions

    func run() throws {
        let settings = GivenSettings(of: .sidecar, [listening, server, deciding, readiness, secrets, log])
        let program = try Program(settings)
        if instead.printConfig { return program.printConfiguration() }
        try program.run()
    }
}
