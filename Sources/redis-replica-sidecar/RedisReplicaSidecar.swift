import ArgumentParser
import ProgramStart
import ServiceProgram
import Settings

/// Keeps the replica beside it a good replica.
@main
struct RedisReplicaSidecar: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redis-replica-sidecar",
        abstract: "Observes a redis-server and its master, and keeps the replica attached to the right master.",
        usage: """
            redis-replica-sidecar [<options>]
            redis-replica-sidecar supervise [<options>] [-- <arguments> ...]
            redis-replica-sidecar <subcommand> [<options>]
            """,
        discussion: """
            The addresses and passwords of the server and its master come from the environment and the configuration, as in \
            redis-replica-init: REDIS_MASTER_SERVICE_HOST, REDIS_MASTER_PASSWORD_FILE and so on. Each flag shows its \
            variable. The flag wins.
            """,
        version: "redis-replica-sidecar 0.1.0",
        subcommands: [
            Confirm.self, Supervise.self, FailoverStatus.self, Switchover.self, ForcedFailover.self,
            PauseFailover.self, ResumeFailover.self, RollbackCommand.self,
        ])

    static func main() {
        // Before anything is read or made: what watches has to be small.
        DeadMan.runIfAsked()
        start()
    }

    @OptionGroup(title: "Listening") var listening: ListeningOptions
    @OptionGroup(title: "Listening") var socket: SocketOptions
    @OptionGroup(title: "Local server") var server: ServerOptions
    @OptionGroup(title: "Deciding") var deciding: DecidingOptions
    @OptionGroup(title: "Sentinel") var sentinel: SentinelOptions
    @OptionGroup(title: "Readiness") var readiness: ReadinessOptions
    @OptionGroup(title: "Secrets") var secrets: SecretOptions
    @OptionGroup(title: "Log") var log: LogOptions
    @OptionGroup(title: "Instead of running") var instead: InsteadOptions

    func run() throws {
        let settings = GivenSettings(
            of: .sidecar, [listening, socket, server, deciding, sentinel, readiness, secrets, log])
        let program = try Program(settings)
        if instead.printConfig { return try program.printConfiguration() }
        try program.run()
    }
}
